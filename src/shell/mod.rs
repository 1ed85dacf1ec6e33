//! Writes variables as text that sets exactly these values when a shell evaluates it, and does
//! nothing else.
//!
//! A shell must never interpret a value. For each shell there's one way to quote, which leaves
//! nothing to expand. If a shell has none for a value, that's an error.

pub mod calling;

use std::ffi::OsStr;

use serde_json::{Map, Value};

/// A kind of shell, by its language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "PowerShell is called so")]
pub enum Shell {
    /// The POSIX shell and all that accept its language.
    Sh,
    Fish,
    /// Windows PowerShell, and PowerShell 7.
    PowerShell,
    Cmd,
    /// Nushell.
    Nu,
}

/// Every kind, its name, and its programs.
const SHELLS: [(Shell, &str, &[&str]); 5] = [
    (
        Shell::Sh,
        "sh",
        &["sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "busybox"],
    ),
    (Shell::Fish, "fish", &["fish"]),
    (Shell::PowerShell, "powershell", &["powershell", "pwsh"]),
    (Shell::Cmd, "cmd", &["cmd"]),
    (Shell::Nu, "nu", &["nu"]),
];

/// cmd.exe doesn't read lines of more than 8,191 characters.
const LONGEST_IN_CMD: usize = 8_100;

/// A variable whose value can't be written for a shell.
#[derive(Debug, PartialEq, Eq)]
pub struct Unsayable {
    pub name: &'static str,
    /// The reason, without any of the value.
    pub why: &'static str,
}

impl Shell {
    pub fn by_name(name: &str) -> Option<Self> {
        let found = SHELLS.iter().find(|(_, known, _)| *known == name);
        found.map(|(shell, ..)| *shell)
    }

    pub fn name(self) -> &'static str {
        let found = SHELLS.iter().find(|(shell, ..)| *shell == self);
        found.map_or("sh", |(_, name, _)| name)
    }

    pub fn names() -> impl Iterator<Item = &'static str> {
        SHELLS.iter().map(|(_, name, _)| *name)
    }

    /// Returns the kind of the program with this name or path, if it's a shell.
    pub fn of_program(program: &str) -> Option<Self> {
        let name = program.rsplit(['/', '\\']).next()?.to_ascii_lowercase();
        // The name of a login shell starts with a dash.
        let name = name.trim_start_matches('-');
        let name = name.strip_suffix(".exe").unwrap_or(name);
        let found = SHELLS.iter().find(|(.., known)| known.contains(&name));
        found.map(|(shell, ..)| *shell)
    }

    /// Returns text that exports each of `variables` with its value, and unsets those without one.
    pub fn assignments<'a>(
        self,
        variables: impl Iterator<Item = (&'static str, Option<&'a OsStr>)>,
    ) -> Result<Vec<u8>, Unsayable> {
        if self == Self::Nu {
            return record(variables);
        }
        let mut lines = Vec::new();
        for (name, value) in variables {
            lines.push(match value {
                Some(value) => self.set(name, value),
                None => Ok(self.unset(name).into_bytes()),
            }?);
        }
        Ok(lines.join(&b'\n'))
    }

    fn set(self, name: &'static str, value: &OsStr) -> Result<Vec<u8>, Unsayable> {
        let refuse = |why| Err(Unsayable { name, why });
        Ok(match self {
            Self::Sh => [b"export ", name.as_bytes(), b"=", &quoted(value)].concat(),
            Self::Fish => [b"set -gx ", name.as_bytes(), b" ", &quoted(value)].concat(),
            Self::PowerShell => match value.to_str() {
                Some(text) => format!("$env:{name} = {}", in_power_shell(text)).into_bytes(),
                None => return refuse(NOT_UTF8),
            },
            Self::Cmd => match value.to_str() {
                Some(text) if text.len() > LONGEST_IN_CMD => {
                    return refuse("it is too long for a line of cmd");
                }
                Some(text) if text.bytes().all(is_plain_in_cmd) => {
                    format!("set \"{name}={text}\"").into_bytes()
                }
                _ => {
                    return refuse(
                        "cmd interprets `\"`, `%`, `!` and everything but printable ASCII",
                    );
                }
            },
            Self::Nu => return record(std::iter::once((name, Some(value)))),
        })
    }

    fn unset(self, name: &str) -> String {
        match self {
            Self::Sh => format!("unset {name}"),
            Self::Fish => format!("set -ge {name}"),
            Self::PowerShell => format!("$env:{name} = $null"),
            Self::Cmd => format!("set \"{name}=\""),
            Self::Nu => format!("{{\"{name}\":null}}"),
        }
    }
}

const NOT_UTF8: &str = "it is not valid UTF-8";

/// Quotes a value for sh and fish alike. Between single quotes both interpret only the closing
/// quote, and fish also a backslash, so those two are put outside. No two quotes are adjacent,
/// because zsh may read them as one.
fn quoted(value: &OsStr) -> Vec<u8> {
    let mut text = Vec::new();
    let mut is_open = false;
    for &byte in value.as_encoded_bytes() {
        let outside: Option<&[u8]> = match byte {
            b'\'' => Some(b"\"'\""),
            b'\\' => Some(br"\\"),
            _ => None,
        };
        if is_open != outside.is_none() {
            text.push(b'\'');
            is_open = !is_open;
        }
        match outside {
            Some(outside) => text.extend(outside),
            None => text.push(byte),
        }
    }
    if is_open || text.is_empty() {
        text.extend(if is_open { &b"'"[..] } else { b"''" });
    }
    text
}

