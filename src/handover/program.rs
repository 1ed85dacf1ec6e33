//! The program of `--exec`, which gets the whole connection in its variables.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::handover::launch::{self, Launch};
use crate::libpq::connection::Connection;
use crate::libpq::parameters::is_connection_string;
use crate::libpq::target::Target;
use crate::psql::{command_line, locate};
use crate::system::terminal;

use super::{Course, Handover, run, settings};

/// The program, with its words.
pub struct Program {
    path: PathBuf,
    words: Vec<OsString>,
}

impl Program {
    pub(super) fn find(
        named: command_line::Program,
        target: &Target,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let path = locate::program(&named.name, environment)?;
        check_variables(target)?;
        Ok(Self {
            path,
            words: named.words,
        })
    }

    /// The program, which connects to a helper by its `variables`.
    pub(super) fn launch_with_helper(self, variables: Environment) -> Launch {
        Launch {
            program: self.path,
            words: self.words,
            environment: Some(variables),
            role: launch::Role::Program,
        }
    }

    pub(super) fn hand_over(self, handover: &Handover<'_>) -> Result<i32, Failure> {
        let connection = handover.connection();
        let mut variables = connection.in_environment(handover.environment);
        if matches!(handover.course, Course::WithToken { .. }) {
            // The program has no use for it beside the other.
            variables.forget_ready_token();
        }
        let launch = Launch {
            program: self.path,
            words: self.words,
            environment: Some(variables),
            role: launch::Role::Program,
        };
        run(&launch, handover.options, || {
            handover.report(settings(&connection))
        })
    }
}

/// pgbench, vacuumdb, reindexdb, clusterdb and pg_amcheck read the name in `PGDATABASE` as a
/// connection string if it is one.
pub(super) fn check_database(target: &Target) -> Result<(), Failure> {
    let connection = Connection::new(target);
    let name = connection.database().map(OsStr::as_encoded_bytes);
    if !name.is_some_and(is_connection_string) {
        return Ok(());
    }
    let cause =
        "the database's name is itself a connection string, which many programs would follow";
    Err(Failure::usage(cause)
        .hint("name another database; pgbench, vacuumdb and others expand `PGDATABASE`"))
}

/// Whether variables can say all of a connection that matters. What does not matter is pointed out.
pub(super) fn check_variables(target: &Target) -> Result<(), Failure> {
    let connection = Connection::new(target);
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
            terminal::warn(&format!(
                "`{name}` is left out: libpq has no variable for it"
            ));
        }
    }
    Ok(())
}
