//! What psql's options do, and the values that psql documents, in the few words of a completion
//! menu.

use entra_psql::testing::psql::settings;

/// An option's name, the name of its value (nothing for a flag), and what it does.
pub const OPTIONS: &[(&str, &str, &str)] = &[
    ("echo-all", "", "Print all input lines that are not empty"),
    ("no-align", "", "Print rows unaligned"),
    (
        "command",
        "COMMAND",
        "Run one SQL or backslash command, then exit",
    ),
    (
        "dbname",
        "DBNAME",
        "Connect to a database, connection string, URI or service=NAME",
    ),
    ("echo-queries", "", "Print each query that is sent"),
    ("echo-errors", "", "Print commands that fail"),
    ("echo-hidden", "", "Print the queries of backslash commands"),
    ("file", "FILE", "Run the commands in FILE, then exit"),
    (
        "field-separator",
        "TEXT",
        "Separate the fields of unaligned rows with TEXT",
    ),
    (
        "field-separator-zero",
        "",
        "Separate the fields of unaligned rows with a zero byte",
    ),
    (
        "host",
        "HOST",
        "Connect to this host, or to the socket in this directory",
    ),
    ("html", "", "Print rows as an HTML table"),
    ("list", "", "List the databases, then exit"),
    ("log-file", "FILE", "Also write the session to FILE"),
    ("no-readline", "", "Turn off line editing"),
    (
        "single-transaction",
        "",
        "Run all commands of -c and -f in one transaction",
    ),
    ("output", "FILE", "Write results to FILE, or to |COMMAND"),
    ("port", "PORT", "Connect to this port"),
    ("pset", "NAME=VALUE", "Set a printing parameter"),
    ("quiet", "", "Print only results"),
    (
        "record-separator",
        "TEXT",
        "Separate unaligned rows with TEXT",
    ),
    (
        "record-separator-zero",
        "",
        "Separate unaligned rows with a zero byte",
    ),
    ("single-step", "", "Ask before each command"),
    ("single-line", "", "End commands at the end of a line"),
    ("tuples-only", "", "Print only rows, without headings"),
    ("table-attr", "TEXT", "Set attributes of the HTML table tag"),
    ("username", "NAME", "Sign in as this role"),
    ("set", "NAME=VALUE", "Set a variable of psql"),
    ("variable", "NAME=VALUE", "Set a variable of psql"),
    ("version", "", "Print the version, then exit"),
    ("no-password", "", "Never ask for a password"),
    ("password", "", "Ask for a password before connecting"),
    ("expanded", "", "Print each field on its own line"),
    ("no-psqlrc", "", "Don't read the start-up files"),
    ("help", "TOPIC", "Print help, then exit"),
    ("csv", "", "Print rows as comma-separated values"),
];

/// A name in psql, and its documented values, or none if any value is accepted.
type Known = (&'static str, &'static [&'static str]);

const ON_OFF: &[&str] = &["on", "off"];
const LINES: &[&str] = &["single", "double"];

/// The parameters of `-P`, from `psql --help=variables`.
pub const PRINT_SETTINGS: &[Known] = &[
    ("border", &["0", "1", "2"]),
    ("columns", &[]),
    ("csv_fieldsep", &[]),
    ("expanded", &["on", "off", "auto"]),
    ("fieldsep", &[]),
    ("fieldsep_zero", ON_OFF),
    ("footer", ON_OFF),
    (
        "format",
        &[
            "aligned",
            "asciidoc",
            "csv",
            "html",
            "latex",
            "latex-longtable",
            "troff-ms",
            "unaligned",
            "wrapped",
        ],
    ),
    ("linestyle", &["ascii", "old-ascii", "unicode"]),
    ("null", &[]),
    ("numericlocale", ON_OFF),
    ("pager", &["on", "off", "always"]),
    ("pager_min_lines", &[]),
    ("recordsep", &[]),
    ("recordsep_zero", ON_OFF),
    ("tableattr", &[]),
    ("title", &[]),
    ("tuples_only", ON_OFF),
    ("unicode_border_linestyle", LINES),
    ("unicode_column_linestyle", LINES),
    ("unicode_header_linestyle", LINES),
    ("xheader_width", &["full", "column", "page"]),
];

/// The variables of `-v` that psql itself reads.
pub const VARIABLES: &[Known] = &[
    ("AUTOCOMMIT", ON_OFF),
    (
        "COMP_KEYWORD_CASE",
        &["lower", "upper", "preserve-lower", "preserve-upper"],
    ),
    ("ECHO", &["all", "errors", "none", "queries"]),
    ("ECHO_HIDDEN", &["on", "off", "noexec"]),
    ("FETCH_COUNT", &[]),
    ("HIDE_TABLEAM", ON_OFF),
    ("HIDE_TOAST_COMPRESSION", ON_OFF),
    (
        "HISTCONTROL",
        &["ignorespace", "ignoredups", "ignoreboth", "none"],
    ),
    ("HISTFILE", &[]),
    ("HISTSIZE", &[]),
    ("IGNOREEOF", &[]),
    ("ON_ERROR_ROLLBACK", &["on", "off", "interactive"]),
    ("ON_ERROR_STOP", ON_OFF),
    ("PROMPT1", &[]),
    ("PROMPT2", &[]),
    ("PROMPT3", &[]),
    ("QUIET", ON_OFF),
    ("SHOW_ALL_RESULTS", ON_OFF),
    ("SHOW_CONTEXT", &["never", "errors", "always"]),
    ("SINGLELINE", ON_OFF),
    ("SINGLESTEP", ON_OFF),
    ("VERBOSITY", &["default", "verbose", "terse", "sqlstate"]),
];

/// Returns `NAME=VALUE` for every documented value, or `NAME=` if any value is accepted.
pub fn assignments(known: &[Known]) -> Vec<String> {
    let mut words = Vec::new();
    for (name, values) in known {
        if values.is_empty() {
            words.push(format!("{name}="));
        }
        words.extend(values.iter().map(|value| format!("{name}={value}")));
    }
    words
}

#[test]
fn psql_accepts_every_value_that_is_offered() {
    let finished = |words: Vec<String>| words.into_iter().filter(|word| !word.ends_with('='));
    for word in finished(assignments(PRINT_SETTINGS)) {
        assert!(
            settings::print_setting_is_accepted(word.as_bytes()),
            "-P {word}"
        );
    }
    for word in finished(assignments(VARIABLES)) {
        assert!(settings::variable_is_accepted(word.as_bytes()), "-v {word}");
    }
}
