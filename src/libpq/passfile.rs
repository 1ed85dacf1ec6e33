//! Looks up a password in the text of a password file (libpq's `passwordFromFile`).

/// What a password is looked up by.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    /// The host's name, else its address, or `localhost` for the default socket.
    pub host: &'a [u8],
    pub port: &'a [u8],
    pub database: &'a [u8],
    pub user: &'a [u8],
}

/// Returns whether `text` has a password for this connection that isn't empty.
pub fn has_password(text: &[u8], lookup: Lookup<'_>) -> bool {
    let fields = [lookup.host, lookup.port, lookup.database, lookup.user];
    text.split(|&b| b == b'\n')
        .map(|line| {
            let end = line
                .iter()
                .rposition(|&b| b != b'\r')
                .map_or(0, |at| at + 1);
            &line[..end]
        })
        .filter(|line| !line.starts_with(b"#"))
        .find_map(|line| {
            fields
                .iter()
                .try_fold(line, |rest, field| after_field(rest, field))
        })
        .is_some_and(|password| !password.is_empty() && password[0] != b':')
}

/// Returns what follows the first field of `line`, if that is `*` or `wanted`.
///
/// A backslash precedes a `:` and a `\` in the field. libpq also accepts a `:` of `wanted` without
/// one, so `::1` may be written as it is.
fn after_field<'a>(line: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    if let Some(rest) = line.strip_prefix(b"*:") {
        return Some(rest);
    }
    let mut rest = line;
    for wanted in wanted {
        // A backslash always stands for the byte after it.
        let (byte, after) = rest.strip_prefix(b"\\").unwrap_or(rest).split_first()?;
        if byte != wanted {
            return None;
        }
        rest = after;
    }
    rest.strip_prefix(b":")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> bool {
        let lookup = Lookup {
            host: b"h:1",
            port: b"5432",
            database: b"d",
            user: b"u",
        };
        has_password(text.as_bytes(), lookup)
    }

    #[test]
    fn lines() {
        assert!(found("h\\:1:5432:d:u:secret"));
        assert!(found("x\n*:*:*:*:s\r\n"));
        assert!(found("#*:*:*:*:no\n*:5432:*:u:s"));
        assert!(!found("#*:*:*:*:no"));
        assert!(found("h:1:5432:d:u:secret"));
        assert!(!found("h\\\\1:5432:d:u:secret"));
        assert!(!found("*:*:*:*:"));
        assert!(!found("*:*:*:*::rest"));
        assert!(!found("*:*:*:*"));
        // As in libpq, only the first line that matches counts.
        assert!(!found("*:*:*:*:\n*:*:*:*:s"));
    }
}
