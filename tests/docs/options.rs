//! Every option that entra-psql takes, ours and psql's, as completion scripts and the manual page
//! describe them.
//!
//! Which options there are, their letters and whether they take a value comes from the program's
//! own tables, and so does what ours do. What psql's do is said here, since the program has no need
//! to know.

use entra_psql::testing::cli::method::Method;
use entra_psql::testing::cli::{self, OwnOption, completions};
use entra_psql::testing::entra::cloud;
use entra_psql::testing::psql::options::{self as psql, Argument};

use crate::psql_words;

/// One option.
pub struct Described {
    pub long: String,
    pub short: Option<char>,
    pub value: Option<Value>,
    pub help: String,
}

/// An option's value.
pub struct Value {
    /// What help calls it.
    pub name: String,
    /// Whether it may only stand behind a `=`, and need not be there.
    pub is_optional: bool,
    pub kind: Kind,
}

/// What a value can be completed to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing that a script could know.
    Anything,
    /// One of the words that [`Value::words`] has.
    Words,
    /// A file.
    File,
    /// A program, behind which every word is the program's.
    Program,
    /// A server, by the name it has in a service file.
    Host,
    /// A database, for which a service can stand.
    Database,
}

impl Described {
    /// The words for a value of [`Kind::Words`]. One that ends in `=` is to be continued.
    pub fn words(&self) -> Vec<String> {
        match self.long.as_str() {
            "auth" => std::iter::once("auto")
                .chain(Method::names())
                .map(str::to_owned)
                .collect(),
            "cloud" => cloud::CLOUDS
                .iter()
                .map(|cloud| cloud.name.to_owned())
                .collect(),
            "completions" => completions::SCRIPTS
                .iter()
                .map(|script| script.shell.to_owned())
                .collect(),
            "print-env" => ["sh", "fish", "powershell", "cmd", "nu"]
                .map(str::to_owned)
                .into(),
            "doctor" => vec!["json".to_owned()],
            "help" => ["options", "commands", "variables"]
                .map(str::to_owned)
                .into(),
            "pset" => psql_words::assignments(psql_words::PRINT_SETTINGS),
            "set" | "variable" => psql_words::assignments(psql_words::VARIABLES),
            other => panic!("nobody says which words `--{other}` takes"),
        }
    }

    /// Whether its value is one of [`Self::words`].
    pub fn has_words(&self) -> bool {
        self.value
            .as_ref()
            .is_some_and(|value| value.kind == Kind::Words)
    }

    /// Its value, where that must be there.
    pub fn required(&self) -> Option<&Value> {
        self.value.as_ref().filter(|value| !value.is_optional)
    }
}

/// Our options, in the order of the help.
pub fn ours() -> Vec<Described> {
    cli::OPTIONS.iter().map(own).collect()
}

/// psql's options, in the order of its source.
pub fn psqls() -> Vec<Described> {
    let mut all: Vec<Described> = Vec::new();
    for option in psql::OPTIONS {
        let (_, value, help) = psql_words::OPTIONS
            .iter()
            .find(|(long, ..)| *long == option.long)
            .unwrap_or_else(|| panic!("nobody says what psql's `--{}` does", option.long));
        let short = match option.long {
            "help" => Some('?'),
            // One letter stands for two spellings of an option; it goes with the first.
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

/// All of them, psql's first.
pub fn all() -> Vec<Described> {
    psqls().into_iter().chain(ours()).collect()
}

fn own(option: &OwnOption) -> Described {
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

/// What completes the value of the option, ours or psql's, with this name.
fn kind(long: &str) -> Kind {
    match long {
        "host" => Kind::Host,
        "dbname" => Kind::Database,
        "file" | "output" | "log-file" | "psql" => Kind::File,
        "exec" => Kind::Program,
        "auth" | "cloud" | "completions" | "print-env" | "doctor" | "help" | "pset" | "set"
        | "variable" => Kind::Words,
        _ => Kind::Anything,
    }
}
