//! What psql would make of its command line: connect, and with what, or end before that.

use std::ffi::OsString;

use super::getopt::{self, IsOwn, Item, Value};
use super::options::{Meaning, PsqlOption};
use super::settings;

/// A command line, read.
#[derive(Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// psql's words: the original ones, in order, without ours.
    pub forwarded: Vec<OsString>,
    /// Our words.
    pub own: Vec<OwnWord>,
    /// The program that is to have the connection in psql's place.
    pub program: Option<Program>,
    /// What psql would do with its words.
    pub outcome: Outcome,
}

/// One of our options as it was given.
#[derive(Debug, PartialEq, Eq)]
pub enum OwnWord {
    /// The option's name, without `--`, and its value.
    Given(String, Option<OsString>),
    /// It could not be read, and why.
    Unreadable(String),
}

/// A program and its words, none of which is looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct Program {
    /// Its name, to be looked up, or its path.
    pub name: OsString,
    pub words: Vec<OsString>,
}

/// What psql does once it has read its options.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(
    windows,
    expect(clippy::large_enum_variant, reason = "there is one in a run")
)]
pub enum Outcome {
    /// It connects.
    Connects(Wanted),
    /// It prints its version and ends.
    Version {
        /// Whether the word was `--version`.
        spelled_out: bool,
    },
    /// It prints help and ends.
    Help {
        /// Whether the word was `--help`.
        spelled_out: bool,
    },
    /// It complains and ends.
    Complains,
}

/// What the command line says about the connection.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// `-h`, the last one.
    pub host: Option<OsString>,
    /// `-p`, the last one.
    pub port: Option<OsString>,
    /// `-U` (the last one), or the operand behind the database.
    pub user: Option<Value>,
    /// `-d` (the last one) or the first operand, or `postgres` for `-l` alone. May be a connection
    /// string.
    pub database: Option<OsString>,
    /// The word that the database's name is in: its index, and what stands before the name in it.
    pub database_word: Option<(usize, OsString)>,
    /// `-W`: psql asks for a password before it connects, whatever else is there.
    pub asks_password: bool,
    /// `-1` without `-c` or `-f`: psql complains and ends where it is interactive.
    pub transaction_of_nothing: bool,
    /// The first word that says something else than where to connect: an option's long name with
    /// its dashes, or an operand behind the user.
    pub not_about_connection: Option<OsString>,
}

