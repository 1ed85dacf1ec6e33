//! `--doctor`: walks from the command line to a session, link by link, and says of each what was
//! found and what to do.
//!
//! [`look`] sees things and judges none, [`judge`] makes a [`finding`] of each without any I/O, and
//! [`render`] writes them. What can be looked at side by side is; the whole of it ends within
//! [`LIMIT`]. The token is got by what the launch calls, and the session opened by the psql that
//! the launch would become, so that both stay the same as it.

pub mod finding;
pub mod judge;
pub mod look;
pub mod render;
mod roots;
mod token_due;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::{Format, Options};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::intent::evidence;
use crate::intent::tls::{self, Protection};
use crate::intent::{Decision, Plan, WithoutToken};
use crate::libpq::connection::PASSWORD;
use crate::libpq::files;
use crate::libpq::keywords::SECRETS;
use crate::libpq::parameters::LibpqError;
use crate::libpq::resolve;
use crate::libpq::target::Target;
use crate::psql::command_line::{Outcome, Wanted};
use crate::psql::locate;
use crate::system::deadline::Deadline;
use crate::system::terminal;
use crate::token::azure_cli;

use finding::{Finding, Link, Report};
use judge::refusal::Who;
use judge::{network, programs, session};
use look::session::{Session, SessionError};
use look::shorten;

/// The whole of it ends within this, however silent everybody is; `--timeout` makes it less.
pub const LIMIT: Duration = Duration::from_secs(13);

/// How long psql may take to say who it is.
const FOR_PSQL: Duration = Duration::from_secs(5);

/// How the names of variables begin that play a part: libpq's, Azure's, ours, those of build
/// services and of proxies.
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

/// Examines the command line that came to `outcome`, and prints what was found. The exit code is 0
/// where a sign-in works, else 2.
///
/// # Errors
///
/// None today: what is wrong is what is printed.
pub fn examine(
    outcome: &Outcome,
    flags: &Options,
    environment: &Environment,
) -> Result<i32, Failure> {
    let limit = flags.timeout.map_or(LIMIT, |timeout| timeout.min(LIMIT));
    let deadline = Deadline::after(limit);
    let mut findings = vec![Finding::ok(
        Link::Version,
        format!(
            "entra-psql {} for {} on {}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH
        ),
    )];
    findings.extend(all_others(outcome, flags, environment, deadline));
    let variables = environment.iter().filter_map(|(name, _)| name.to_str());
    let mut variables: Vec<_> = variables
        .filter(|name| {
            let name = name.to_ascii_uppercase();
            VARIABLES
                .iter()
                .any(|beginning| name.starts_with(beginning))
        })
        .map(str::to_owned)
        .collect();
    variables.sort_unstable();
    let report = Report {
        findings,
        variables,
    };
    terminal::print(render::written(
        &report,
        flags.doctor.unwrap_or(Format::Text),
    ))?;
    Ok(if report.works() { 0 } else { 2 })
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
    deadline: Deadline,
}

fn all_others(
    outcome: &Outcome,
    flags: &Options,
    environment: &Environment,
    deadline: Deadline,
) -> Vec<Finding> {
    let psql = |named: Option<&OsStr>| locate(named, environment);
    let Outcome::Connects(wanted) = outcome else {
        let decision = Finding::fail(Link::Decision, "psql does not take this command line")
            .remedy("run it with psql itself, which says what is wrong with it");
        return undecided(psql(flags.psql.as_deref()), environment, deadline, decision);
    };
    let target = match resolve::target(wanted, environment) {
        Ok(target) => target,
        Err(LibpqError(why)) => {
            let decision = Finding::fail(
                Link::Decision,
                format!("libpq refuses these parameters: {why}"),
            )
            .remedy("correct the connection string, the options, or the service file");
            return undecided(psql(flags.psql.as_deref()), environment, deadline, decision);
        }
    };
    let patient = Checkup {
        wanted,
        target: &target,
        environment,
        deadline,
    };
    match patient.course(flags) {
        Course::Undecided(decision) => {
            undecided(psql(flags.psql.as_deref()), environment, deadline, decision)
        }
        Course::WithoutToken(why) => patient.without_token(psql(flags.psql.as_deref()), why),
        Course::WithToken(plan, protection) => {
            let program = psql(plan.options.psql.as_deref());
            patient.with_token(program, *plan, &protection)
        }
    }
}

