//! What psql would do with its command line: connect, and to what, or end before that.

use std::ffi::OsString;

use super::getopt::{self, IsOwn, Item, Value};
use super::options::{Argument, Meaning, PsqlOption};
use super::settings;

/// A command line that was read.
#[derive(Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// psql's arguments: the original ones, in order, without ours.
    pub forwarded: Vec<OsString>,
    pub own: Vec<OwnWord>,
    /// The program that gets the connection instead of psql.
    pub program: Option<Program>,
    /// What psql would do with its arguments.
    pub outcome: Outcome,
    /// What psql refuses, if it refuses an option.
    pub refused: Option<Refused>,
    /// An option of ours whose value may be missing, and the operand that follows it.
    pub detached: Option<(String, OsString)>,
}

/// One of our options as it was given.
#[derive(Debug, PartialEq, Eq)]
pub enum OwnWord {
    /// The name, without `--`, and the value.
    Given(String, Option<OsString>),
    /// Why it can't be read.
    Unreadable(String),
}

/// A program and its arguments, which are passed on unread.
#[derive(Debug, PartialEq, Eq)]
pub struct Program {
    /// A name, to be looked up, or a path.
    pub name: OsString,
    pub words: Vec<OsString>,
}

/// An argument that `getopt_long` refuses, and the operand that was first until then.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    pub word: OsString,
    pub first_operand: Option<OsString>,
}

/// What psql does once it has read its options.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(
    windows,
    expect(clippy::large_enum_variant, reason = "there is one in a run")
)]
pub enum Outcome {
    Connects(Wanted),
    /// It prints its version and ends.
    Version {
        /// Whether the argument was `--version`.
        spelled_out: bool,
    },
    /// It prints help and ends.
    Help {
        /// Whether the argument was `--help`.
        spelled_out: bool,
    },
    /// It complains and ends.
    Complains,
}

/// What the command line says about the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// `-h`, the last one.
    pub host: Option<OsString>,
    /// `-p`, the last one.
    pub port: Option<OsString>,
    /// `-U` (the last one), or the operand after the database.
    pub user: Option<Value>,
    /// `-d` (the last one) or the first operand, or `postgres` for `-l` alone. May be a connection
    /// string.
    pub database: Option<OsString>,
    /// Which of the two is an operand.
    pub operands: Operands,
    /// The argument that holds the database's name: its index, and what precedes the name in it.
    pub database_word: Option<Box<(usize, OsString)>>,
    /// `-W`: psql asks for a password before it connects, whatever is configured.
    pub asks_password: bool,
    /// `-1` without `-c` or `-f`: psql complains and ends if it is interactive.
    pub transaction_of_nothing: bool,
    /// The first option that doesn't say where to connect.
    pub beside_connection: Option<&'static PsqlOption>,
    /// The first option for which psql itself does something: it runs, lists or writes.
    pub action: Option<&'static PsqlOption>,
    /// Operands after the user, which psql ignores.
    pub surplus: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operands {
    pub database: bool,
    pub user: bool,
}

impl CommandLine {
    /// Reads `words`, which don't include the program's name. `posix` is whether `POSIXLY_CORRECT`
    /// is set.
    pub fn read(words: Vec<OsString>, posix: bool, is_own: IsOwn) -> Self {
        let items = getopt::read(&words, posix, is_own);
        let mut kept = vec![true; words.len()];
        let mut own = Vec::new();
        let mut program = None;
        let (mut refused, mut detached) = (None, None);
        let mut read = Reading::default();
        for item in items {
            match item {
                Item::Own {
                    name,
                    value,
                    words: range,
                } => {
                    let may_miss_value = is_own(&name) == Some(Argument::Optional);
                    if value.is_none()
                        && may_miss_value
                        && let Some(next) = words.get(range.end)
                    {
                        detached = Some((name.clone(), next.clone()));
                    }
                    kept[range].fill(false);
                    own.push(OwnWord::Given(name, value));
                }
                Item::Program {
                    program: name,
                    from,
                    arguments,
                } => {
                    kept[from..].fill(false);
                    program = Some(Program {
                        name,
                        words: words[arguments..].to_vec(),
                    });
                }
                Item::OwnUnreadable(why) => own.push(OwnWord::Unreadable(why)),
                Item::Operand(at) => read.operands.push(Value {
                    text: words[at].clone(),
                    word: at,
                    prefix: OsString::new(),
                }),
                Item::Complaint(at) => {
                    refused = Some(Refused {
                        word: words[at].clone(),
                        first_operand: read.operands.first().map(|first| first.text.clone()),
                    });
                    read.end(Outcome::Complains);
                }
                Item::Psql {
                    option,
                    value,
                    spelled_out,
                } => {
                    read.note(option);
                    read.option(option.meaning, value, spelled_out);
                }
            }
            if read.ended.is_some() {
                break;
            }
        }
        let mut outcome = read.outcome();
        if let Outcome::Connects(wanted) = &mut outcome {
            let forwarded = |word: usize| kept[..word].iter().filter(|kept| **kept).count();
            if let Some(user) = &mut wanted.user {
                user.word = forwarded(user.word);
            }
            if let Some(word) = wanted.database_word.as_mut().map(|word| &mut word.0) {
                *word = forwarded(*word);
            }
        }
        Self {
            forwarded: words
                .into_iter()
                .zip(kept)
                .filter_map(|(word, kept)| kept.then_some(word))
                .collect(),
            own,
            program,
            outcome,
            refused,
            detached,
        }
    }

