//! Works out what libpq would connect to, from the command line, the service file and the
//! variables.

use crate::environment::Environment;
use crate::psql::command_line::Wanted;

use super::files;
use super::parameters::{LibpqError, Parameters};
use super::target::Target;

/// Returns what libpq would connect to. An error is what libpq refuses before it contacts any
/// server.
pub fn target(wanted: &Wanted, environment: &Environment) -> Result<Target, LibpqError> {
    let mut parameters = Parameters::of_command_line(wanted)?;
    files::apply_service(&mut parameters, environment)?;
    parameters.fill_from(environment);
    Target::settle(parameters)
}

/// Returns what the service in `PGSERVICE` sets for the later connections of a psql that first
/// connected to `target`. libpq prefers it to the variables, and uses nothing of one that it
/// refuses.
pub fn later_service(target: &Target, environment: &Environment) -> Parameters {
    let mut parameters = Parameters::none();
    if environment.get("PGSERVICE").is_none() {
        return parameters;
    }
    let mut environment = environment.clone();
    if let Some(file) = files::named_service_file(target) {
        environment.set("PGSERVICEFILE", file);
    }
    match files::apply_service(&mut parameters, &environment) {
        Ok(()) => parameters,
        Err(LibpqError(_)) => Parameters::none(),
    }
}
