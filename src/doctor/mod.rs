//! `--doctor`: follows the path from the command line to a session, link by link, and reports what
//! it found and what to do.
//!
//! [`look`] checks things and judges none, [`judge`] makes a [`finding`] of each without any I/O,
//! [`render`] formats them and [`reporter`] prints each as soon as it is known. Checks that don't
//! need each other run side by side. Each has the time that a launch would give it. The token comes
//! from what a launch calls, and the session is opened by the psql that a launch would run, so both
//! stay the same as in a launch.

pub mod finding;
pub mod judge;
pub mod look;
pub mod render;
mod reporter;
mod survey;
mod with_token;
mod without_token;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::{Format, Options};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::intent::evidence;
use crate::intent::tls::{self, Protection};
use crate::intent::{Decision, Plan, WithoutToken};
use crate::libpq::files;
use crate::libpq::keywords::SECRETS;
use crate::libpq::parameters::LibpqError;
use crate::libpq::resolve;
use crate::libpq::target::Target;
use crate::psql::command_line::{Outcome, Wanted};
use crate::psql::locate;
use crate::system::deadline::Deadline;
use crate::token::azure_cli;

use finding::{Finding, Link};
use judge::programs;
use look::session::{Session, SessionError};
use reporter::Reporter;

/// How the names of variables begin that matter: those of libpq, Azure, entra-psql, build services
/// and proxies.
const VARIABLES: [&str; 13] = [
    "PG",
    "AZURE",
    "ENTRA_PSQL_",
    "IDENTITY_",
    "MSI_",
    "IMDS_",
    "SYSTEM_",
    "ACTIONS_ID_",
    "SSL_CERT_",
    "REQUESTS_CA_",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
];

/// Examines the command line that came to `outcome`, and prints what it finds. The exit code is 0
/// if a sign-in works, else 2.
pub fn examine(
    outcome: &Outcome,
    flags: &Options,
    environment: &Environment,
) -> Result<i32, Failure> {
    let mut reporter = Reporter::new(flags.doctor.unwrap_or(Format::Text));
    reporter.add(Finding::ok(
        Link::Version,
        format!(
            "entra-psql {} for {} on {}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH
        ),
    ));
    examine_line(outcome, flags, environment, &mut reporter);
    let works = reporter.end(variables(environment))?;
    Ok(if works { 0 } else { 2 })
}

/// Returns the names of the environment variables that matter.
fn variables(environment: &Environment) -> Vec<String> {
    let matters = |name: &&str| {
        let name = name.to_ascii_uppercase();
        let mut beginnings = VARIABLES.iter();
        beginnings.any(|beginning| name.starts_with(beginning))
    };
    let names = environment.iter().filter_map(|(name, _)| name.to_str());
    let mut names: Vec<_> = names.filter(matters).map(str::to_owned).collect();
    names.sort_unstable();
    names
}

fn examine_line(
    outcome: &Outcome,
    flags: &Options,
    environment: &Environment,
    reporter: &mut Reporter,
) {
    let time = time_for_link(flags);
    let undecided = |decision, reporter: &mut Reporter| {
        let psql = locate(flags.psql.as_deref(), environment);
        report_undecided(psql, environment, time, decision, reporter);
    };
    let Outcome::Connects(wanted) = outcome else {
        let decision = Finding::fail(Link::Decision, "psql rejects this command line")
            .remedy("run it with psql itself to see what is wrong");
        return undecided(decision, reporter);
    };
    let target = match resolve::target(wanted, environment) {
        Ok(target) => target,
        Err(LibpqError(why)) => {
            let decision = Finding::fail(
                Link::Decision,
                format!("libpq rejects the connection's parameters: {why}"),
            )
            .remedy("correct the connection string, the options, the service file or the `PG…` variable");
            return undecided(decision, reporter);
        }
    };
    let checkup = Checkup {
        wanted,
        target: &target,
        environment,
        time,
    };
    match checkup.decide(flags) {
        Course::Undecided(decision) => undecided(decision, reporter),
        Course::WithoutToken(why) => checkup.examine_without_token(flags, &why, reporter),
        Course::WithToken(plan, protection) => {
            let time = time_for_link(&plan.options);
            let checkup = Checkup { time, ..checkup };
            checkup.examine_with_token(*plan, &protection, reporter);
        }
    }
}

