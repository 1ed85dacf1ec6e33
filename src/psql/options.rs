//! psql's option table (psql 13 to 18). A test compares it with the installed `psql --help`.

/// Whether an option takes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    None,
    /// Attached, or the next argument.
    Required,
    /// Only attached to a long option with `=`.
    Optional,
    /// A program, attached or in the next argument, and every argument after it. Only our `--exec`
    /// is like that.
    Program,
}

/// What an option means to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// `-h`
    Host,
    /// `-p`
    Port,
    /// `-U`
    User,
    /// `-d`
    Database,
    /// `-l`: connects to `postgres` if no database is named.
    List,
    /// `-W`
    AskPassword,
    /// `-w`
    NeverAskPassword,
    /// `-c` and `-f`: what to run.
    Action,
    /// `-1`
    SingleTransaction,
    /// `-P`
    PrintSetting,
    /// `-v`
    Variable,
    /// `-V`: psql prints its version and ends.
    Version,
    /// `-?` and `--help`: psql prints help and ends.
    Help,
    /// `-o` and `-L`: files to write.
    Output,
    /// Nothing that concerns the connection.
    Other,
}

/// One option of psql.
#[derive(Debug, PartialEq, Eq)]
pub struct PsqlOption {
    /// The name, without `--`.
    pub long: &'static str,
    /// The letter, without `-`.
    pub short: Option<u8>,
    pub argument: Argument,
    pub meaning: Meaning,
}

const fn option(
    long: &'static str,
    short: Option<u8>,
    argument: Argument,
    meaning: Meaning,
) -> PsqlOption {
    PsqlOption {
        long,
        short,
        argument,
        meaning,
    }
}

const fn flag(long: &'static str, short: u8) -> PsqlOption {
    option(long, Some(short), Argument::None, Meaning::Other)
}

const fn valued(long: &'static str, short: u8, meaning: Meaning) -> PsqlOption {
    option(long, Some(short), Argument::Required, meaning)
}

/// Every option of psql, in the order of its source.
pub const OPTIONS: &[PsqlOption] = &[
    flag("echo-all", b'a'),
    flag("no-align", b'A'),
    valued("command", b'c', Meaning::Action),
    valued("dbname", b'd', Meaning::Database),
    flag("echo-queries", b'e'),
    flag("echo-errors", b'b'),
    flag("echo-hidden", b'E'),
    valued("file", b'f', Meaning::Action),
    valued("field-separator", b'F', Meaning::Other),
    flag("field-separator-zero", b'z'),
    valued("host", b'h', Meaning::Host),
    flag("html", b'H'),
    option("list", Some(b'l'), Argument::None, Meaning::List),
    valued("log-file", b'L', Meaning::Output),
    flag("no-readline", b'n'),
    option(
        "single-transaction",
        Some(b'1'),
        Argument::None,
        Meaning::SingleTransaction,
    ),
    valued("output", b'o', Meaning::Output),
    valued("port", b'p', Meaning::Port),
    valued("pset", b'P', Meaning::PrintSetting),
    flag("quiet", b'q'),
    valued("record-separator", b'R', Meaning::Other),
    flag("record-separator-zero", b'0'),
    flag("single-step", b's'),
    flag("single-line", b'S'),
    flag("tuples-only", b't'),
    valued("table-attr", b'T', Meaning::Other),
    valued("username", b'U', Meaning::User),
    valued("set", b'v', Meaning::Variable),
    valued("variable", b'v', Meaning::Variable),
    option("version", Some(b'V'), Argument::None, Meaning::Version),
    option(
        "no-password",
        Some(b'w'),
        Argument::None,
        Meaning::NeverAskPassword,
    ),
    option("password", Some(b'W'), Argument::None, Meaning::AskPassword),
    flag("expanded", b'x'),
    flag("no-psqlrc", b'X'),
    option("help", None, Argument::Optional, Meaning::Help),
    option("csv", None, Argument::None, Meaning::Other),
];

/// The place of `--help` in [`OPTIONS`]. `-?` is the same option.
pub const HELP: usize = OPTIONS.len() - 2;

pub fn by_short(letter: u8) -> Option<&'static PsqlOption> {
    OPTIONS.iter().find(|option| option.short == Some(letter))
}

/// Returns the option that `getopt_long` takes `name` for: spelled in full, or a prefix of only
/// one.
///
/// glibc accepts a prefix of several if these are one option under two names. PostgreSQL's own
/// `getopt_long`, which psql for Windows uses, accepts no prefix.
pub fn by_long(name: &[u8]) -> Option<&'static PsqlOption> {
    if let Some(exact) = OPTIONS.iter().find(|option| option.long.as_bytes() == name) {
        return Some(exact);
    }
    if cfg!(windows) {
        return None;
    }
    let mut fitting = OPTIONS
        .iter()
        .filter(|option| option.long.as_bytes().starts_with(name));
    let first = fitting.next()?;
    fitting
        .all(|other| {
            other.short == first.short && other.argument == first.argument && first.short.is_some()
        })
        .then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(windows)]
    #[test]
    fn a_prefix_names_nothing() {
        assert_eq!(by_long(b"username").map(|o| o.long), Some("username"));
        assert_eq!(by_long(b"user"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_prefix_names_an_option_only_if_it_fits_one() {
        assert_eq!(by_long(b"user").map(|o| o.long), Some("username"));
        assert_eq!(by_long(b"no-al").map(|o| o.long), Some("no-align"));
        assert_eq!(by_long(b"se").map(|o| o.long), Some("set"));
        assert_eq!(by_long(b"host").map(|o| o.long), Some("host"));
        assert_eq!(by_long(b"h"), None);
        assert_eq!(by_long(b"v"), None);
        assert_eq!(by_long(b""), None);
        assert_eq!(by_long(b"hosts"), None);
    }

    #[test]
    fn no_letter_stands_for_two_options() {
        for (n, option) in OPTIONS.iter().enumerate() {
            for other in &OPTIONS[n + 1..] {
                assert_ne!(option.long, other.long);
                assert!(
                    option.short.is_none()
                        || option.short != other.short
                        || option.meaning == other.meaning,
                    "--{} and --{}",
                    option.long,
                    other.long
                );
            }
        }
    }
}
