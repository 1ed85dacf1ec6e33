//! Every option that entra-psql accepts, ours and psql's, as completion scripts and the manual
//! describe them.
//!
//! The options, their letters and whether they take a value come from the program's own tables, and
//! so do the descriptions of ours. The program needs no descriptions of psql's, so they are here.

use entra_psql::testing::cli::values;
use entra_psql::testing::cli::{self, OwnOption};
use entra_psql::testing::psql::options::{self as psql, Argument};

use crate::psql_words;

pub struct Described {
    pub long: String,
    pub short: Option<char>,
    pub value: Option<Value>,
    pub help: String,
}

/// An option's value.
pub struct Value {
    /// The name that help gives it.
    pub name: String,
    /// Whether it may be missing. If so, it has to follow a `=`.
    pub is_optional: bool,
    pub kind: Kind,
}

/// What completes a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing that a script could know.
    Anything,
    /// One of [`Described::words`].
    Words,
    File,
    /// A program, and then its own arguments.
    Program,
    /// A host in a service file, or of a server.
    Host,
    /// A database, or a service.
    Database,
    /// The name of a server.
    Server,
    /// A group that one can sign in as.
    Group,
}

impl Described {
    /// Returns the words for a value of [`Kind::Words`]. One that ends in `=` needs more after it.
    pub fn words(&self) -> Vec<String> {
        match self.long.as_str() {
            "help" => ["options", "commands", "variables"]
                .map(str::to_owned)
                .into(),
            "pset" => psql_words::assignments(psql_words::PRINT_SETTINGS),
            "set" | "variable" => psql_words::assignments(psql_words::VARIABLES),
            own => {
                let choices = values::choices(own);
                assert!(!choices.is_empty(), "nothing says what `--{own}` accepts");
                choices.into_iter().map(str::to_owned).collect()
            }
        }
    }

    /// Returns whether its value is one of [`Self::words`].
    pub fn has_words(&self) -> bool {
        self.value
            .as_ref()
            .is_some_and(|value| value.kind == Kind::Words)
    }

    /// Returns its value, if that is required.
    pub fn required(&self) -> Option<&Value> {
        self.value.as_ref().filter(|value| !value.is_optional)
    }
}

/// Returns psql's options, in the order of its source.
pub fn psqls() -> Vec<Described> {
    let mut all: Vec<Described> = Vec::new();
    for option in psql::OPTIONS {
        let (_, value, help) = psql_words::OPTIONS
            .iter()
            .find(|(long, ..)| *long == option.long)
            .unwrap_or_else(|| panic!("nothing says what psql's `--{}` does", option.long));
        let short = match option.long {
            "help" => Some('?'),
            // If an option has two names, its letter goes with the first.
            _ => option
                .short
                .map(char::from)
                .filter(|letter| all.iter().all(|known| known.short != Some(*letter))),
        };
        let value = (option.argument != Argument::None).then(|| Value {
            name: (*value).to_owned(),
            is_optional: option.argument == Argument::Optional,
            kind: kind(option.long),
        });
        assert_eq!(
            value.is_some(),
            !psql_words::OPTIONS
                .iter()
                .any(|(long, value, _)| *long == option.long && value.is_empty())
        );
        all.push(Described {
            long: option.long.to_owned(),
            short,
            value,
            help: (*help).to_owned(),
        });
    }
    all
}

/// Returns all options, psql's first.
pub fn all() -> Vec<Described> {
    psqls()
        .into_iter()
        .chain(cli::OPTIONS.iter().map(own))
        .collect()
}

pub fn own(option: &OwnOption) -> Described {
    let named = |name: &str, is_optional| Value {
        name: name.to_owned(),
        is_optional,
        kind: kind(option.name),
    };
    let value = match option.value {
        cli::Value::None => None,
        cli::Value::Required(name) | cli::Value::Program(name) => Some(named(name, false)),
        cli::Value::Optional(name) => Some(named(name, true)),
    };
    Described {
        long: option.name.to_owned(),
        short: None,
        value,
        help: option.help.to_owned(),
    }
}

/// Returns what completes the value of the option with this name, ours or psql's.
fn kind(long: &str) -> Kind {
    match long {
        "host" => Kind::Host,
        "dbname" => Kind::Database,
        "server" => Kind::Server,
        "group" => Kind::Group,
        "file" | "output" | "log-file" | "psql" => Kind::File,
        "exec" => Kind::Program,
        "help" | "pset" | "set" | "variable" => Kind::Words,
        own if !values::choices(own).is_empty() => Kind::Words,
        _ => Kind::Anything,
    }
}
