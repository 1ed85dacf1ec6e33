//! Reads arguments as `getopt_long` reads them for psql, with our own long options among them:
//! glibc's `getopt_long`, or on Windows the one that PostgreSQL brings.
//!
//! Our options are recognised by exact spelling, and only where `getopt_long` would look for an
//! option: never as another option's value, never after `--`.

use std::ffi::{OsStr, OsString};
use std::ops::Range;

use clap_lex::OsStrExt as _;

use super::options::{self, Argument, PsqlOption};

/// A value, and where it is on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    pub text: OsString,
    /// The index of the argument that holds it.
    pub word: usize,
    /// What precedes it in that argument: nothing, `-U`, `-qU` or `--username=`.
    pub prefix: OsString,
}

/// One thing that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// An option of ours.
    Own {
        /// Without `--`.
        name: String,
        value: Option<OsString>,
        /// The arguments that it consists of.
        words: Range<usize>,
    },
    /// An option of ours with a program, which ends psql's command line.
    Program {
        program: OsString,
        /// The argument that the option is. From here on nothing is psql's.
        from: usize,
        /// The first of the program's own arguments.
        arguments: usize,
    },
    /// An option of ours that cannot be read, and why.
    OwnUnreadable(String),
    /// An option of psql.
    Psql {
        option: &'static PsqlOption,
        value: Option<Value>,
        /// Whether the argument is `--NAME`, in full and without a value.
        spelled_out: bool,
    },
    Operand(usize),
    /// The argument that `getopt_long` refuses. psql ends, and nothing after it is read.
    Complaint(usize),
}

/// Returns whether `--NAME` is an option of ours, and if so whether it takes a value.
pub type IsOwn = fn(&str) -> Option<Argument>;

/// Reads `words`, which don't include the program's name.
///
/// `posix` is whether `POSIXLY_CORRECT` is set, which makes the first operand end the options.
pub fn read(words: &[OsString], posix: bool, is_own: IsOwn) -> Vec<Item> {
    let mut reader = Reader {
        words,
        next: 0,
        items: Vec::with_capacity(words.len()),
        is_own,
    };
    while let Some(word) = words.get(reader.next) {
        let here = reader.next;
        reader.next += 1;
        if word == "--" {
            reader.operands_from(here + 1);
        } else if let Some(long) = word.strip_prefix("--") {
            reader.long(here, long);
        } else if word.starts_with("-") && word != "-" {
            reader.bundle(here);
        } else if posix {
            reader.operands_from(here);
        } else {
            reader.items.push(Item::Operand(here));
        }
        if let Some(Item::Complaint(_)) = reader.items.last() {
            break;
        }
    }
    reader.items
}

struct Reader<'a> {
    words: &'a [OsString],
    next: usize,
    items: Vec<Item>,
    is_own: IsOwn,
}

