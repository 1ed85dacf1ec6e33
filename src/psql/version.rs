//! Reads psql's version.

/// Returns the major version in the output of `psql --version`, such as `psql (PostgreSQL) 16.14`.
/// Other vendors put their own name in the brackets.
pub fn major(said: &str) -> Option<u32> {
    let (_, version) = said.strip_prefix("psql (")?.split_once(") ")?;
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_version_in_the_output() {
        for (said, version) in [
            ("psql (PostgreSQL) 16.14\r\n", Some(16)),
            ("psql (PostgreSQL) 19devel\n", Some(19)),
            ("psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", Some(15)),
            ("psql (PostgreSQL) 18beta1", Some(18)),
            ("psql (EDB) 9.6.1", Some(9)),
            ("mysql 8", None),
            ("psql", None),
        ] {
            assert_eq!(major(said), version, "{said}");
        }
    }
}