fn locate(named: Option<&OsStr>, environment: &Environment) -> Result<PathBuf, Failure> {
    let named = named.or_else(|| environment.get_filled("ENTRA_PSQL_PROGRAM"));
    locate::psql(named, environment)
}

/// All links, where it is not even clear what is to be tried.
fn undecided(
    psql: Result<PathBuf, Failure>,
    environment: &Environment,
    deadline: Deadline,
    decision: Finding,
) -> Vec<Finding> {
    let seen =
        psql.map(|program| look::psql::look(program, environment, shorten(deadline, FOR_PSQL)));
    let az = azure_cli::TOOL.find(environment);
    let mut findings = vec![
        programs::psql(&seen),
        programs::az_aside(az.as_deref(), "nothing was decided"),
        decision,
    ];
    let later = [
        Link::Name,
        Link::Port,
        Link::Tls,
        Link::Authority,
        Link::Graph,
        Link::Token,
        Link::Role,
        Link::Group,
        Link::SignIn,
    ];
    let unchecked = |link| Finding::unchecked(link, "`decision` is broken");
    findings.extend(later.map(unchecked));
    findings
}

impl Checkup<'_> {
    /// What came of a session, without the secrets of the connection: psql quotes what it refuses.
    fn without_secrets(
        &self,
        came: Result<Session, SessionError>,
    ) -> Result<Session, SessionError> {
        came.map_err(|trouble| match trouble {
            SessionError::Refused(said) => {
                let values = SECRETS
                    .iter()
                    .filter_map(|name| self.target.parameters().filled(name))
                    .filter_map(|value| std::str::from_utf8(value).ok());
                SessionError::Refused(
                    values.fold(said, |said, value| said.replace(value, "(hidden)")),
                )
            }
            trouble => trouble,
        })
    }

    fn course(&self, flags: &Options) -> Course {
        let decided = evidence::decide(self.wanted, self.target, flags, self.environment);
        let course = decided.and_then(|decision| {
            let has_own_roots = files::has_own_roots(self.environment);
            Ok(match decision {
                Decision::BecomePsql(why) => Course::WithoutToken(why),
                Decision::SignIn(plan) => {
                    Course::WithToken(plan, tls::protect(self.target, has_own_roots)?)
                }
            })
        });
        course
            .unwrap_or_else(|failure| Course::Undecided(programs::failed(Link::Decision, &failure)))
    }

    /// All links, where psql connects without us.
    fn without_token(&self, psql: Result<PathBuf, Failure>, why: WithoutToken) -> Vec<Finding> {
        let WithoutToken {
            reason,
            drops_password,
        } = why;
        let seen = psql.map(|program| {
            look::psql::look(program, self.environment, shorten(self.deadline, FOR_PSQL))
        });
        let az = azure_cli::TOOL.find(self.environment);
        let mut findings = vec![
            programs::psql(&seen),
            programs::az_aside(az.as_deref(), "no token is due"),
            Finding::ok(Link::Decision, format!("no token is due: {reason}"))
                .remedy("if the server wants a token all the same, say so with `--entra`"),
        ];
        for host in self.target.hosts() {
            let server = look::server::look(host, false, self.deadline);
            findings.extend([network::name(&server), network::port(&server)]);
        }
        let no_token = |link| Finding::skip(link, "no token is due");
        findings.push(Finding::skip(Link::Tls, "psql's own, by `sslmode`"));
        findings.extend(
            [
                Link::Authority,
                Link::Graph,
                Link::Token,
                Link::Role,
                Link::Group,
            ]
            .map(no_token),
        );
        let sign_in = match seen {
            _ if self.wanted.asks_password => {
                Finding::unchecked(Link::SignIn, "`-W` has psql ask for a password")
            }
            Ok(psql) if !programs::psql(&Ok(psql.clone())).is_broken() => {
                let words = look::session::words(self.wanted, None);
                let variables = drops_password.then(|| self.environment.without(PASSWORD));
                let variables = variables.as_ref().unwrap_or(self.environment);
                let came = look::session::open(&psql.program, &words, variables, self.deadline);
                session::judge(&self.without_secrets(came), &Who::default())
            }
            _ => Finding::unchecked(Link::SignIn, "`psql` is broken"),
        };
        findings.push(sign_in);
        findings
    }
}
