//! The table of our options and variables: recognition, parsing, help, manual and completions are
//! made from it.

use crate::environment::READY_TOKEN;
use crate::psql::options::Argument;

/// What an option's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// The option is a flag.
    None,
    /// After a space or a `=`.
    Required(&'static str),
    /// Only after a `=`, because the next argument may be psql's.
    Optional(&'static str),
    /// A program, and all arguments that follow.
    Program(&'static str),
}

impl Value {
    /// Returns it as it's written after the option's name in help and reference.
    pub fn shown(self) -> String {
        match self {
            Self::None => String::new(),
            Self::Required(name) | Self::Program(name) => format!(" {name}"),
            Self::Optional(name) => format!("[={name}]"),
        }
    }
}

/// The heading that an option is listed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Identity,
    Server,
    Receiver,
    Renewal,
    Token,
    Help,
}

impl Group {
    /// Every group, in the order of the help.
    pub const ALL: [Self; 6] = [
        Self::Identity,
        Self::Server,
        Self::Receiver,
        Self::Renewal,
        Self::Token,
        Self::Help,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Identity => "Who signs in",
            Self::Server => "Which server",
            Self::Receiver => "What gets the connection",
            Self::Renewal => "Connections that outlive the token",
            Self::Token => "Tokens",
            Self::Help => "Diagnosis and completion",
        }
    }

    /// Returns the options of this group.
    pub fn options(self) -> impl Iterator<Item = &'static OwnOption> {
        OPTIONS.iter().filter(move |option| option.group == self)
    }
}

/// One option of ours.
#[derive(Debug)]
pub struct OwnOption {
    /// Its name, without `--`.
    pub name: &'static str,
    pub value: Value,
    pub variable: Option<&'static str>,
    pub group: Group,
    /// What it does, in one line without a full stop.
    pub help: &'static str,
    /// What else there is to know, in whole sentences.
    pub detail: Option<&'static str>,
    /// What happens without it.
    pub default: Option<&'static str>,
}

/// What most options share. What is missing is `None`, because the loader relocates every text of a
/// table at each start, even an empty one.
const PLAIN: OwnOption = OwnOption {
    name: "",
    value: Value::None,
    variable: None,
    group: Group::Help,
    help: "",
    detail: None,
    default: None,
};

