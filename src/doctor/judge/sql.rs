//! SQL for an administrator, with the real names in quotes.

use std::fmt::Write as _;

/// Writes a string constant (PostgreSQL's "Lexical Structure"). What is not printable is escaped, to
/// stay in its line.
pub fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if !text.contains(char::is_control) {
        return format!("'{doubled}'");
    }
    let mut escaped = String::from("E'");
    for c in doubled.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            c if c.is_control() => {
                // Writing to a string does not fail.
                let _ = write!(escaped, "\\u{:04x}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped + "'"
}

/// Writes a quoted identifier.
pub fn identifier(name: &str) -> String {
    let doubled = name.replace('"', "\"\"");
    if !name.contains(char::is_control) {
        return format!("\"{doubled}\"");
    }
    let mut escaped = String::from("U&\"");
    for c in doubled.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(escaped, "\\{:04x}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_names() {
        for (name, as_literal, as_identifier) in [
            (
                "Prod DB Readonly",
                "'Prod DB Readonly'",
                "\"Prod DB Readonly\"",
            ),
            ("O'Brien \"x\"", "'O''Brien \"x\"'", "\"O'Brien \"\"x\"\"\""),
            (r"a\'b", r"'a\''b'", "\"a\\'b\""),
            ("a\n'\\b", r"E'a\u000a''\\b'", "U&\"a\\000a'\\\\b\""),
        ] {
            assert_eq!(literal(name), as_literal);
            assert_eq!(identifier(name), as_identifier);
        }
    }
}
