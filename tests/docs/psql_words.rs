//! What psql's options do, and the values that it documents: short, for one line of a completion
//! menu.

use entra_psql::testing::psql::settings;

/// An option's name, what its value is called (nothing for a flag), and what it does.
pub const OPTIONS: &[(&str, &str, &str)] = &[
    (
        "echo-all",
        "",
        "Print every line of input that is not empty",
    ),
    ("no-align", "", "Print rows unaligned"),
    (
        "command",
        "COMMAND",
        "Run this command, SQL or a backslash command, and end",
    ),
    (
        "dbname",
        "DBNAME",
        "The database, a connection string, a URI or service=NAME",
    ),
    ("echo-queries", "", "Print each query before it is sent"),
    ("echo-errors", "", "Print commands that fail"),
    (
        "echo-hidden",
        "",
        "Print the queries behind backslash commands",
    ),
    ("file", "FILE", "Run the commands in FILE, and end"),
    (
        "field-separator",
        "TEXT",
        "What stands between the fields of unaligned rows",
    ),
    (
        "field-separator-zero",
        "",
        "A zero byte between the fields of unaligned rows",
    ),
    (
        "host",
        "HOST",
        "The server's name, or the directory of its socket",
    ),
    ("html", "", "Print rows as an HTML table"),
    ("list", "", "List the databases, and end"),
    ("log-file", "FILE", "Write the session to FILE as well"),
    ("no-readline", "", "Do not edit lines"),
    (
        "single-transaction",
        "",
        "Run all of -c and -f in one transaction",
    ),
    ("output", "FILE", "Write results to FILE, or into |COMMAND"),
    ("port", "PORT", "The server's port"),
    ("pset", "NAME=VALUE", "Set a printing parameter"),
    ("quiet", "", "Print results and nothing else"),
    (
        "record-separator",
        "TEXT",
        "What stands between unaligned rows",
    ),
    (
        "record-separator-zero",
        "",
        "A zero byte between unaligned rows",
    ),
    ("single-step", "", "Ask before each command"),
    ("single-line", "", "Let the end of a line end a command"),
    ("tuples-only", "", "Print rows without headings"),
    (
        "table-attr",
        "TEXT",
        "Attributes for the tag of an HTML table",
    ),
    ("username", "NAME", "The role to sign in as"),
    ("set", "NAME=VALUE", "Set a variable of psql"),
    ("variable", "NAME=VALUE", "Set a variable of psql"),
    ("version", "", "Print the version, and end"),
    ("no-password", "", "Never ask for a password"),
    ("password", "", "Ask for a password before connecting"),
    ("expanded", "", "Print each field on a line of its own"),
    ("no-psqlrc", "", "Do not read the start-up files"),
    ("help", "TOPIC", "Print help, and end"),
    ("csv", "", "Print rows as comma-separated values"),
];

/// Names that psql knows, each with the values that it documents; none where any value will do.
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

/// The variables of `-v` that psql itself looks at.
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

/// `NAME=VALUE` for every documented value, and `NAME=` where any value will do.
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
fn psql_takes_every_value_that_is_offered() {
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
