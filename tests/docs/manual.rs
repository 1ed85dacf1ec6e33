//! `docs/entra-psql.1`, the manual page, and a test that has it set.

use std::fmt::Write as _;
use std::process::Command;

use entra_psql::testing::cli::{CACHE, OPTIONS, TRUSTED_HOSTS};
use entra_psql::testing::environment::READY_TOKEN;

use crate::options::{self, Described};

const DESCRIPTION: &[&str] = &[
    "entra-psql takes the command line of psql(1) and becomes psql. \
     Where the connection goes to a server that wants a Microsoft Entra token, it first gets one, works out which role the \
     token is for, and puts both into psql's environment. \
     Everywhere else nothing is changed, so that `alias psql=entra-psql` is safe to keep.",
    "A token is fetched where every host is a name under .postgres.database.azure.com, or the like in another Azure cloud, \
     or listed in ENTRA_PSQL_TRUSTED_HOSTS, and no other password is at hand: in a connection string, a service file, \
     PGPASSWORD or a password file. --entra, --group and --auth ask for one all the same, and --no-entra forbids it.",
    "The token leaves only inside TLS. Where no sslmode is set, it is verify-full with the system's roots.",
];

const ABOUT_OPTIONS: &str = "All options of psql(1) mean what they mean to psql. \
     These are recognised besides, by exact spelling, wherever psql would look for an option, with their value behind a \
     space or a `=`. They beat their variables.";

const ABOUT_VARIABLES: &str = "The variables of the options above are looked at only where signing in is due. An empty one \
     is not there, and a flag's is 1 or 0.";

const OTHER_VARIABLES: &[(&str, &str)] = &[
    (
        TRUSTED_HOSTS,
        "Further servers that are sent a token: names, or suffixes that begin with a dot, with commas between.",
    ),
    (CACHE, "With `off`, no token is remembered."),
    (READY_TOKEN[0], "The token for `--auth env`."),
    (READY_TOKEN[1], "The file that it is in instead."),
    (
        READY_TOKEN[2],
        "The number of the open file descriptor that it is read from instead (Unix).",
    ),
    ("PGHOST, PGUSER, PGSSLMODE, ...", "As libpq has them."),
    (
        "AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_FEDERATED_TOKEN_FILE, AZURE_AUTHORITY_HOST, ...",
        "As Azure's own tools have them, where an application or a managed identity signs in.",
    ),
    ("CI", "Where it is set, no token is remembered."),
];

const EXIT_STATUS: &[(&str, &str)] = &[
    ("psql's own", "Once psql runs."),
    ("1", "Wrong usage."),
    ("2", "Signing in failed or was refused."),
    ("126", "psql was found but cannot be run."),
    ("127", "psql was not found."),
];

const FILES: &[(&str, &str)] = &[
    (
        "$XDG_RUNTIME_DIR/entra-psql, else entra-psql in the user's cache directory",
        "Remembered tokens, open to their owner alone.",
    ),
    (
        "~/.pg_service.conf, ~/.pgpass, ~/.postgresql/root.crt",
        "libpq's own, which are respected.",
    ),
    (
        "~/.azure",
        "The Azure CLI's. A change of the account in it makes tokens forgotten.",
    ),
];

const EXAMPLES: &[(&str, &str)] = &[
    (
        "Sign in as yourself",
        "entra-psql -h mydb.postgres.database.azure.com",
    ),
    (
        "Sign in as a group",
        "entra-psql -h mydb.postgres.database.azure.com --group 'Prod DB Readonly'",
    ),
    (
        "See what would be done",
        "entra-psql -h mydb.postgres.database.azure.com --dry-run",
    ),
    (
        "Run a script with a service",
        "entra-psql service=prod -f migrate.sql",
    ),
];