impl CommandLine {
    /// Reads `words` (without the program's name). `posix` is whether `POSIXLY_CORRECT` is set.
    pub fn read(words: Vec<OsString>, posix: bool, is_own: IsOwn) -> Self {
        let items = getopt::read(&words, posix, is_own);
        let mut kept = vec![true; words.len()];
        let mut own = Vec::new();
        let mut program = None;
        let mut read = Reading::default();
        for item in items {
            match item {
                Item::Own { name, value, words } => {
                    kept[words].fill(false);
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
                Item::Complaint => read.end(Outcome::Complains),
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
            if let Some((word, _)) = &mut wanted.database_word {
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
        }
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

    /// Notes the first option that says something else than where to connect.
    fn note(&mut self, option: &PsqlOption) {
        let about_connection = matches!(
            option.meaning,
            Meaning::Host
                | Meaning::Port
                | Meaning::User
                | Meaning::Database
                | Meaning::AskPassword
                | Meaning::NeverAskPassword
        );
        if !about_connection {
            self.wanted
                .not_about_connection
                .get_or_insert_with(|| format!("--{}", option.long).into());
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
                self.wanted.database_word = value.map(|value| (value.word, value.prefix));
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
            Meaning::PrintSetting | Meaning::Variable | Meaning::Other => {}
        }
    }

    /// psql's own order: the first operand is the database where `-d` gave none, the next the user
    /// where `-U` gave none; the rest is ignored.
    fn outcome(self) -> Outcome {
        if let Some(ended) = self.ended {
            return ended;
        }
        let mut wanted = self.wanted;
        for operand in self.operands {
            if wanted.database.is_none() {
                wanted.database = Some(operand.text);
                wanted.database_word = Some((operand.word, OsString::new()));
            } else if wanted.user.is_none() {
                wanted.user = Some(operand);
            } else {
                wanted.not_about_connection.get_or_insert(operand.text);
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
mod tests {
    use super::*;
    use crate::psql::options::Argument;

    fn read(line: &str) -> CommandLine {
        let words = line.split_whitespace().map(OsString::from).collect();
        CommandLine::read(words, false, |name| match name {
            "group" => Some(Argument::Required),
            "entra" => Some(Argument::None),
            "exec" => Some(Argument::Program),
            _ => None,
        })
    }

    fn wanted(line: &str) -> Wanted {
        match read(line).outcome {
            Outcome::Connects(wanted) => wanted,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn operands_fill_what_options_left_open() {
        let w = wanted("-d X Y");
        assert_eq!(w.database.as_deref(), Some("X".as_ref()));
        assert_eq!(w.user.map(|u| u.text), Some("Y".into()));
        let w = wanted("X -U Z Y");
        assert_eq!(w.user.map(|u| u.text), Some("Z".into()));
    }

    #[test]
    fn the_last_of_repeated_options_counts() {
        let w = wanted("-h a -d host=b -h c -d d");
        assert_eq!(w.host.as_deref(), Some("c".as_ref()));
        assert_eq!(w.database.as_deref(), Some("d".as_ref()));
        assert!(!wanted("-W -w").asks_password);
    }

    /// Windows lets file names and words hold half of a pair of units, which is no character.
    #[cfg(windows)]
    #[test]
    fn half_a_character_is_forwarded_as_it_is() {
        use std::os::windows::ffi::OsStringExt as _;

        let words: Vec<OsString> = [&[0x2d, 0x66][..], &[0x61, 0xd83d, 0x62], &[0xdc18]]
            .into_iter()
            .map(OsString::from_wide)
            .collect();
        let line = CommandLine::read(words.clone(), false, |_| None);
        assert_eq!(line.forwarded, words);
    }

    #[test]
    fn list_connects_to_postgres_where_no_database_is_named() {
        assert_eq!(wanted("-l").database.as_deref(), Some("postgres".as_ref()));
        assert_eq!(wanted("-l x").database.as_deref(), Some("x".as_ref()));
    }

    #[test]
    fn what_ends_psql_ends_the_reading() {
        assert_eq!(
            read("--version --group").outcome,
            Outcome::Version { spelled_out: true }
        );
        assert!(read("--version --group").own.is_empty());
        assert_eq!(read("-V").outcome, Outcome::Version { spelled_out: false });
        assert_eq!(
            read("--help=commands").outcome,
            Outcome::Help { spelled_out: false }
        );
        assert_eq!(read("--help=x").outcome, Outcome::Complains);
        assert_eq!(read("-P format=x --help").outcome, Outcome::Complains);
        assert!(matches!(read("-v 1=2 -v a").outcome, Outcome::Connects(_)));
    }

    #[test]
    fn what_is_not_about_the_connection_is_noted() {
        let noted = |line: &str| wanted(line).not_about_connection;
        assert_eq!(noted("-h h -p 1 -U u -wW -d d"), None);
        assert_eq!(noted("d u"), None);
        assert_eq!(noted("-h h -XAt"), Some("--no-psqlrc".into()));
        assert_eq!(noted("d u v w"), Some("v".into()));
        assert_eq!(noted("-l"), Some("--list".into()));
    }

    #[test]
    fn a_program_ends_psqls_words() {
        let line = read("-h h --entra --exec pg_dump -Fc --entra");
        assert_eq!(line.forwarded, ["-h", "h"]);
        assert_eq!(line.own.len(), 1);
        let program = line.program.expect("a program");
        assert_eq!(program.name, "pg_dump");
        assert_eq!(program.words, ["-Fc", "--entra"]);
        assert_eq!(read("--version --exec x").program, None);
    }

    #[test]
    fn our_words_are_cut_and_the_place_of_the_user_is_kept() {
        let line = read("--group G -q --entra -qU bob -- --group");
        assert_eq!(line.forwarded, ["-q", "-qU", "bob", "--", "--group"]);
        assert_eq!(line.own.len(), 2);
        let Outcome::Connects(Wanted {
            user: Some(user), ..
        }) = line.outcome
        else {
            panic!("no user");
        };
        assert_eq!((user.word, user.text), (2, "bob".into()));
    }
}
