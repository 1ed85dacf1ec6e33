//! Reads the text of a service file (libpq's `parseServiceFile`), and our own settings in it.

use super::conninfo;
use super::parameters::{LibpqError, OwnLine, Parameters, is_space};

/// What begins a line of ours, which is a comment to libpq.
const OWN: &[u8] = b"#entra-psql";

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
            if let Some(text) = line.strip_prefix(OWN)
                && found
                && text.first().is_none_or(|&b| is_space(b))
            {
                parameters.note_own_line(n + 1, text);
            }
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

/// Returns the keys and values of a line of ours. Values are written as in a connection string.
pub fn own_settings(line: &OwnLine) -> Result<Vec<(String, Vec<u8>)>, &'static str> {
    let mut settings = Vec::new();
    let mut rest = trimmed(&line.text);
    while !rest.is_empty() {
        let end = rest.iter().position(|&b| b == b'=' || is_space(b));
        let (key, after) = rest.split_at(end.unwrap_or(rest.len()));
        let Some(after) = after.strip_prefix(b"=") else {
            return Err("has a setting without `=`");
        };
        let (value, after) = conninfo::value(after).map_err(|_| "has a quote that isn't closed")?;
        if after.first().is_some_and(|&b| !is_space(b)) {
            return Err("has no space after a closing quote");
        }
        settings.push((String::from_utf8_lossy(key).into_owned(), value));
        rest = trimmed(after);
    }
    Ok(settings)
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

    fn settings(text: &str) -> Result<Vec<(String, String)>, &'static str> {
        let mut parameters = Parameters::none();
        assert_eq!(read(text.as_bytes(), b"a", &mut parameters), Ok(true));
        let mut all = Vec::new();
        for line in parameters.own_lines() {
            let settings = own_settings(line)?.into_iter();
            all.extend(settings.map(|(key, value)| (key, String::from_utf8(value).unwrap())));
        }
        Ok(all)
    }

    #[test]
    fn our_own_lines_are_those_of_the_section() {
        let text = "#entra-psql x=0\n[b]\n#entra-psql x=1\n[a]\n# entra-psql x=2\n#entra-psqlx=3\n\
                    #entra-psql\n #entra-psql x=4  y='a b' \r\nhost=h\n#entra-psql\tz='it\\'s'\n\
                    [c]\n#entra-psql x=5\n[a]\n#entra-psql x=6\n";
        let given = [("x", "4"), ("y", "a b"), ("z", "it's")];
        let given = given.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(settings(text), Ok(given.to_vec()));
    }

    #[test]
    fn what_our_own_lines_may_not_have() {
        for bad in ["x", "x =1", "x='a", "x='a'y=b"] {
            assert!(
                settings(&format!("[a]\n#entra-psql {bad}\n")).is_err(),
                "{bad}"
            );
        }
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
