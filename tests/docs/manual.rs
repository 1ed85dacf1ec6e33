//! `docs/entra-psql.1`, the manual page, and a test that formats it.

use std::fmt::Write as _;
use std::process::Command;

use entra_psql::testing::cli::{Group, OPTIONS, VARIABLES, help};

use crate::options;

const DESCRIPTION: &[&str] = &[
    "entra-psql accepts the command line of psql(1) unchanged. \
     If the server uses Microsoft Entra authentication, entra-psql gets an access token, works out the role that \
     the token is for, and runs psql with both. \
     For any other server it just runs psql, so you can alias it permanently: `alias psql=entra-psql`.",
    "entra-psql signs in if every host is a name under .postgres.database.azure.com, or under the suffix of \
     another Azure cloud, or listed in ENTRA_PSQL_TRUSTED_HOSTS, and no other password is configured in a connection \
     string, a service file, PGPASSWORD or a password file. \
     With --entra, --group or --auth it signs in although a password is configured. With --no-entra it never does.",
    "A token is sent only inside TLS. If no sslmode is set, entra-psql uses verify-full with the system's roots.",
];

const ABOUT_OPTIONS: &str = "All options of psql(1) keep their meaning. \
     The options below are accepted wherever psql accepts an option. Spell them in full, and put the value after a \
     space or a `=`. An option beats its variable.";

const ABOUT_VARIABLES: &str = "These variables are read only if entra-psql signs in. An empty one counts as unset. \
     For an option without a value, set the variable to 1 or 0.";

const OTHER_VARIABLES: &[(&str, &str)] = &[
    (
        "PGHOST, PGUSER, PGSSLMODE, ...",
        "Have their meaning to libpq.",
    ),
    (
        "AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_FEDERATED_TOKEN_FILE, AZURE_AUTHORITY_HOST, ...",
        "Have their meaning to Azure's tools, if an application or a managed identity signs in.",
    ),
    (
        "AZURE_CONFIG_DIR, AZD_CONFIG_DIR",
        "Have their meaning to the Azure CLI and azd: the directory of a sign-in. Tokens are cached for each directory.",
    ),
    (
        "CI",
        "If it is set, no token is cached and nobody is asked to sign in.",
    ),
];

const EXIT_STATUS: &[(&str, &str)] = &[
    ("psql's own", "Once psql runs."),
    ("1", "Wrong usage."),
    ("2", "Signing in failed or was refused."),
    ("126", "psql was found but can't be run."),
    ("127", "psql was not found."),
];

const FILES: &[(&str, &str)] = &[
    (
        "$XDG_RUNTIME_DIR/entra-psql, else entra-psql in the user's cache directory",
        "Cached tokens, readable only by their owner.",
    ),
    (
        "~/.pg_service.conf, ~/.pgpass, ~/.postgresql/root.crt",
        "The files of libpq, which are respected. \
         In a section of a service file, a line `#entra-psql KEY=VALUE` sets an option for that server: \
         tenant, subscription, client-id, auth, cloud, resource, group or renew.",
    ),
    (
        "~/.azure",
        "The files of the Azure CLI. If its account changes, its cached tokens are no longer used.",
    ),
];

const EXAMPLES: &[(&str, &str)] = &[
    (
        "See what would run",
        "entra-psql -h mydb.postgres.database.azure.com --dry-run",
    ),
    (
        "Run a script with a service",
        "entra-psql service=prod -f migrate.sql",
    ),
];

pub fn page() -> String {
    let mut roff =
        String::from(".\\\" Generated from src/cli/ by `UPDATE_DOCS=1 cargo test --test docs`.\n");
    let mut line = |text: &str| {
        roff.push_str(text);
        roff.push('\n');
    };
    line(concat!(
        r#".TH ENTRA\-PSQL 1 "" "entra\-psql "#,
        env!("CARGO_PKG_VERSION"),
        "\""
    ));
    // Names are not hyphenated, and lines are not stretched.
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
    for group in Group::ALL {
        line(&format!(".SS {}", escaped(group.title())));
        for option in group.options() {
            line(".TP");
            line(&spelled(&options::own(option)));
            line(&escaped(&sentence(&help::description(option))));
        }
    }
    line(".SS Help and version");
    line(".TP\n\\fB\\-\\-help\\fR, \\fB\\-\\-version\\fR");
    line(&escaped(
        "Print the help or version of psql as well as that of entra-psql. -?, -V and abbreviations are psql's alone. \
         If entra-psql is started under the name psql, these are psql's alone too.",
    ));
    line(".SH ENVIRONMENT");
    line(&escaped(ABOUT_VARIABLES));
    for option in OPTIONS {
        if let Some(variable) = option.variable {
            line(&item(variable, &format!("The same as --{}.", option.name)));
        }
    }
    for (heading, entries) in [
        ("", VARIABLES),
        ("", OTHER_VARIABLES),
        (".SH EXIT STATUS", EXIT_STATUS),
        (".SH FILES", FILES),
    ] {
        if !heading.is_empty() {
            line(heading);
        }
        for (name, text) in entries {
            line(&item(name, &sentence(text)));
        }
    }
    line(".SH EXAMPLES");
    for (what, command) in help::EXAMPLES.iter().chain(EXAMPLES) {
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

/// Returns an option as it is typed: its name in bold, its value in italics.
fn spelled(option: &options::Described) -> String {
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

/// Returns text with a full stop, unless a bracket ends it.
fn sentence(text: &str) -> String {
    let is_open = text.ends_with(|c: char| c.is_alphanumeric());
    format!(
        "{text}{}",
        if is_open || text.ends_with("(Unix)") {
            "."
        } else {
            ""
        }
    )
}

/// Escapes text for roff: hyphens stay as they are, and nothing is a request.
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
fn groff_formats_the_manual_without_a_warning() {
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