/// Writes a value as an expression of PowerShell, with everything but printable ASCII as numbers.
/// PowerShell takes several characters for quotes, and reads a program's output line by line and in
/// an unknown code page.
fn in_power_shell(text: &str) -> String {
    let is_plain = |unit: u16| (0x20..0x7f).contains(&unit);
    let units: Vec<u16> = text.encode_utf16().collect();
    let mut parts = vec![];
    for run in units.chunk_by(|one, other| is_plain(*one) && is_plain(*other)) {
        parts.push(if is_plain(run[0]) {
            format!("'{}'", String::from_utf16_lossy(run).replace('\'', "''"))
        } else {
            format!("[char]{}", run[0])
        });
    }
    // PowerShell would add two characters as numbers.
    if !parts.first().is_some_and(|part| part.starts_with('\'')) {
        parts.insert(0, "''".to_owned());
    }
    parts.join(" + ")
}

/// Returns whether cmd.exe leaves a byte as it is in `set "NAME=VALUE"`, on a line that `for /f`
/// reads and in a batch file. There `%` starts a variable, `!` may, and what follows a quote would
/// be a command. Other characters depend on the code page.
fn is_plain_in_cmd(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte) && !matches!(byte, b'"' | b'%' | b'!')
}

/// Writes a record for Nushell's `from json | load-env`, which unsets variables that are null.
fn record<'a>(
    variables: impl Iterator<Item = (&'static str, Option<&'a OsStr>)>,
) -> Result<Vec<u8>, Unsayable> {
    let mut record = Map::new();
    for (name, value) in variables {
        let text = match value.map(OsStr::to_str) {
            None => Value::Null,
            Some(Some(text)) => Value::from(text),
            Some(None) => {
                return Err(Unsayable {
                    name,
                    why: NOT_UTF8,
                });
            }
        };
        record.insert(name.to_owned(), text);
    }
    Ok(Value::Object(record).to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(shell: Shell, value: &str) -> Result<String, &'static str> {
        let variables = [("A", Some(OsStr::new(value))), ("B", None)];
        match shell.assignments(variables.into_iter()) {
            Ok(text) => Ok(String::from_utf8(text).unwrap()),
            Err(Unsayable { why, .. }) => Err(why),
        }
    }

    #[test]
    fn each_shell_gets_its_own_syntax() {
        let plain = |shell| said(shell, "a b").unwrap();
        assert_eq!(plain(Shell::Sh), "export A='a b'\nunset B");
        assert_eq!(plain(Shell::Fish), "set -gx A 'a b'\nset -ge B");
        assert_eq!(plain(Shell::PowerShell), "$env:A = 'a b'\n$env:B = $null");
        assert_eq!(plain(Shell::Cmd), "set \"A=a b\"\nset \"B=\"");
        assert_eq!(plain(Shell::Nu), "{\"A\":\"a b\",\"B\":null}");
    }

    #[test]
    fn sh_and_fish_read_the_same_quotes() {
        for (value, text) in [
            ("", "''"),
            ("'", "\"'\""),
            ("''", "\"'\"\"'\""),
            ("it's", "'it'\"'\"'s'"),
            (r"a\b", r"'a'\\'b'"),
            (r"\'", "\\\\\"'\""),
            ("$(x)\n`y`!%", "'$(x)\n`y`!%'"),
        ] {
            assert_eq!(quoted(value.as_ref()), text.as_bytes());
        }
    }

    #[test]
    fn power_shell_reads_plain_text_and_numbers() {
        for (value, text) in [
            ("", "''"),
            ("it's $x `n", "'it''s $x `n'"),
            ("a\nb", "'a' + [char]10 + 'b'"),
            ("\u{2019}", "'' + [char]8217"),
            ("\u{1f600}", "'' + [char]55357 + [char]56832"),
        ] {
            assert_eq!(in_power_shell(value), text);
        }
    }

    #[test]
    fn cmd_gets_nothing_that_it_would_interpret() {
        assert_eq!(
            said(Shell::Cmd, "a & b | c ^ (d) < > 'e' $f `g`"),
            Ok("set \"A=a & b | c ^ (d) < > 'e' $f `g`\"\nset \"B=\"".to_owned())
        );
        for value in ["\"", "%PATH%", "!", "a\nb", "a\rb", "\t", "é", "\u{7f}"] {
            assert!(said(Shell::Cmd, value).is_err(), "{value:?}");
        }
        assert!(said(Shell::Cmd, &"x".repeat(9_000)).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn values_that_are_not_text_are_for_shells_that_take_bytes() {
        use std::os::unix::ffi::OsStrExt as _;
        let value = OsStr::from_bytes(b"\xff'");
        let said = |shell: Shell| shell.assignments([("A", Some(value))].into_iter());
        assert_eq!(said(Shell::Sh).unwrap(), b"export A='\xff'\"'\"");
        assert_eq!(said(Shell::Fish).unwrap(), b"set -gx A '\xff'\"'\"");
        for shell in [Shell::PowerShell, Shell::Cmd, Shell::Nu] {
            assert!(said(shell).is_err(), "{shell:?}");
        }
    }

    #[test]
    fn shells_are_known_by_their_programs() {
        for (program, shell) in [
            ("bash", Some(Shell::Sh)),
            ("-zsh", Some(Shell::Sh)),
            ("/usr/bin/fish", Some(Shell::Fish)),
            (r"C:\Windows\System32\cmd.exe", Some(Shell::Cmd)),
            ("pwsh", Some(Shell::PowerShell)),
            ("nu", Some(Shell::Nu)),
            ("python3", None),
        ] {
            assert_eq!(Shell::of_program(program), shell, "{program}");
        }
        assert_eq!(Shell::names().filter_map(Shell::by_name).count(), 5);
    }
}
