//! The program of `--exec`, which gets the whole connection in environment variables.

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

    pub(super) fn hand_over(self, handover: &Handover<'_>) -> Result<i32, Failure> {
        let connection = handover.connection();
        let mut variables = connection.in_environment(handover.environment);
        if matches!(handover.course, Course::WithToken { .. }) {
            // The program needs only one of them.
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

/// Refuses a database's name that is a connection string: pgbench, vacuumdb, reindexdb, clusterdb
/// and pg_amcheck would read it as one in `PGDATABASE`.
pub(super) fn check_database(target: &Target) -> Result<(), Failure> {
    let connection = Connection::new(target);
    let name = connection.database().map(OsStr::as_encoded_bytes);
    if !name.is_some_and(is_connection_string) {
        return Ok(());
    }
    let cause =
        "the database's name is a connection string, and many programs would connect as it says";
    Err(Failure::usage(cause)
        .hint("name another database: pgbench, vacuumdb and others expand `PGDATABASE`"))
}

/// Refuses a connection that variables can't describe. Warns of a parameter that doesn't matter.
pub(super) fn check_variables(target: &Target) -> Result<(), Failure> {
    let connection = Connection::new(target);
    let (needed, dispensable) = connection.without_variable();
    if let Some(name) = needed.first() {
        return Err(Failure::usage(format!(
            "libpq has no environment variable for `{name}`, so it cannot be passed to another program"
        ))
        .hint(format!(
            "leave `{name}` out, or pass the output of `--print-conninfo` to the program"
        )));
    }
    // A program sets its own name.
    for name in dispensable {
        if name != "fallback_application_name" {
            terminal::warn(&format!(
                "`{name}` is left out: libpq has no environment variable for it"
            ));
        }
    }
    Ok(())
}
