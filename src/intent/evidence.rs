//! What a decision needs to know of the system: who we are to it, what the time is, and whether the
//! password file knows the connection. It is looked for only where a token may be due.

use std::time::SystemTime;

use crate::cli::Options;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::libpq::files;
use crate::libpq::target::Target;
use crate::psql::command_line::Wanted;
use crate::system::platform;

use super::trust;
use super::{Case, Decision};

/// Decides about a connection, with what the system and the password file say.
///
/// # Errors
///
/// See [`super::decide`].
pub fn decide(
    wanted: &Wanted,
    target: &Target,
    flags: &Options,
    environment: &Environment,
) -> Result<Decision, Failure> {
    if !may_sign_in(target, flags, environment) {
        return Ok(Decision::untouched(
            "no host is known to want an Entra token",
        ));
    }
    let system_user = platform::user_name().unwrap_or_default();
    let passfile = files::passfile(target, environment).unwrap_or_default();
    super::decide(&Case {
        wanted,
        target,
        flags,
        environment,
        system_user: &system_user,
        passfile_has_password: target
            .passwords_in(&passfile, &system_user)
            .any(|found| found),
        now: SystemTime::now(),
    })
}

/// Whether signing in may be due at all: a token is asked for, or some host is known to want one.
fn may_sign_in(target: &Target, flags: &Options, environment: &Environment) -> bool {
    !flags.no_entra
        && (flags.ask_for_token() || trust::judge(target, false, &trust::listed(environment)).any())
}
