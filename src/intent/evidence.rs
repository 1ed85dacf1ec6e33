//! The facts of the system that a decision needs: our user name, the time, and whether the password
//! file has the connection. They are gathered only if a token may be due.

use std::time::SystemTime;

use crate::cli::Options;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::libpq::files;
use crate::libpq::resolve;
use crate::libpq::target::Target;
use crate::psql::command_line::{Program, Wanted};
use crate::system::platform;

use super::{Case, Decision, NOT_KNOWN};
use super::{slips, trust};

/// Decides about a connection, by [`super::decide`].
pub fn decide(
    wanted: &Wanted,
    target: &Target,
    flags: &Options,
    environment: &Environment,
) -> Result<Decision, Failure> {
    if !may_sign_in(target, flags, environment) {
        return Ok(Decision::untouched(NOT_KNOWN));
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

/// Returns whether signing in may be due: a token is asked for, or some host is known to use Entra
/// authentication.
fn may_sign_in(target: &Target, flags: &Options, environment: &Environment) -> bool {
    !flags.no_entra
        && (flags.ask_for_token() || trust::judge(target, false, &trust::listed(environment)).any())
}

/// Explains a connection that only the arguments of `program` name, if its host would have been
/// sent a token before `--exec`.
pub fn explain_misplaced(
    program: &Program,
    wanted: &Wanted,
    target: &Target,
    flags: &Options,
    environment: &Environment,
) -> Option<String> {
    let listed = trust::listed(environment);
    let is_trusted = |name: &[u8]| trust::is_known(name, &listed);
    let host = slips::misplaced_host(program, wanted, target, is_trusted)?;
    let wanted = Wanted {
        host: Some(host.into()),
        ..wanted.clone()
    };
    let target = resolve::target(&wanted, environment).ok()?;
    match decide(&wanted, &target, flags, environment) {
        Ok(Decision::BecomePsql(_)) => None,
        Ok(Decision::SignIn(_)) | Err(_) => Some(slips::explain_misplaced(program, host)),
    }
}