impl Reader<'_> {
    fn operands_from(&mut self, first: usize) {
        self.items
            .extend((first..self.words.len()).map(Item::Operand));
        self.next = self.words.len();
    }

    /// Takes the next argument as a value.
    fn next_word(&mut self) -> Option<Value> {
        let text = self.words.get(self.next)?.clone();
        self.next += 1;
        Some(Value {
            text,
            word: self.next - 1,
            prefix: OsString::new(),
        })
    }

    fn long(&mut self, here: usize, long: &OsStr) {
        let (name, attached) = match long.split_once("=") {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        if let Some(name) = name.to_str()
            && let Some(argument) = (self.is_own)(name)
        {
            return self.own(here, name, argument, attached);
        }
        let Some(option) = options::by_long(name.as_encoded_bytes()) else {
            return self.items.push(Item::Complaint(here));
        };
        let value = match (option.argument, attached) {
            // PostgreSQL's own `getopt_long`, on Windows, lets such a value pass.
            (Argument::None, Some(_)) if cfg!(windows) => None,
            (Argument::None, Some(_)) => return self.items.push(Item::Complaint(here)),
            (Argument::Required, None) => match self.next_word() {
                Some(value) => Some(value),
                None => return self.items.push(Item::Complaint(here)),
            },
            (_, attached) => attached.map(|text| Value {
                text: text.to_owned(),
                word: here,
                prefix: [OsStr::new("--"), name, OsStr::new("=")]
                    .into_iter()
                    .collect(),
            }),
        };
        self.items.push(Item::Psql {
            option,
            value,
            spelled_out: attached.is_none() && name == option.long,
        });
    }

    fn own(&mut self, here: usize, name: &str, argument: Argument, attached: Option<&OsStr>) {
        let value = match (argument, attached) {
            (Argument::None, Some(_)) => {
                let why = format!("`--{name}` takes no value");
                return self.items.push(Item::OwnUnreadable(why));
            }
            (Argument::Required | Argument::Program, None) => {
                let Some(value) = self.next_word() else {
                    let why = format!("`--{name}` requires a value");
                    return self.items.push(Item::OwnUnreadable(why));
                };
                Some(value.text)
            }
            (_, attached) => attached.map(OsStr::to_owned),
        };
        if argument == Argument::Program {
            self.items.push(Item::Program {
                program: value.unwrap_or_default(),
                from: here,
                arguments: self.next,
            });
            self.next = self.words.len();
            return;
        }
        self.items.push(Item::Own {
            name: name.to_owned(),
            value,
            words: here..self.next,
        });
    }

    /// Returns whether the argument before this one is `-?`, as the value of an option.
    ///
    /// In the middle of a bundle, psql checks this argument to tell whether `getopt_long`
    /// complained or read `-?`. Once there is an operand, `getopt_long` has put it there.
    fn is_after_question(&self) -> bool {
        let mut before = self
            .items
            .iter()
            .filter(|item| !matches!(item, Item::Own { .. }));
        let is_operand = |item: &Item| matches!(item, Item::Operand(_));
        matches!(
            before.next_back(),
            Some(Item::Psql { value: Some(value), .. }) if value.text == "-?" && value.prefix.is_empty()
        ) && !before.any(is_operand)
    }

    /// Reads an argument of short options, the last of which may have its value attached.
    fn bundle(&mut self, here: usize) {
        let word = &self.words[here];
        let after_question = self.is_after_question();
        let mut prefix = OsString::from("-");
        let mut rest = word.strip_prefix("-").unwrap_or(word);
        while let Some(&letter) = rest.as_encoded_bytes().first() {
            let Some(option) = options::by_short(letter) else {
                // `-?` asks for help if it's alone, and is an error in a bundle. psql ends either
                // way.
                let is_last = rest.len() == 1;
                let item = if word == "-?" || (after_question && !is_last) {
                    Item::Psql {
                        option: &options::OPTIONS[options::HELP],
                        value: None,
                        spelled_out: false,
                    }
                } else {
                    Item::Complaint(here)
                };
                return self.items.push(item);
            };
            let letter = char::from(letter).to_string();
            prefix.push(&letter);
            rest = rest.strip_prefix(letter.as_str()).unwrap_or_default();
            if option.argument == Argument::None {
                self.items.push(Item::Psql {
                    option,
                    value: None,
                    spelled_out: false,
                });
                continue;
            }
            let value = if rest.is_empty() {
                match self.next_word() {
                    Some(value) => value,
                    None => return self.items.push(Item::Complaint(here)),
                }
            } else {
                Value {
                    text: rest.to_owned(),
                    word: here,
                    prefix,
                }
            };
            return self.items.push(Item::Psql {
                option,
                value: Some(value),
                spelled_out: false,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some_of_ours(name: &str) -> Option<Argument> {
        match name {
            "group" => Some(Argument::Required),
            "entra" => Some(Argument::None),
            "print" => Some(Argument::Optional),
            "exec" => Some(Argument::Program),
            _ => None,
        }
    }

    fn say(line: &str, posix: bool) -> String {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        let said: Vec<String> = read(&words, posix, some_of_ours)
            .into_iter()
            .map(|item| match item {
                Item::Own { name, value, words } => format!("own {name} {value:?} {words:?}"),
                Item::OwnUnreadable(why) => why,
                Item::Program {
                    program,
                    from,
                    arguments,
                } => format!("program {} {from} {arguments}", program.display()),
                Item::Psql { option, value, .. } => match value {
                    Some(Value { text, prefix, .. }) => {
                        format!("{}={}<{}", option.long, text.display(), prefix.display())
                    }
                    None => option.long.to_owned(),
                },
                Item::Operand(n) => format!("operand {n}"),
                Item::Complaint(_) => "complaint".to_owned(),
            })
            .collect();
        said.join(", ")
    }

    #[test]
    fn bundles_end_in_a_value() {
        assert_eq!(
            say("-Ath -U x", false),
            "no-align, tuples-only, host=-U<, operand 2"
        );
        assert_eq!(say("-qUalice", false), "quiet, username=alice<-qU");
        assert_eq!(say("-U", false), "complaint");
        assert_eq!(say("-yq", false), "complaint");
    }

    #[test]
    fn our_words_are_read_only_where_an_option_is_looked_for() {
        assert_eq!(
            say("--group G db", false),
            "own group Some(\"G\") 0..2, operand 2"
        );
        assert_eq!(say("--group=G=H", false), "own group Some(\"G=H\") 0..1");
        assert_eq!(say("-c --group G", false), "command=--group<, operand 2");
        assert_eq!(say("-- --group G", false), "operand 1, operand 2");
        assert_eq!(say("--grou G", false), "complaint");
        assert_eq!(say("--group", false), "`--group` requires a value");
        assert_eq!(say("--entra=yes", false), "`--entra` takes no value");
        assert_eq!(
            say("--print db --print=fish", false),
            "own print None 0..1, operand 1, own print Some(\"fish\") 2..3"
        );
    }

    #[test]
    fn a_program_takes_all_that_follows() {
        assert_eq!(
            say("-l --exec pg_dump -Fc --group -- -yq", false),
            "list, program pg_dump 1 3"
        );
        assert_eq!(say("--exec=pg_dump", false), "program pg_dump 0 1");
        assert_eq!(say("--exec", false), "`--exec` requires a value");
        assert_eq!(say("-c --exec x", false), "command=--exec<, operand 2");
        assert_eq!(say("-- --exec x", false), "operand 1, operand 2");
        assert_eq!(say("db --exec x", true), "operand 0, operand 1, operand 2");
    }

    #[test]
    fn posixly_correct_ends_the_options_at_the_first_operand() {
        assert_eq!(say("db -l", false), "operand 0, list");
        assert_eq!(say("db -l", true), "operand 0, operand 1");
    }

    #[cfg(windows)]
    #[test]
    fn long_options_take_values_as_postgresql_has_it() {
        assert_eq!(say("--host= x", false), "host=<--host=, operand 1");
        assert_eq!(say("--list=x -l", false), "list, list");
    }

    #[cfg(unix)]
    #[test]
    fn long_options_take_values_as_glibc_has_it() {
        assert_eq!(say("--host= x", false), "host=<--host=, operand 1");
        assert_eq!(say("--user -l", false), "username=-l<");
        assert_eq!(say("--list=x -l", false), "complaint");
        assert_eq!(say("--help=commands", false), "help=commands<--help=");
        assert_eq!(say("- -?", false), "operand 0, help");
        assert_eq!(say("-l?", false), "list, complaint");
    }

    #[test]
    fn a_complaint_after_a_question_mark_is_taken_for_it() {
        assert_eq!(say("-c -? -qyq", false), "command=-?<, quiet, help");
        assert_eq!(say("-c -? -?q", false), "command=-?<, help");
        assert_eq!(say("-c -? -qy", false), "command=-?<, quiet, complaint");
        assert_eq!(
            say("db -c -? -yq", false),
            "operand 0, command=-?<, complaint"
        );
    }
}
