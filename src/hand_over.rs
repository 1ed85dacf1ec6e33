//! Hands the connection over: to psql, to a program in its place, or to whoever reads what is printed.
//!
//! psql reads its command line itself and gets the token beside it. The others do not, and get the connection whole.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use crate::cli::{Options, WhichShell};
use crate::decision::SignIn;
use crate::delivery;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::launch::{self, Launch, exec, locate};
use crate::libpq::connection::{Connection, PASSWORD};
use crate::libpq::parameters::Refusal;
use crate::libpq::target::Target;
use crate::purpose::{Form, Print, Purpose};
use crate::report;
use crate::shell::{Unsayable, calling};
use crate::sign_in::SignedIn;

/// Who gets the connection, found and ready.
pub enum Receiver {
    /// psql, with its words.
    Psql(PathBuf, Vec<OsString>),
    /// The program of `--exec`, with its words.
    Program(PathBuf, Vec<OsString>),
    /// Whoever reads standard output.
    Reader(Print),
}

impl Receiver {
    /// Finds who gets the connection to `target`. `words` are psql's, and `psql` is the one that was named.
    ///
    /// # Errors
    ///
    /// The program cannot be found or run, or the connection has a parameter that cannot be handed over.
    pub fn find(
        purpose: Purpose,
        words: Vec<OsString>,
        psql: Option<&OsStr>,
        target: &Target,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let receiver = match purpose {
            Purpose::Psql => Self::Psql(locate::psql(psql, environment)?, words),
            Purpose::Program(program) => {
                Self::Program(locate::program(&program.name, environment)?, program.words)
            }
            Purpose::Print(print) => {
                report::check_output()?;
                Self::Reader(print)
            }
        };
        if matches!(
            receiver,
            Self::Program(..) | Self::Reader(Print::Connection(Form::Env(_)))
        ) {
            check_variables(&Connection::of(target))?;
        }
        Ok(receiver)
    }

    /// Whether it is a program that is started now, and not a reader of what is printed.
    #[must_use]
    pub fn is_started(&self, options: &Options) -> bool {
        !matches!(self, Self::Reader(_)) && !options.has("dry-run")
    }

    /// psql's path, where it is psql.
    #[must_use]
    pub fn psql(&self) -> Option<&Path> {
        match self {
            Self::Psql(path, _) => Some(path),
            Self::Program(..) | Self::Reader(_) => None,
        }
    }

    /// Hands over a connection to `target` that needs no token, for `reason`; `asks_password` is whether whoever gets
    /// it is to ask for a password.
    ///
    /// # Errors
    ///
    /// A token is to be printed, the connection cannot be said, or the program cannot be run.
    pub fn without_token(
        self,
        target: &Target,
        asks_password: bool,
        reason: &str,
        options: &Options,
        environment: &Environment,
    ) -> Result<i32, Failure> {
        let connection = || {
            let mut connection = Connection::of(target);
            if asks_password {
                connection.forget_password();
            }
            connection
        };
        let no_token = || report::no_token(reason);
        match self {
            Self::Psql(path, words) => become_psql(path, words, options, reason),
            Self::Program(program, words) => {
                let connection = connection();
                let launch = Launch {
                    program,
                    words,
                    environment: Some(connection.in_environment(environment)),
                    role: launch::Role::Program,
                };
                run_or_report(&launch, options, || {
                    let settings = report::settings(settings(&connection));
                    format!("{}\n{settings}", no_token())
                })
            }
            Self::Reader(Print::Token) => {
                Err(Failure::sign_in(format!("no token is due: {reason}"))
                    .hint("where the server does want one, say so with `--entra`"))
            }
            Self::Reader(Print::Connection(form)) => {
                say(options, no_token);
                print_connection(form, &connection(), environment)
            }
        }
    }

