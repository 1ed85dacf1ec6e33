//! A reader of standard output: gets the token, the connection for a shell, or a connection string.

use std::io::{self, IsTerminal as _};

use crate::cli::WhichShell;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::handover::report;
use crate::intent::purpose::{Form, Print};
use crate::libpq::connection::Connection;
use crate::libpq::target::Target;
use crate::shell::{Unsayable, calling};
use crate::system::terminal;

use super::program::{check_database, check_variables};
use super::{Course, Handover, say, settings};

pub struct Reader(Print);

impl Reader {
    pub(super) fn new(print: Print, target: &Target) -> Result<Self, Failure> {
        terminal::check_output()?;
        let reader = Self(print);
        if reader.reads_variables() {
            check_variables(target)?;
        }
        Ok(reader)
    }

    fn reads_variables(&self) -> bool {
        matches!(self.0, Print::Connection(Form::Env(_)))
    }

    pub(super) fn check_database(&self, target: &Target) -> Result<(), Failure> {
        if self.reads_variables() {
            check_database(target)
        } else {
            Ok(())
        }
    }

    pub(super) fn hand_over(self, handover: &Handover<'_>) -> Result<i32, Failure> {
        let connection = handover.connection();
        match (self.0, &handover.course) {
            (Print::Token, Course::WithoutToken { why, .. }) => Err(Failure::sign_in(format!(
                "no access token is needed: {}",
                why.reason
            ))
            .hint("if the server uses Microsoft Entra authentication, add `--entra`")),
            (Print::Token, Course::WithToken { signed_in, .. }) => {
                say(handover.options, || handover.report(settings(&connection)));
                if io::stdout().is_terminal() {
                    terminal::warn(&format!(
                        "anyone who sees this token can sign in with it until it expires: {} minutes left",
                        report::minutes_left(&signed_in.token)
                    ));
                }
                terminal::print(signed_in.token.secret())
            }
            (Print::Connection(form), course) => {
                say(handover.options, || match course {
                    Course::WithoutToken { why, .. } => report::no_token(why.reason),
                    Course::WithToken { .. } => handover.report(settings(&connection)),
                });
                print_connection(form, &connection, handover.environment)
            }
        }
    }
}

fn print_connection(
    form: Form,
    connection: &Connection,
    environment: &Environment,
) -> Result<i32, Failure> {
    let text = match form {
        Form::Conninfo => {
            for name in connection.secrets_beside_password() {
                terminal::warn(&format!(
                    "`{name}` is left out: `--print-conninfo` prints no secrets"
                ));
            }
            connection.conninfo().map_err(|name| {
                Failure::usage(format!(
                    "`{name}` contains a line break, and `--print-conninfo` prints one line"
                ))
                .hint("use `--exec`, which needs no quoting, or `--print-env`")
            })?
        }
        Form::Env(which) => {
            let shell = match which {
                WhichShell::Calling => calling::shell(environment),
                WhichShell::This(shell) => shell,
            };
            shell
                .assignments(connection.variables())
                .map_err(|Unsayable { name, why }| {
                    Failure::usage(format!(
                        "the value of `{name}` cannot be written for this shell: {why}"
                    ))
                    .hint("use `--exec`, which needs no quoting, or name another shell with `--print-env=SHELL`")
                })?
        }
    };
    terminal::print(text)
}
