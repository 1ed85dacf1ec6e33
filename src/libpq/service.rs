//! Reads the text of a service file (libpq's `parseServiceFile`).

use super::parameters::{LibpqError, Parameters, is_space};

/// Every libpq refuses lines of this many bytes, including the newline. libpq 13 refuses lines of
/// 255.
const LONGEST_LINE: usize = 1023;

/// Fills `parameters` from the section `[service]` of `text`, and returns whether there is one.
///
/// A section that looks up its values in LDAP is refused too, because they can't be known here.
pub fn read(text: &[u8], service: &[u8], parameters: &mut Parameters) -> Result<bool, LibpqError> {
    let mut found = false;
    for (n, line) in text.split_inclusive(|&b| b == b'\n').enumerate() {
        if line.len() >= LONGEST_LINE {
            return refuse(n, "is too long");
        }
        let line = trimmed(line);
        if line.is_empty() || line[0] == b'#' {
            continue;
        }
        if let Some(name) = line.strip_prefix(b"[") {
            if found {
                return Ok(true);
            }
            found = name
                .strip_prefix(service)
                .is_some_and(|rest| rest.starts_with(b"]"));
        } else if found {
            let Some(equals) = line.iter().position(|&b| b == b'=') else {
                return refuse(n, "has no \"=\"");
            };
            let (name, value) = (&line[..equals], &line[equals + 1..]);
            if name.starts_with(b"ldap") {
                return refuse(n, "asks an LDAP server");
            }
            if matches!(name, b"service" | b"servicefile") {
                return refuse(n, "names another service");
            }
            parameters
                .store_if_open(name, value)
                .or_else(|_| refuse(n, "names no connection option"))?;
        }
    }
    Ok(found)
}

fn trimmed(line: &[u8]) -> &[u8] {
    let end = line
        .iter()
        .rposition(|&b| !is_space(b))
        .map_or(0, |at| at + 1);
    let start = line[..end].iter().take_while(|&&b| is_space(b)).count();
    &line[start..end]
}

fn refuse<T>(line: usize, why: &str) -> Result<T, LibpqError> {
    Err(LibpqError(format!(
        "line {} of the service file {why}",
        line + 1
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str, service: &str) -> Result<Option<String>, LibpqError> {
        let mut parameters = Parameters::none();
        let found = read(text.as_bytes(), service.as_bytes(), &mut parameters)?;
        let host = parameters
            .value("host")
            .map(|host| String::from_utf8_lossy(host).into_owned());
        Ok(found.then(|| host.unwrap_or_default()))
    }

    #[test]
    fn a_section_is_read_to_its_end() {
        let text = "# c\n[a]\nhost=1\n\n  [b] \n host=2 \nhost=3\n[b]\nhost=4\n";
        assert_eq!(host(text, "a"), Ok(Some("1".to_owned())));
        assert_eq!(host(text, "b"), Ok(Some("2".to_owned())));
        assert_eq!(host(text, "c"), Ok(None));
    }

    #[test]
    fn what_libpq_refuses() {
        for bad in [
            "host",
            "nope=1",
            "host =1",
            "service=b",
            "servicefile=b",
            "ldap://x",
        ] {
            assert!(host(&format!("[a]\n{bad}\n"), "a").is_err(), "{bad}");
            assert_eq!(host(&format!("[b]\n{bad}\n"), "a"), Ok(None), "{bad}");
        }
        let long = format!("#{}\n[a]\n", "x".repeat(1021));
        assert!(host(&long, "a").is_err());
        assert_eq!(host(&long[1..], "a"), Ok(Some(String::new())));
    }
}