    /// Hands over a connection to `target` with a token, and `given` as the variables beside it.
    ///
    /// # Errors
    ///
    /// The connection cannot be said, or the program cannot be run.
    pub fn with_token(
        self,
        target: &Target,
        plan: &SignIn,
        given: &[(&'static str, OsString)],
        signed_in: &SignedIn,
        environment: &Environment,
    ) -> Result<i32, Failure> {
        let SignedIn { role, token, .. } = signed_in;
        match self {
            Self::Psql(program, words) => {
                let launch = Launch {
                    program,
                    words: delivery::words(words, role),
                    environment: Some(delivery::variables(environment, given, token)),
                    role: launch::Role::Psql,
                };
                run_or_report(&launch, &plan.options, || {
                    let given = given.iter().map(|(name, value)| (*name, value.as_os_str()));
                    report::signed_in(plan, given, signed_in)
                })
            }
            Self::Program(program, words) => {
                let mut connection = with_settings(target, given);
                connection.put(PASSWORD, token.secret());
                let mut variables = connection.in_environment(environment);
                // The program has no use for it beside the other.
                variables.forget_ready_token();
                let launch = Launch {
                    program,
                    words,
                    environment: Some(variables),
                    role: launch::Role::Program,
                };
                run_or_report(&launch, &plan.options, || {
                    report::signed_in(plan, settings(&connection), signed_in)
                })
            }
            Self::Reader(print) => {
                let mut connection = with_settings(target, given);
                say(&plan.options, || {
                    report::signed_in(plan, settings(&connection), signed_in)
                });
                match print {
                    Print::Connection(form) => {
                        connection.put(PASSWORD, token.secret());
                        print_connection(form, &connection, environment)
                    }
                    Print::Token => {
                        if io::stdout().is_terminal() {
                            report::warn(
                                "whoever sees this token can sign in with it until it expires",
                            );
                        }
                        report::print(token.secret())
                    }
                }
            }
        }
    }
}

/// Becomes psql with its own words and our environment as it is.
///
/// # Errors
///
/// It cannot be run.
pub fn become_psql(
    program: PathBuf,
    words: Vec<OsString>,
    options: &Options,
    reason: &str,
) -> Result<i32, Failure> {
    let launch = Launch {
        program,
        words,
        environment: None,
        role: launch::Role::Psql,
    };
    run_or_report(&launch, options, || report::no_token(reason))
}

/// What libpq would refuse before it looks for a server, where there is no psql to say it.
#[must_use]
pub fn refused(Refusal(why): &Refusal) -> Failure {
    Failure::sign_in(format!("libpq refuses the connection's parameters: {why}"))
        .hint("mend them where they stand: command line, service file or `PG…` variable")
}

/// Becomes the program, and says so where that is wanted; or for a dry run only says so. `about` is what there is to
/// say beside its command line.
fn run_or_report(
    launch: &Launch,
    options: &Options,
    about: impl FnOnce() -> String,
) -> Result<i32, Failure> {
    let report = || format!("{}\n{}", report::command_line(launch), about());
    if options.has("dry-run") {
        return report::print(report());
    }
    say(options, report);
    exec::become_program(launch)
}

/// Says what was decided, where that is wanted.
fn say(options: &Options, about: impl FnOnce() -> String) {
    if options.has("entra-verbose") {
        report::say(&about());
    }
}

fn with_settings(target: &Target, given: &[(&'static str, OsString)]) -> Connection {
    let mut connection = Connection::of(target);
    for (name, value) in given {
        connection.put(name, value);
    }
    connection
}

/// The variables that are set, without the password.
fn settings(connection: &Connection) -> impl Iterator<Item = (&'static str, &OsStr)> {
    connection
        .variables()
        .filter_map(|(name, value)| Some((name, value?)))
        .filter(|(name, _)| *name != PASSWORD)
}

/// Whether variables can say all of a connection that matters. What does not matter is pointed out.
fn check_variables(connection: &Connection) -> Result<(), Failure> {
    let (needed, dispensable) = connection.without_variable();
    if let Some(name) = needed.first() {
        return Err(Failure::usage(format!(
            "libpq has no variable for `{name}`, so that it cannot be handed to another program"
        ))
        .hint(format!(
            "leave `{name}` out, or give the program the connection string of `--print-conninfo`"
        )));
    }
    // A program has a name of its own.
    for name in dispensable {
        if name != "fallback_application_name" {
            report::warn(&format!(
                "`{name}` is left out: libpq has no variable for it"
            ));
        }
    }
    Ok(())
}

fn print_connection(
    form: Form,
    connection: &Connection,
    environment: &Environment,
) -> Result<i32, Failure> {
    let text = match form {
        Form::Conninfo => connection.conninfo().map_err(|name| {
            Failure::usage(format!(
                "`{name}` has a line break in it, and a connection string is printed in one line"
            ))
            .hint("use `--exec`, which needs no quoting, or `--print-env`")
        })?,
        Form::Env(which) => {
            let shell = match which {
                WhichShell::Calling => calling::shell(environment),
                WhichShell::This(shell) => shell,
            };
            shell
                .assignments(connection.variables())
                .map_err(|Unsayable { name, why }| {
                    Failure::usage(format!(
                        "the value of `{name}` cannot be told this shell: {why}"
                    ))
                    .hint("use `--exec`, which needs no quoting, or another shell")
                })?
        }
    };
    report::print(text)
}