pub fn page() -> String {
    let mut roff = String::from(
        ".\\\" Generated from src/cli/; `UPDATE_DOCS=1 cargo test --test docs` writes it anew.\n",
    );
    let mut line = |text: &str| {
        roff.push_str(text);
        roff.push('\n');
    };
    line(concat!(
        r#".TH ENTRA\-PSQL 1 "" "entra\-psql "#,
        env!("CARGO_PKG_VERSION"),
        "\""
    ));
    // No name is broken at its end, and no line is stretched.
    line(".nh\n.ad l");
    line(".SH NAME");
    line(&format!(
        "entra\\-psql \\- {}",
        escaped(env!("CARGO_PKG_DESCRIPTION"))
    ));
    line(".SH SYNOPSIS");
    line(".B entra\\-psql");
    line("[\\fIpsql option\\fR]... [\\fIoption\\fR]... [\\fIdbname\\fR [\\fIusername\\fR]]");
    line(".SH DESCRIPTION");
    for (n, paragraph) in DESCRIPTION.iter().enumerate() {
        if n > 0 {
            line(".PP");
        }
        line(&escaped(paragraph));
    }
    line(".SH OPTIONS");
    line(&escaped(ABOUT_OPTIONS));
    for option in options::ours() {
        line(".TP");
        line(&spelled(&option));
        let end = if option.help.ends_with('…') {
            ""
        } else {
            "."
        };
        line(&escaped(&format!("{}{end}", option.help)));
    }
    line(".TP\n\\fB\\-\\-help\\fR, \\fB\\-\\-version\\fR");
    line(&escaped(
        "Spelled so, print psql's page or line as well as ours. -?, -V and abbreviations are psql's alone.",
    ));
    line(".SH ENVIRONMENT");
    line(&escaped(ABOUT_VARIABLES));
    for option in OPTIONS {
        if let Some(variable) = option.variable {
            line(&item(variable, &format!("--{}", option.name)));
        }
    }
    for (heading, entries) in [
        ("", OTHER_VARIABLES),
        (".SH EXIT STATUS", EXIT_STATUS),
        (".SH FILES", FILES),
    ] {
        if !heading.is_empty() {
            line(heading);
        }
        for (name, text) in entries {
            line(&item(name, text));
        }
    }
    line(".SH EXAMPLES");
    for (what, command) in EXAMPLES {
        line(&format!(
            ".TP\n{}:\n.EX\n{}\n.EE",
            escaped(what),
            escaped(command)
        ));
    }
    line(".SH SEE ALSO");
    line(".BR psql (1),\n.BR az (1)");
    roff
}

/// An option as it is typed: its name in bold, its value in italics.
fn spelled(option: &Described) -> String {
    let mut text = format!("\\fB\\-\\-{}\\fR", escaped(&option.long));
    if let Some(value) = &option.value {
        let name = escaped(&value.name);
        let (before, after) = if value.is_optional {
            ("[=", "]")
        } else {
            (" ", "")
        };
        write!(text, "{before}\\fI{name}\\fR{after}").expect("a string");
    }
    text
}

fn item(name: &str, text: &str) -> String {
    format!(".TP\n.B {}\n{}", escaped(name), escaped(text))
}

/// Text as roff reads it: hyphens that are typed stay such, and nothing is a request.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    if text.starts_with(['.', '\'']) {
        out.push_str("\\&");
    }
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            '`' => out.push_str("\\(ga"),
            '\'' => out.push_str("\\(aq"),
            c if c.is_ascii() => out.push(c),
            c => write!(out, "\\[u{:04X}]", u32::from(c)).expect("a string"),
        }
    }
    out
}

#[test]
fn groff_sets_the_manual_without_a_warning() {
    sandbox::ensure_programs(&[("groff", "groff-base")]).expect("groff is there");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/entra-psql.1");
    let output = Command::new("groff")
        .args(["-man", "-ww", "-Tutf8", "-P-cbou", file])
        .env("LC_ALL", "C.UTF-8")
        .output()
        .expect("groff runs");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout);
    for section in [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "OPTIONS",
        "ENVIRONMENT",
        "EXIT STATUS",
        "FILES",
        "EXAMPLES",
        "SEE ALSO",
    ] {
        assert!(
            text.lines().any(|line| line == section),
            "{section}\n{text}"
        );
    }
    for option in OPTIONS {
        let spelled = format!("       --{}", option.name);
        assert!(
            text.lines().any(|line| line.starts_with(&spelled)),
            "{spelled}\n{text}"
        );
    }
}