/// Returns how long each link may take. In a launch only signing in has a timeout, so a shorter one
/// says nothing about the other links.
fn time_for_link(options: &Options) -> Duration {
    let default = Options::default().time_for_signing_in(None);
    options.time_for_signing_in(None).max(default)
}

/// The course that a launch would take.
enum Course {
    /// None: something is wrong with the command line or a variable.
    Undecided(Finding),
    /// psql connects without a token.
    WithoutToken(WithoutToken),
    /// psql connects with one.
    WithToken(Box<Plan>, Protection),
}

/// What is examined.
struct Checkup<'a> {
    wanted: &'a Wanted,
    target: &'a Target,
    environment: &'a Environment,
    /// How long each link may take, signing in excepted.
    time: Duration,
}

impl Checkup<'_> {
    fn decide(&self, flags: &Options) -> Course {
        self.try_to_decide(flags)
            .unwrap_or_else(|failure| Course::Undecided(programs::failed(Link::Decision, &failure)))
    }

    fn try_to_decide(&self, flags: &Options) -> Result<Course, Failure> {
        match evidence::decide(self.wanted, self.target, flags, self.environment)? {
            Decision::BecomePsql(why) => Ok(Course::WithoutToken(why)),
            Decision::SignIn(plan) => {
                let has_own_roots = files::has_own_roots(self.environment);
                let protection = tls::protect(self.target, has_own_roots)?;
                tls::check_later(&resolve::later_service(self.target, self.environment))?;
                Ok(Course::WithToken(plan, protection))
            }
        }
    }

    /// Hides the secrets of the connection: psql quotes what it refuses.
    fn hide_secrets(
        &self,
        session: Result<Session, SessionError>,
    ) -> Result<Session, SessionError> {
        session.map_err(|error| match error {
            SessionError::Refused(said) => {
                let values = SECRETS
                    .iter()
                    .filter_map(|name| self.target.parameters().filled(name))
                    .filter_map(|value| std::str::from_utf8(value).ok());
                SessionError::Refused(
                    values.fold(said, |said, value| said.replace(value, "(hidden)")),
                )
            }
            error => error,
        })
    }
}

fn locate(named: Option<&OsStr>, environment: &Environment) -> Result<PathBuf, Failure> {
    let named = named.or_else(|| environment.get_filled("ENTRA_PSQL_PROGRAM"));
    locate::psql(named, environment)
}

/// Reports all links if nothing could be decided.
fn report_undecided(
    psql: Result<PathBuf, Failure>,
    environment: &Environment,
    time: Duration,
    decision: Finding,
    reporter: &mut Reporter,
) {
    let psql =
        psql.map(|program| look::programs::check_psql(program, environment, Deadline::after(time)));
    reporter.add(programs::psql(&psql));
    let az = azure_cli::TOOL.find(environment);
    reporter.add(programs::az_aside(
        az.as_deref(),
        "not checked: `decision` failed",
    ));
    reporter.add(decision);
    let later = Link::ALL
        .into_iter()
        .skip_while(|link| *link != Link::Decision)
        .skip(1);
    reporter.add_all(later.map(|link| Finding::unchecked(link, "`decision` failed")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_only_raises_the_time_for_a_link() {
        for (timeout, time) in [(None, 30), (Some(1), 30), (Some(60), 60)] {
            let options = Options {
                timeout: timeout.map(Duration::from_secs),
                ..Options::default()
            };
            assert_eq!(time_for_link(&options), Duration::from_secs(time));
        }
    }
}