/// Every option of ours, in the order of the help.
pub const OPTIONS: &[OwnOption] = &[
    OwnOption {
        name: "group",
        value: Value::Required("NAME"),
        variable: Some("ENTRA_PSQL_GROUP"),
        group: Group::Identity,
        help: "Sign in as the Entra group NAME, of which you are a member",
        ..PLAIN
    },
    OwnOption {
        name: "auth",
        value: Value::Required("METHOD"),
        variable: Some("ENTRA_PSQL_AUTH"),
        group: Group::Identity,
        help: "Choose how to get the access token",
        default: Some("auto"),
        ..PLAIN
    },
    OwnOption {
        name: "tenant",
        value: Value::Required("ID"),
        variable: Some("ENTRA_PSQL_TENANT"),
        group: Group::Identity,
        help: "Get the token from this tenant, named by its id or domain",
        detail: Some("A token from another tenant than this id is refused."),
        ..PLAIN
    },
    OwnOption {
        name: "client-id",
        value: Value::Required("ID"),
        variable: Some("ENTRA_PSQL_CLIENT_ID"),
        group: Group::Identity,
        help: "Sign in as this application or user-assigned managed identity",
        ..PLAIN
    },
    OwnOption {
        name: "subscription",
        value: Value::Required("ID"),
        variable: Some("ENTRA_PSQL_SUBSCRIPTION"),
        group: Group::Identity,
        help: "Use the Azure CLI account of this subscription, named by its id or name",
        ..PLAIN
    },
    OwnOption {
        name: "server",
        value: Value::Required("NAME"),
        group: Group::Server,
        help: "Connect to the server NAME among those you may see, in place of -h",
        detail: Some(
            "The names are those of --servers. The server's tenant is used if you name none.",
        ),
        ..PLAIN
    },
    OwnOption {
        name: "servers",
        value: Value::Optional("FORMAT"),
        group: Group::Server,
        help: "List the servers that you may see in Azure",
        detail: Some("The list is kept for a day; --fresh asks for a new one."),
        default: Some("text"),
        ..PLAIN
    },
    OwnOption {
        name: "entra",
        group: Group::Server,
        help: "Sign in to this server, whatever its name",
        detail: Some("To trust a server permanently, set ENTRA_PSQL_TRUSTED_HOSTS."),
        ..PLAIN
    },
    OwnOption {
        name: "no-entra",
        variable: Some("ENTRA_PSQL_NO_ENTRA"),
        group: Group::Server,
        help: "Run plain psql without signing in",
        ..PLAIN
    },
    OwnOption {
        name: "cloud",
        value: Value::Required("NAME"),
        variable: Some("ENTRA_PSQL_CLOUD"),
        group: Group::Server,
        help: "Name the server's Azure cloud",
        detail: Some("Clouds that are registered with the Azure CLI are accepted too."),
        default: Some("the cloud that the host name belongs to"),
    },
    OwnOption {
        name: "resource",
        value: Value::Required("URI"),
        variable: Some("ENTRA_PSQL_RESOURCE"),
        group: Group::Server,
        help: "Request a token for this resource",
        default: Some("the resource of the cloud"),
        ..PLAIN
    },
    OwnOption {
        name: "single-server",
        variable: Some("ENTRA_PSQL_SINGLE_SERVER"),
        group: Group::Server,
        help: "Append @SERVERNAME to the role, as Azure Single Server requires",
        ..PLAIN
    },
    OwnOption {
        name: "psql",
        value: Value::Required("PATH"),
        variable: Some("ENTRA_PSQL_PROGRAM"),
        group: Group::Receiver,
        help: "Run this psql",
        default: Some("the first psql on PATH"),
        ..PLAIN
    },
    OwnOption {
        name: "exec",
        value: Value::Program("PROGRAM [ARG]..."),
        group: Group::Receiver,
        help: "Run PROGRAM instead of psql, with the connection in PG* variables",
        detail: Some("All arguments after PROGRAM belong to it: put the connection before --exec."),
        ..PLAIN
    },
    OwnOption {
        name: "print-env",
        value: Value::Optional("SHELL"),
        group: Group::Receiver,
        help: "Print the connection and its token as assignments for a shell",
        default: Some("the calling shell"),
        ..PLAIN
    },
    OwnOption {
        name: "print-conninfo",
        group: Group::Receiver,
        help: "Print the connection as a connection string, without the token",
        ..PLAIN
    },
    OwnOption {
        name: "print-token",
        group: Group::Receiver,
        help: "Print only the access token",
        ..PLAIN
    },
    OwnOption {
        name: "dry-run",
        variable: Some("ENTRA_PSQL_DRY_RUN"),
        group: Group::Receiver,
        help: "Sign in, then print what would run and why, with secrets hidden",
        ..PLAIN
    },
    OwnOption {
        name: "renew",
        value: Value::Optional("tcp"),
        variable: Some("ENTRA_PSQL_RENEW"),
        group: Group::Renewal,
        help: "Sign in again for every later connection of psql or of --exec",
        detail: Some(
            "With tcp, the program of --exec gets a local port, for clients without Unix sockets.",
        ),
        ..PLAIN
    },
    OwnOption {
        name: "url",
        value: Value::Optional("NAME"),
        group: Group::Renewal,
        help: "With --renew and --exec, also set variable NAME to the connection's URI",
        default: Some("DATABASE_URL"),
        ..PLAIN
    },
    OwnOption {
        name: "proxy",
        value: Value::Optional("LISTEN"),
        group: Group::Renewal,
        help: "Serve the connection to other programs until stopped",
        detail: Some(
            "LISTEN is a port, a loopback address with a port, or a directory for a socket.",
        ),
        default: Some("a private socket"),
        ..PLAIN
    },
    OwnOption {
        name: "drain",
        value: Value::Required("SECONDS"),
        variable: Some("ENTRA_PSQL_DRAIN"),
        group: Group::Renewal,
        help: "Limit how long open connections may continue after --proxy is stopped",
        default: Some("30"),
        ..PLAIN
    },
    OwnOption {
        name: "fresh",
        variable: Some("ENTRA_PSQL_FRESH"),
        group: Group::Token,
        help: "Ignore the cached token and ask for a new one",
        detail: Some(
            "The Azure CLI, azd and managed identities may return the same one again. To include a new group, run az logout and az login, or add --auth browser.",
        ),
        ..PLAIN
    },
    OwnOption {
        name: "timeout",
        value: Value::Required("SECONDS"),
        variable: Some("ENTRA_PSQL_TIMEOUT"),
        group: Group::Token,
        help: "Limit the time that signing in may take",
        default: Some("30, or 900 for --auth browser and device-code"),
        ..PLAIN
    },
    OwnOption {
        name: "sign-out",
        group: Group::Token,
        help: "Delete all cached tokens and the sign-ins of browser and device-code",
        ..PLAIN
    },
    OwnOption {
        name: "whoami",
        value: Value::Optional("FORMAT"),
        group: Group::Help,
        help: "Report who you are signed in as, and your groups",
        default: Some("text"),
        ..PLAIN
    },
    OwnOption {
        name: "doctor",
        value: Value::Optional("FORMAT"),
        group: Group::Help,
        help: "Check every step of signing in, and report what to fix",
        default: Some("text"),
        ..PLAIN
    },
    OwnOption {
        name: "entra-verbose",
        variable: Some("ENTRA_PSQL_VERBOSE"),
        group: Group::Help,
        help: "Explain on standard error what was decided",
        ..PLAIN
    },
    OwnOption {
        name: "completions",
        value: Value::Required("SHELL"),
        group: Group::Help,
        help: "Print the completion script for a shell",
        ..PLAIN
    },
    OwnOption {
        name: "no-descriptions",
        group: Group::Help,
        help: "With --completions, leave out what each option is for",
        ..PLAIN
    },
];

/// Names further servers that may be sent a token.
pub const TRUSTED_HOSTS: &str = "ENTRA_PSQL_TRUSTED_HOSTS";

/// Turns the cache of tokens on or off.
pub const CACHE: &str = "ENTRA_PSQL_CACHE";

/// The variables without an option, and what each does.
pub const VARIABLES: &[(&str, &str)] = &[
    (
        TRUSTED_HOSTS,
        "More servers to sign in to: names, or suffixes that start with a dot, separated by commas",
    ),
    (
        CACHE,
        "Whether to cache tokens: on or off [default: on]. Nothing is cached if CI is set",
    ),
    (READY_TOKEN[0], "The token for --auth env"),
    (READY_TOKEN[1], "The file to read that token from"),
    (
        READY_TOKEN[2],
        "The open file descriptor to read that token from (Unix)",
    ),
];

/// Returns whether `--NAME` is ours, and if so whether it takes a value.
pub fn is_own(name: &str) -> Option<Argument> {
    let option = OPTIONS.iter().find(|option| option.name == name)?;
    Some(match option.value {
        Value::None => Argument::None,
        Value::Required(_) => Argument::Required,
        Value::Optional(_) => Argument::Optional,
        Value::Program(_) => Argument::Program,
    })
}
