//! What the connection is for: psql, another program, or to be printed.

use crate::cli::{Listen, Options, Renew, WhichShell};
use crate::failure::Failure;
use crate::psql::command_line::{Program, Wanted};
use crate::psql::options::PsqlOption;

#[derive(Debug, PartialEq, Eq)]
pub enum Purpose {
    Psql,
    /// The program of `--exec`.
    Program(Program),
    /// One of the `--print-…` options.
    Print(Print),
    /// Serve the connection to other programs.
    Proxy(Listen),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Print {
    Token,
    Connection(Form),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As a connection string, without the password.
    Conninfo,
    /// As assignments for a shell, with the password.
    Env(WhichShell),
}

impl Purpose {
    /// Returns what `flags` and the program on the command line ask for.
    pub fn decide(flags: &Options, program: Option<Program>) -> Result<Self, Failure> {
        let printed = [
            flags.print_token.then_some(Print::Token),
            flags
                .print_conninfo
                .then_some(Print::Connection(Form::Conninfo)),
            flags
                .print_env
                .map(|which| Print::Connection(Form::Env(which))),
        ];
        let mut asked = printed
            .into_iter()
            .flatten()
            .map(Self::Print)
            .chain(flags.proxy.clone().map(Self::Proxy))
            .chain(program.map(Self::Program));
        let purpose = asked.next().unwrap_or(Self::Psql);
        if flags.drain.is_some() && !matches!(purpose, Self::Proxy(_)) {
            return Err(Failure::usage("`--drain` needs `--proxy`")
                .hint("leave out `--drain`, or add `--proxy`"));
        }
        purpose.check_renewal(flags)?;
        if purpose == Self::Psql {
            return Ok(purpose);
        }
        let option = purpose.option();
        let other = match asked.next() {
            Some(other) => Some(other.option()),
            None if flags.psql.is_some() => Some("--psql"),
            None if flags.doctor.is_some() => Some("--doctor"),
            None if !matches!(purpose, Self::Program(_)) && flags.dry_run => Some("--dry-run"),
            None => None,
        };
        match other {
            Some(other) => Err(Failure::usage(format!(
                "`{option}` and `{other}` exclude each other"
            ))
            .hint("give only one of them")),
            None => purpose.with_program_named(),
        }
    }

    /// Refuses `--renew` if nothing connects later, and options that need it.
    fn check_renewal(&self, flags: &Options) -> Result<(), Failure> {
        let renews = matches!(flags.renew, Some(Renew::On | Renew::Tcp));
        if flags.url.is_some() && !(renews && matches!(self, Self::Program(_))) {
            return Err(Failure::usage("`--url` needs `--renew` and `--exec`")
                .hint("leave out `--url`, or add `--renew` and `--exec PROGRAM`"));
        }
        if !renews {
            return Ok(());
        }
        let other = match self {
            Self::Print(_) | Self::Proxy(_) => Some(self.option()),
            _ if flags.doctor.is_some() => Some("--doctor"),
            _ if flags.dry_run => Some("--dry-run"),
            Self::Psql | Self::Program(_) => None,
        };
        match other {
            Some(other) => Err(Failure::usage(format!(
                "`--renew` and `{other}` exclude each other"
            ))
            .hint("give only one of them")),
            None => Ok(()),
        }
    }

    fn with_program_named(self) -> Result<Self, Failure> {
        match &self {
            Self::Program(program) if program.name.is_empty() => {
                Err(Failure::usage("the program of `--exec` must not be empty")
                    .hint("name the program to run after `--exec`"))
            }
            _ => Ok(self),
        }
    }

    fn option(&self) -> &'static str {
        match self {
            Self::Psql => "--psql",
            Self::Program(_) => "--exec",
            Self::Proxy(_) => "--proxy",
            Self::Print(Print::Token) => "--print-token",
            Self::Print(Print::Connection(Form::Conninfo)) => "--print-conninfo",
            Self::Print(Print::Connection(Form::Env(_))) => "--print-env",
        }
    }