    /// Makes the line what it would be if it began with `-h HOST`.
    pub fn put_host(&mut self, host: &str) {
        let words = ["-h", host].map(OsString::from);
        if let Outcome::Connects(wanted) = &mut self.outcome {
            wanted.host = Some(words[1].clone());
            if let Some(user) = &mut wanted.user {
                user.word += words.len();
            }
            if let Some(word) = &mut wanted.database_word {
                word.0 += words.len();
            }
        }
        self.forwarded.splice(0..0, words);
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    wanted: Wanted,
    list: bool,
    acts: bool,
    single_transaction: bool,
    operands: Vec<Value>,
    ended: Option<Outcome>,
}

impl Reading {
    fn end(&mut self, outcome: Outcome) {
        self.ended = Some(outcome);
    }

    /// Notes the first option that does anything but say where to connect.
    fn note(&mut self, option: &'static PsqlOption) {
        let is_action = match option.meaning {
            Meaning::Host
            | Meaning::Port
            | Meaning::User
            | Meaning::Database
            | Meaning::AskPassword
            | Meaning::NeverAskPassword => return,
            Meaning::Action | Meaning::List | Meaning::Output => true,
            _ => false,
        };
        self.wanted.beside_connection.get_or_insert(option);
        if is_action {
            self.wanted.action.get_or_insert(option);
        }
    }

    fn option(&mut self, meaning: Meaning, value: Option<Value>, spelled_out: bool) {
        let text = value.as_ref().map(|value| value.text.clone());
        let bytes = text
            .as_ref()
            .map_or(&b""[..], |text| text.as_encoded_bytes());
        match meaning {
            Meaning::Host => self.wanted.host = text,
            Meaning::Port => self.wanted.port = text,
            Meaning::User => self.wanted.user = value,
            Meaning::Database => {
                self.wanted.database_word = value.map(|value| Box::new((value.word, value.prefix)));
                self.wanted.database = text;
            }
            Meaning::List => self.list = true,
            Meaning::AskPassword => self.wanted.asks_password = true,
            Meaning::NeverAskPassword => self.wanted.asks_password = false,
            Meaning::Action => self.acts = true,
            Meaning::SingleTransaction => self.single_transaction = true,
            Meaning::PrintSetting if !settings::print_setting_is_accepted(bytes) => {
                self.end(Outcome::Complains);
            }
            Meaning::Variable if !settings::variable_is_accepted(bytes) => {
                self.end(Outcome::Complains);
            }
            Meaning::Version => self.end(Outcome::Version { spelled_out }),
            Meaning::Help
                if text.is_none() || matches!(bytes, b"options" | b"commands" | b"variables") =>
            {
                self.end(Outcome::Help { spelled_out });
            }
            Meaning::Help => self.end(Outcome::Complains),
            Meaning::PrintSetting | Meaning::Variable | Meaning::Output | Meaning::Other => {}
        }
    }

    /// Fills what options left open, in psql's order: the first operand is the database, the next
    /// the user.
    fn outcome(self) -> Outcome {
        if let Some(ended) = self.ended {
            return ended;
        }
        let mut wanted = self.wanted;
        for operand in self.operands {
            if wanted.database.is_none() {
                wanted.database = Some(operand.text);
                wanted.operands.database = true;
                wanted.database_word = Some(Box::new((operand.word, OsString::new())));
            } else if wanted.user.is_none() {
                wanted.user = Some(operand);
                wanted.operands.user = true;
            } else {
                wanted.surplus.push(operand.text);
            }
        }
        if self.list && wanted.database.is_none() {
            wanted.database = Some("postgres".into());
        }
        wanted.transaction_of_nothing = self.single_transaction && !self.acts;
        Outcome::Connects(wanted)
    }
}

#[cfg(test)]
mod tests;
