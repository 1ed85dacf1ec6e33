//! Reads connection URIs (libpq's `conninfo_uri_parse_options`).
//!
//! Spaces that aren't percent-encoded are part of the value, as in libpq 13 to 17. libpq 18 refuses
//! them in a value and drops them around it. No server's name has spaces around it, so no token
//! goes there.

use super::parameters::{LibpqError, Parameters};

const PREFIXES: [&[u8]; 2] = [b"postgresql://", b"postgres://"];

/// Returns whether libpq takes `text` for a URI.
pub fn is_uri(text: &[u8]) -> bool {
    PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}

/// Reads `text` into `parameters`.
pub fn read(text: &[u8], parameters: &mut Parameters) -> Result<(), LibpqError> {
    let rest = PREFIXES
        .iter()
        .find_map(|prefix| text.strip_prefix(*prefix))
        .unwrap_or(text);
    let rest = credentials(rest, parameters)?;
    let (end, rest) = hosts(rest, parameters)?;
    let query = match end {
        Some(b'?') => rest,
        Some(_) => {
            let (database, query) = split(rest, b"?");
            put_decoded("dbname", database, parameters)?;
            query.map_or(&b""[..], |(_, query)| query)
        }
        None => b"",
    };
    query_parameters(query, parameters)
}

/// Reads `[user[:password]@]`, and returns what follows it.
fn credentials<'a>(rest: &'a [u8], parameters: &mut Parameters) -> Result<&'a [u8], LibpqError> {
    let (credentials, Some((b'@', after))) = split(rest, b"@/") else {
        return Ok(rest);
    };
    let (user, password) = split(credentials, b":");
    put_decoded("user", user, parameters)?;
    if let Some((_, password)) = password {
        put_decoded("password", password, parameters)?;
    }
    Ok(after)
}

/// Reads `host[:port][,…]`, and returns the byte that ended it and what follows that byte.
fn hosts<'a>(
    mut rest: &'a [u8],
    parameters: &mut Parameters,
) -> Result<(Option<u8>, &'a [u8]), LibpqError> {
    let (mut all_hosts, mut all_ports) = (Vec::new(), Vec::new());
    let ended = loop {
        let (host, mut end) = match rest {
            [b'[', address @ ..] => bracketed(address)?,
            _ => split(rest, b":/?,"),
        };
        all_hosts.extend_from_slice(host);
        if let Some((b':', after)) = end {
            let (port, after_port) = split(after, b"/?,");
            all_ports.extend_from_slice(port);
            end = after_port;
        }
        let Some((b',', after)) = end else { break end };
        all_hosts.push(b',');
        all_ports.push(b',');
        rest = after;
    };
    put_decoded("host", &all_hosts, parameters)?;
    put_decoded("port", &all_ports, parameters)?;
    Ok(match ended {
        Some((end, after)) => (Some(end), after),
        None => (None, b""),
    })
}

/// Text up to a byte, and that byte with what follows it.
type Split<'a> = (&'a [u8], Option<(u8, &'a [u8])>);

/// Splits at the first byte that is one of `ends`.
fn split<'a>(text: &'a [u8], ends: &[u8]) -> Split<'a> {
    match text.iter().position(|b| ends.contains(b)) {
        Some(at) => (&text[..at], Some((text[at], &text[at + 1..]))),
        None => (text, None),
    }
}

/// Splits after an IPv6 address, without its `[`.
fn bracketed(text: &[u8]) -> Result<Split<'_>, LibpqError> {
    let (address, Some((_, after))) = split(text, b"]") else {
        return refuse("no matching \"]\" in IPv6 host address in URI");
    };
    if address.is_empty() {
        return refuse("IPv6 host address may not be empty in URI");
    }
    match after {
        [] => Ok((address, None)),
        [end @ (b':' | b'/' | b'?' | b','), after @ ..] => Ok((address, Some((*end, after)))),
        _ => refuse("unexpected character after \"]\" in URI"),
    }
}

fn query_parameters(mut rest: &[u8], parameters: &mut Parameters) -> Result<(), LibpqError> {
    while !rest.is_empty() {
        let (pair, next) = split(rest, b"&");
        rest = next.map_or(&b""[..], |(_, next)| next);
        let (name, Some((_, value))) = split(pair, b"=") else {
            return refuse("missing key/value separator \"=\" in URI query parameter");
        };
        if value.contains(&b'=') {
            return refuse("extra key/value separator \"=\" in URI query parameter");
        }
        let (name, value) = (decoded(name)?, decoded(value)?);
        // JDBC's spelling.
        if name == b"ssl" && value == b"true" {
            parameters.store(b"sslmode", b"require")?;
        } else {
            parameters.store(&name, &value)?;
        }
    }
    Ok(())
}

/// Stores a part of the URI unless it is empty.
fn put_decoded(name: &str, text: &[u8], parameters: &mut Parameters) -> Result<(), LibpqError> {
    if text.is_empty() {
        return Ok(());
    }
    parameters.store(name.as_bytes(), &decoded(text)?)
}

fn decoded(text: &[u8]) -> Result<Vec<u8>, LibpqError> {
    let mut value = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'%' {
            value.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|&b| char::from(b).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return refuse("invalid percent-encoded token in URI");
        };
        match u8::try_from(high << 4 | low) {
            Ok(byte) if byte != 0 => value.push(byte),
            _ => return refuse("forbidden value %00 in percent-encoded value in URI"),
        }
    }
    Ok(value)
}

fn refuse<T>(why: &str) -> Result<T, LibpqError> {
    Err(LibpqError(why.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(uri: &str) -> String {
        let mut parameters = Parameters::none();
        if let Err(LibpqError(why)) = read(uri.as_bytes(), &mut parameters) {
            return why;
        }
        let shown = |name| {
            let value = parameters.value(name)?;
            Some(format!("{name}={}", String::from_utf8_lossy(value)))
        };
        let names = ["user", "password", "host", "port", "dbname", "sslmode"];
        names
            .into_iter()
            .filter_map(shown)
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn parts() {
        assert_eq!(said("postgresql://"), "");
        assert_eq!(
            said("postgres://u%40x:p@h:1/d?sslmode=require"),
            "user=u@x password=p host=h port=1 dbname=d sslmode=require"
        );
        assert_eq!(said("postgres://a,b:2/"), "host=a,b port=,2");
        assert_eq!(said("postgres://[::1]:5/d"), "host=::1 port=5 dbname=d");
        assert_eq!(
            said("postgres://x?host=y&ssl=true"),
            "host=y sslmode=require"
        );
        assert_eq!(said("postgres://%6dydb/a@b"), "host=mydb dbname=a@b");
        assert_eq!(said("postgres://@h"), "host=h");
        assert_eq!(said("postgres://Prod DB@h"), "user=Prod DB host=h");
    }

    #[test]
    fn what_libpq_refuses() {
        for uri in [
            "postgres://[::1",
            "postgres://[]",
            "postgres://[::1]x",
            "postgres://h?x",
            "postgres://h?host=a=b",
            "postgres://h?nope=1",
            "postgres://%",
            "postgres://%0",
            "postgres://%00",
            "postgres://h?=",
        ] {
            assert!(!said(uri).contains("host=h"), "{uri}: {}", said(uri));
        }
    }
}