    /// Refuses arguments of psql that nothing could be done with. What is printed is the same with
    /// and without those that only change psql's output, so they are ignored.
    pub fn check(&self, wanted: &Wanted) -> Result<(), Failure> {
        let option = match self {
            Self::Psql => return Ok(()),
            Self::Program(_) => wanted.beside_connection,
            Self::Print(_) | Self::Proxy(_) => wanted.action,
        };
        let refused = match (option, wanted.surplus.first()) {
            (Some(option), _) => spell(option),
            (None, Some(surplus)) => format!("`{}`", surplus.display()),
            (None, None) => return Ok(()),
        };
        let own = self.option();
        let failure = Failure::usage(format!("{refused} can't be combined with `{own}`"));
        Err(match self {
            Self::Program(_) => failure.hint(
                "put the program's arguments after `--exec PROGRAM`, and only the connection before it",
            ),
            _ => failure.hint(format!("leave out {refused}: with `{own}`, psql doesn't run")),
        })
    }
}

/// Returns an option as it may have been typed: `` `-c` (`--command`) ``.
fn spell(option: &PsqlOption) -> String {
    match option.short {
        Some(letter) => format!("`-{}` (`--{}`)", char::from(letter), option.long),
        None => format!("`--{}`", option.long),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::psql::command_line::OwnWord;

    fn purpose(words: &[&str], program: Option<&str>) -> Result<Purpose, String> {
        let words = words
            .iter()
            .map(|word| match word.split_once('=') {
                Some((name, value)) => OwnWord::Given(name.to_owned(), Some(value.into())),
                None => OwnWord::Given((*word).to_owned(), None),
            })
            .collect();
        let flags = Options::of_command_line(words).expect("options");
        let program = program.map(|name| Program {
            name: name.into(),
            words: Vec::new(),
        });
        Purpose::decide(&flags, program).map_err(|failure| failure.cause().to_owned())
    }

    #[test]
    fn one_thing_is_asked_for() {
        assert_eq!(purpose(&["entra"], None), Ok(Purpose::Psql));
        let env = |which| Ok(Purpose::Print(Print::Connection(Form::Env(which))));
        assert_eq!(purpose(&["print-env"], None), env(WhichShell::Calling));
        assert_eq!(
            purpose(&["print-env=sh", "print-env=fish"], None),
            env(WhichShell::This(crate::shell::Shell::Fish))
        );
        for (words, program, said) in [
            (
                &["print-env", "print-token"][..],
                None,
                "`--print-token` and `--print-env` exclude each other",
            ),
            (
                &["print-conninfo"],
                Some("x"),
                "`--print-conninfo` and `--exec` exclude each other",
            ),
            (
                &["psql=p"],
                Some("x"),
                "`--exec` and `--psql` exclude each other",
            ),
            (
                &["dry-run", "print-token"],
                None,
                "`--print-token` and `--dry-run` exclude each other",
            ),
            (
                &["doctor"],
                Some("x"),
                "`--exec` and `--doctor` exclude each other",
            ),
            (
                &["doctor", "print-token"],
                None,
                "`--print-token` and `--doctor` exclude each other",
            ),
            (
                &["doctor", "print-env"],
                None,
                "`--print-env` and `--doctor` exclude each other",
            ),
            (
                &["doctor", "print-conninfo"],
                None,
                "`--print-conninfo` and `--doctor` exclude each other",
            ),
            (&[], Some(""), "the program of `--exec` must not be empty"),
            (
                &["proxy=5432"],
                Some("x"),
                "`--proxy` and `--exec` exclude each other",
            ),
            (
                &["proxy", "dry-run"],
                None,
                "`--proxy` and `--dry-run` exclude each other",
            ),
            (
                &["proxy", "doctor"],
                None,
                "`--proxy` and `--doctor` exclude each other",
            ),
            (
                &["renew", "proxy"],
                None,
                "`--renew` and `--proxy` exclude each other",
            ),
            (
                &["renew", "print-token"],
                None,
                "`--renew` and `--print-token` exclude each other",
            ),
            (
                &["renew=tcp", "dry-run"],
                Some("x"),
                "`--renew` and `--dry-run` exclude each other",
            ),
            (
                &["renew", "url"],
                None,
                "`--url` needs `--renew` and `--exec`",
            ),
            (&["url"], Some("x"), "`--url` needs `--renew` and `--exec`"),
            (&["drain=1"], None, "`--drain` needs `--proxy`"),
        ] {
            assert_eq!(purpose(words, program), Err(said.to_owned()));
        }
        assert!(purpose(&["dry-run"], Some("x")).is_ok());
        assert_eq!(
            purpose(&["proxy", "drain=0"], None),
            Ok(Purpose::Proxy(Listen::Anywhere))
        );
    }
}
