//! Reads `key=value` connection strings (libpq's `conninfo_parse`), and writes values into them.

use super::parameters::{LibpqError, Parameters, is_space};

/// Reads `text` into `parameters`.
pub fn read(text: &[u8], parameters: &mut Parameters) -> Result<(), LibpqError> {
    let mut rest = skip_spaces(text);
    while !rest.is_empty() {
        let end = rest
            .iter()
            .position(|&b| b == b'=' || is_space(b))
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let Some(after) = skip_spaces(after).strip_prefix(b"=") else {
            // libpq quotes the word. If quotes are missing, that is the rest of a value, such as a
            // password.
            return Err(LibpqError(
                "missing \"=\" after a name in connection info string".to_owned(),
            ));
        };
        let (value, after) = value(skip_spaces(after))?;
        parameters.store(name, &value)?;
        rest = skip_spaces(after);
    }
    Ok(())
}

/// Reads a value, quoted or not, and returns what follows it.
pub(super) fn value(text: &[u8]) -> Result<(Vec<u8>, &[u8]), LibpqError> {
    match text {
        [b'\'', quoted @ ..] => quoted_value(quoted),
        plain => Ok(plain_value(plain)),
    }
}

fn skip_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|&&b| is_space(b)).count();
    &text[spaces..]
}

/// Reads a value up to the next space, and returns what follows it. A backslash keeps the byte
/// after it.
fn plain_value(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut value = Vec::new();
    let mut at = 0;
    while at < text.len() && !is_space(text[at]) {
        if text[at] == b'\\' {
            at += 1;
        }
        value.extend(text.get(at));
        at += 1;
    }
    (value, text.get(at..).unwrap_or_default())
}

/// Reads a value up to the closing quote, and returns what follows it.
fn quoted_value(text: &[u8]) -> Result<(Vec<u8>, &[u8]), LibpqError> {
    let mut value = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\'' => return Ok((value, &text[at + 1..])),
            b'\\' => {
                at += 1;
                value.extend(text.get(at));
            }
            _ => value.push(byte),
        }
        at += 1;
    }
    Err(LibpqError(
        "unterminated quoted string in connection info string".to_owned(),
    ))
}

/// Escapes a value to follow `NAME=`: with a backslash before what would end or change it.
pub fn escaped(value: &[u8]) -> Vec<u8> {
    if value.is_empty() {
        return b"''".to_vec();
    }
    let mut text = Vec::with_capacity(value.len());
    for &byte in value {
        if is_space(byte) || matches!(byte, b'\'' | b'\\') {
            text.push(b'\\');
        }
        text.push(byte);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> Result<Option<String>, String> {
        let mut parameters = Parameters::none();
        read(text.as_bytes(), &mut parameters).map_err(|LibpqError(why)| why)?;
        let user = parameters.value("user");
        Ok(user.map(|user| String::from_utf8_lossy(user).into_owned()))
    }

    #[test]
    fn values() {
        assert_eq!(
            user(r"user=Prod\ DB\ Readonly"),
            Ok(Some("Prod DB Readonly".to_owned()))
        );
        assert_eq!(
            user(r"user = 'Prod DB Readonly' "),
            Ok(Some("Prod DB Readonly".to_owned()))
        );
        assert_eq!(user(r"user='it\'s'dbname=x"), Ok(Some("it's".to_owned())));
        assert_eq!(user(r"user=a\"), Ok(Some("a".to_owned())));
        assert_eq!(user("user= host=x"), Ok(Some("host=x".to_owned())));
        assert_eq!(user("host=x user="), Ok(Some(String::new())));
        assert_eq!(user("user=a user=b"), Ok(Some("b".to_owned())));
        assert_eq!(user("host=x"), Ok(None));
        assert_eq!(user("user=a='b'"), Ok(Some("a='b'".to_owned())));
    }

    #[test]
    fn what_libpq_refuses() {
        assert!(user("user=Prod DB Readonly").is_err());
        assert!(user("user='x").is_err());
        assert!(user("usr=x").is_err());
        assert!(user("=x").is_err());
    }
}
