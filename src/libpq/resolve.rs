//! From the command line, the service file and the variables to what libpq would connect to.

use crate::environment::Environment;
use crate::psql::command_line::Wanted;

use super::files;
use super::parameters::{LibpqError, Parameters};
use super::target::Target;

/// What libpq would connect to.
///
/// # Errors
///
/// libpq would refuse before it looks for any server; what it says is for psql to print.
pub fn target(wanted: &Wanted, environment: &Environment) -> Result<Target, LibpqError> {
    let mut parameters = Parameters::of_command_line(wanted)?;
    files::apply_service(&mut parameters, environment)?;
    parameters.fill_from(environment);
    Target::settle(parameters)
}

/// What the service in `PGSERVICE` gives to the later connections of a psql that first went to
/// `target`. libpq puts it before the variables, and takes nothing from one that it refuses.
pub fn later_service(target: &Target, environment: &Environment) -> Parameters {
    let mut parameters = Parameters::none();
    if environment.get("PGSERVICE").is_none() {
        return parameters;
    }
    let mut environment = environment.clone();
    if let Some(file) = files::name_files(target, &environment).service {
        environment.set("PGSERVICEFILE", file);
    }
    match files::apply_service(&mut parameters, &environment) {
        Ok(()) => parameters,
        Err(LibpqError(_)) => Parameters::none(),
    }
}
