//! The table of our options and variables, from which recognition, parsing, help and reference are
//! made.

use crate::psql::options::Argument;

/// What an option's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// There is none: the option is a flag.
    None,
    /// One of this name, behind a space or a `=`.
    Required(&'static str),
    /// One of this name, or none. It stands behind a `=` alone, so that the next word is never
    /// taken for it.
    Optional(&'static str),
    /// A program, and with it all words that follow.
    Program(&'static str),
}

impl Value {
    /// How it is written behind the option's name, for help and reference.
    pub fn shown(self) -> String {
        match self {
            Self::None => String::new(),
            Self::Required(name) | Self::Program(name) => format!(" {name}"),
            Self::Optional(name) => format!("[={name}]"),
        }
    }
}

/// One option of ours.
#[derive(Debug)]
pub struct OwnOption {
    /// Its name, without `--`.
    pub name: &'static str,
    /// What its value is.
    pub value: Value,
    pub variable: Option<&'static str>,
    /// What it does, for help.
    pub help: &'static str,
}

/// Every option of ours, in the order of the help.
pub const OPTIONS: &[OwnOption] = &[
    OwnOption {
        name: "group",
        value: Value::Required("NAME"),
        variable: Some("ENTRA_PSQL_GROUP"),
        help: "Sign in as the Entra group NAME, of which you are a member",
    },
    OwnOption {
        name: "auth",
        value: Value::Required("METHOD"),
        variable: Some("ENTRA_PSQL_AUTH"),
        help: "How to get the token: auto, azure-cli, azd, managed-identity, workload-identity, client-secret, client-certificate, azure-pipelines, github-actions, browser, device-code or env",
    },
    OwnOption {
        name: "tenant",
        value: Value::Required("ID"),
        variable: Some("ENTRA_PSQL_TENANT"),
        help: "The tenant to get the token from, by id or domain",
    },
    OwnOption {
        name: "client-id",
        value: Value::Required("ID"),
        variable: Some("ENTRA_PSQL_CLIENT_ID"),
        help: "The application, or the user-assigned managed identity, to get the token as",
    },
    OwnOption {
        name: "subscription",
        value: Value::Required("ID"),
        variable: Some("ENTRA_PSQL_SUBSCRIPTION"),
        help: "The Azure CLI's subscription, and so the account, to get the token with",
    },
    OwnOption {
        name: "cloud",
        value: Value::Required("NAME"),
        variable: Some("ENTRA_PSQL_CLOUD"),
        help: "The Azure cloud of the server, where its name does not say: AzureCloud, AzureUSGovernment, …, or one that az has registered",
    },
    OwnOption {
        name: "resource",
        value: Value::Required("URI"),
        variable: Some("ENTRA_PSQL_RESOURCE"),
        help: "What the token is asked for, where neither the server's name nor --cloud says it",
    },
    OwnOption {
        name: "entra",
        value: Value::None,
        variable: None,
        help: "This server wants a token, whatever its name (for standing trust: ENTRA_PSQL_TRUSTED_HOSTS)",
    },
    OwnOption {
        name: "no-entra",
        value: Value::None,
        variable: Some("ENTRA_PSQL_NO_ENTRA"),
        help: "No token at all: psql and nothing else",
    },
    OwnOption {
        name: "single-server",
        value: Value::None,
        variable: Some("ENTRA_PSQL_SINGLE_SERVER"),
        help: "Append @servername to the role, as Single Server wants it",
    },
    OwnOption {
        name: "psql",
        value: Value::Required("PATH"),
        variable: Some("ENTRA_PSQL_PROGRAM"),
        help: "The psql to become",
    },
    OwnOption {
        name: "exec",
        value: Value::Program("PROGRAM [ARGS]..."),
        variable: None,
        help: "Run PROGRAM in psql's place, with the whole connection in its PG… variables; all words behind it are its own",
    },
    OwnOption {
        name: "renew",
        value: Value::Optional("tcp"),
        variable: Some("ENTRA_PSQL_RENEW"),
        help: "Sign in again for each connection that psql, or the program of --exec, opens later; with tcp, the program connects to a local port and not to a socket",
    },
    OwnOption {
        name: "url",
        value: Value::Optional("NAME"),
        variable: None,
        help: "With --renew and --exec, also give the program the connection as a URI in the variable NAME [default: DATABASE_URL]",
    },
    OwnOption {
        name: "proxy",
        value: Value::Optional("LISTEN"),
        variable: None,
        help: "Serve this connection to other programs until stopped, signed in again as needed; LISTEN is a port, a loopback address with one, or a directory for a socket [default: a private socket]",
    },
    OwnOption {
        name: "drain",
        value: Value::Required("SECONDS"),
        variable: Some("ENTRA_PSQL_DRAIN"),
        help: "Let the connections of --proxy finish for so long after it is told to stop [default: 30]",
    },
    OwnOption {
        name: "print-env",
        value: Value::Optional("SHELL"),
        variable: None,
        help: "Print the connection, token and all, as assignments for SHELL: sh, fish, powershell, cmd or nu (default: the calling shell)",
    },
    OwnOption {
        name: "print-conninfo",
        value: Value::None,
        variable: None,
        help: "Print the connection as a connection string, without the token",
    },
    OwnOption {
        name: "print-token",
        value: Value::None,
        variable: None,
        help: "Print the token alone",
    },
    OwnOption {
        name: "fresh",
        value: Value::None,
        variable: Some("ENTRA_PSQL_FRESH"),
        help: "Get a new token, whatever is remembered",
    },
    OwnOption {
        name: "sign-out",
        value: Value::None,
        variable: None,
        help: "Forget the sign-ins of --auth browser and device-code and every remembered token, and do nothing else",
    },
    OwnOption {
        name: "timeout",
        value: Value::Required("SECONDS"),
        variable: Some("ENTRA_PSQL_TIMEOUT"),
        help: "How long the whole of signing in may take (default 30, and 900 where a person signs in)",
    },
    OwnOption {
        name: "dry-run",
        value: Value::None,
        variable: Some("ENTRA_PSQL_DRY_RUN"),
        help: "Sign in, then print what would be run and why, secrets hidden, and run nothing",
    },
    OwnOption {
        name: "completions",
        value: Value::Required("SHELL"),
        variable: None,
        help: "Print the completion script for bash, zsh, fish, powershell or elvish, and end",
    },
    OwnOption {
        name: "doctor",
        value: Value::Optional("FORMAT"),
        variable: None,
        help: "Check every link of signing in, and say what to do; as text, or with `json` for a report of a bug",
    },
    OwnOption {
        name: "entra-verbose",
        value: Value::None,
        variable: Some("ENTRA_PSQL_VERBOSE"),
        help: "Say on standard error what was decided",
    },
];

/// The variable that names further servers that are sent a token: names, or `.suffixes`, with
/// commas between.
pub const TRUSTED_HOSTS: &str = "ENTRA_PSQL_TRUSTED_HOSTS";

/// The variable that says whether tokens are remembered: on, which is the default, or off.
pub const CACHE: &str = "ENTRA_PSQL_CACHE";

/// Whether `--NAME` is ours, and if so whether it takes a value.
pub fn is_own(name: &str) -> Option<Argument> {
    let option = OPTIONS.iter().find(|option| option.name == name)?;
    Some(match option.value {
        Value::None => Argument::None,
        Value::Required(_) => Argument::Required,
        Value::Optional(_) => Argument::Optional,
        Value::Program(_) => Argument::Program,
    })
}
