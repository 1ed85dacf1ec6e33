//! Hands the connection over to psql, to a program in its place, or to standard output. There is a
//! file for each.
//!
//! psql reads its command line itself and gets the token beside it. The others don't, and get the
//! whole connection.

pub mod exec;
pub mod launch;
mod print;
mod program;
pub mod proxy;
mod psql;
pub mod renew;
pub mod report;
pub mod roots;
pub mod variables;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Arc;

use crate::cli::Options;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::intent::purpose::Purpose;
use crate::intent::{Plan, WithoutToken, tls};
use crate::libpq::connection::{Connection, PASSWORD};
use crate::libpq::parameters::LibpqError;
use crate::libpq::resolve;
use crate::libpq::target::Target;
use crate::psql::command_line::Wanted;
use crate::psql::locate;
use crate::sign_in::signer::SignedIn;
use crate::system::terminal;

use launch::Launch;
use print::Reader;
use program::Program;
use proxy::Proxy;
pub use psql::Psql;
use renew::Local;
use variables::Settings;

/// Who gets the connection, found and ready.
pub enum Receiver {
    Psql(Psql),
    /// The program of `--exec`.
    Program(Program),
    /// A reader of standard output.
    Reader(Reader),
    /// Programs that connect to the proxy.
    Proxy(Proxy),
}

/// A connection that is handed over, and what was decided about it.
pub struct Handover<'a> {
    pub target: &'a Target,
    pub options: &'a Options,
    pub environment: &'a Environment,
    pub course: Course<'a>,
}

/// Whether a connection has a token.
pub enum Course<'a> {
    WithoutToken {
        why: WithoutToken,
        /// Whether the receiver is to ask for a password.
        asks_password: bool,
    },
    WithToken {
        plan: &'a Plan,
        settings: &'a Settings,
        signed_in: &'a Arc<SignedIn>,
    },
}

impl Receiver {
    /// Finds who gets the connection to `target`. `words` are psql's arguments, and `psql` is the
    /// psql that was named.
    pub fn find(
        purpose: Purpose,
        words: Vec<OsString>,
        psql: Option<&OsStr>,
        target: &Target,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        Ok(match purpose {
            Purpose::Psql => Self::Psql(Psql::new(locate::psql(psql, environment)?, words)),
            Purpose::Program(named) => Self::Program(Program::find(named, target, environment)?),
            Purpose::Print(print) => Self::Reader(Reader::new(print, target)?),
            Purpose::Proxy(listen) => Self::Proxy(Proxy::new(listen)?),
        })
    }

    /// Whether a program is about to run.
    pub fn is_started(&self, options: &Options) -> bool {
        !matches!(self, Self::Reader(_)) && !options.dry_run
    }

    /// Returns psql's path, if it is psql.
    pub fn psql(&self) -> Option<&Path> {
        match self {
            Self::Psql(psql) => Some(psql.path()),
            Self::Program(_) | Self::Reader(_) | Self::Proxy(_) => None,
        }
    }

    /// Refuses a receiver that would send the token elsewhere: a word of psql's or the database's
    /// name leads to another host, or the service in `PGSERVICE` weakens later connections.
    pub fn check_for_token(
        &self,
        target: &Target,
        environment: &Environment,
    ) -> Result<(), Failure> {
        match self {
            Self::Psql(psql) => {
                psql.check_wrapper()?;
                tls::check_later(&resolve::later_service(target, environment))
            }
            Self::Program(_) => program::check_database(target),
            Self::Reader(reader) => reader.check_database(target),
            Self::Proxy(proxy) => proxy.check(target),
        }
    }

    /// Returns how the program reaches a helper, if `--renew` applies to it.
    pub fn way_to_helper(
        &self,
        target: &Target,
        options: &Options,
    ) -> Result<Option<renew::Way>, Failure> {
        match self {
            Self::Psql(_) if options.renews() => renew::Way::choose_for_psql(target).map(Some),
            Self::Program(_) if options.renews() => {
                renew::Way::choose_for_program(target, options).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Prepares the program with its connection to a helper that is ready.
    pub fn launch_with_helper(
        self,
        local: &Local,
        wanted: &Wanted,
        target: &Target,
        options: &Options,
        environment: &Environment,
    ) -> Result<Launch, Failure> {
        let launch = match self {
            Self::Psql(psql) => psql.launch_with_helper(local, wanted, target, environment)?,
            Self::Program(program) => {
                let url = options.url.as_deref();
                program.launch_with_helper(local.program_variables(target, environment, url))
            }
            Self::Reader(_) | Self::Proxy(_) => {
                return Err(
                    Failure::usage("`--renew` needs psql or the program of `--exec`")
                        .hint("leave out `--renew`"),
                );
            }
        };
        say(options, || {
            report::launch(&launch, "connections are served by a helper")
        });
        Ok(launch)
    }

    /// Hands the connection over, and returns the exit code if entra-psql still runs after that.
    pub fn hand_over(self, handover: &Handover<'_>) -> Result<i32, Failure> {
        match self {
            Self::Psql(psql) => psql.hand_over(handover),
            Self::Program(program) => program.hand_over(handover),
            Self::Reader(reader) => reader.hand_over(handover),
            Self::Proxy(proxy) => proxy.hand_over(handover),
        }
    }
}

impl Handover<'_> {
    /// Returns the whole connection, with its password or token.
    fn connection(&self) -> Connection {
        let mut connection = Connection::new(self.target);
        match &self.course {
            Course::WithoutToken { why, asks_password } => {
                if why.drops_password || *asks_password {
                    connection.forget_password();
                }
            }
            Course::WithToken {
                settings,
                signed_in,
                ..
            } => {
                for (name, value) in settings.variables() {
                    connection.put(name, value);
                }
                connection.put(PASSWORD, signed_in.token.secret());
            }
        }
        connection
    }

    /// Describes what was decided, with these settings.
    fn report<'s>(&self, settings: impl IntoIterator<Item = (&'static str, &'s OsStr)>) -> String {
        match &self.course {
            Course::WithoutToken { why, .. } => {
                let lines = [report::no_token(why.reason), report::settings(settings)];
                lines.join("\n").trim_end().to_owned()
            }
            Course::WithToken {
                plan, signed_in, ..
            } => report::signed_in(plan, settings, signed_in),
        }
    }
}

/// Runs the program, or prints what would run for `--dry-run`. `about` describes the connection.
fn run(launch: &Launch, options: &Options, about: impl FnOnce() -> String) -> Result<i32, Failure> {
    let report = || report::launch(launch, &about());
    if options.dry_run {
        return terminal::print(report());
    }
    say(options, report);
    exec::become_program(launch)
}

/// Prints what was decided to standard error, for `--entra-verbose`.
fn say(options: &Options, about: impl FnOnce() -> String) {
    if options.verbose {
        terminal::say(&about());
    }
}

/// Reports what libpq rejects before it looks for a server, if there is no psql to report it.
pub fn refused(LibpqError(why): &LibpqError) -> Failure {
    Failure::sign_in(format!("libpq rejects the connection's parameters: {why}"))
        .hint("correct the connection string, the options, the service file or the `PG…` variable")
}

/// Returns the variables that are set, without the password.
fn settings(connection: &Connection) -> impl Iterator<Item = (&'static str, &OsStr)> {
    connection
        .variables()
        .filter_map(|(name, value)| Some((name, value?)))
        .filter(|(name, _)| *name != PASSWORD)
}
