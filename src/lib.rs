//! entra-psql: psql that signs in to Azure Database for PostgreSQL with Microsoft Entra ID.
//!
//! [`run`] is the whole program, top to bottom:
//!
//! ```text
//! argv + environment ─► intent ─► token ─► principal ─► environment ─► exec
//!                       (pure)    (az|SDK) (claims)     (pure)         (psql)
//! ```
//!
//! - [`psql`] reads the command line as psql would and cuts our own words out; [`cli`] describes those.
//! - [`libpq`] works out what libpq would connect to.
//! - [`decision`] says whether a token is due, and how the connection is protected.
//! - [`sign_in`] has [`azure_cli`], [`azd`] or [`identity`] get the token; [`remember`] keeps it, [`entra`] reads it, and
//!   [`delivery`] puts it into psql's environment, with the roots from [`trust_store`].
//! - [`login_offer`] offers the person at the terminal to sign in with az, where that is what is missing.
//! - [`credential_store`] keeps the sign-ins of people, and [`sign_out`] forgets them.
//! - [`launch`] finds psql and becomes it.
//!
//! For other programs ([`purpose`]), [`hand_over`] gives the whole connection to one in psql's place, or prints it, for a
//! [`shell`] or as a connection string.
//!
//! [`doctor`] walks the same way link by link, and becomes nothing.
//!
//! Data flows down this list and never up; what decides does no I/O, and what does I/O decides nothing.

pub mod azd;
pub mod azure_cli;
pub mod cli;
pub mod credential_store;
pub mod deadline;
pub mod decision;
pub mod delivery;
pub mod doctor;
pub mod entra;
pub mod environment;
pub mod failure;
pub mod hand_over;
pub mod identity;
pub mod launch;
pub mod libpq;
pub mod login_offer;
pub mod method;
pub mod plain_file;
pub mod plain_text;
pub mod platform;
pub mod private_directory;
pub mod process;
pub mod psql;
pub mod purpose;
pub mod remember;
pub mod report;
pub mod shell;
pub mod sign_in;
pub mod sign_out;
pub mod threads;
pub mod tool;
pub mod trust_store;
pub mod turn;

pub use libpq::resolve::target;

use std::ffi::OsString;
use std::process::Command;

use cli::Options;
use decision::{Decision, SignIn, WithoutToken, evidence, tls};
use delivery::Settings;
use environment::Environment;
use failure::{Failure, Kind};
use hand_over::{Course, Handover, Psql, Receiver};
use launch::{locate, ourselves, reading};
use libpq::files;
use libpq::target::Target;
use private_directory::{Exposed, PrivateDirectory};
use process::child_signal::ChildSignal;
use psql::command_line::{Outcome, Wanted};
use purpose::Purpose;

/// Runs the program with `words` (without its own name). Where it becomes psql it does not return, except on
/// Windows, with psql's exit code.
///
/// # Errors
///
/// Whatever a person has to be told; see [`failure`].
pub fn run(words: Vec<OsString>) -> Result<i32, Failure> {
    let environment = Environment::inherited();
    let line = reading::read(words, &environment);
    let flags = Options::of_command_line(line.own)?;
    if flags.sign_out {
        return report::print(&sign_out::sign_out(private_directory().as_ref())?);
    }
    if let Some(script) = flags.completions {
        return report::print(script.text.trim_end());
    }
    let start = Start {
        words: line.forwarded,
        purpose: Purpose::of(&flags, line.program)?,
        flags,
        environment,
    };
    match line.outcome {
        Outcome::Version { spelled_out: true } => start.print_both_versions(),
        Outcome::Help { spelled_out: true } => start.print_our_help(),
        Outcome::Complains | Outcome::Connects(_) if start.flags.doctor.is_some() => {
            doctor::examine(&line.outcome, &start.flags, &start.environment)
        }
        Outcome::Version { .. } | Outcome::Help { .. } | Outcome::Complains => {
            start.become_psql("psql will not connect")
        }
        Outcome::Connects(wanted) => {
            start.purpose.check(&wanted)?;
            if wanted.transaction_of_nothing && platform::is_interactive() {
                return start.become_psql("psql will not connect");
            }
            match target(&wanted, &start.environment) {
                Ok(target) => start.connect(&wanted, &target),
                Err(_) if start.purpose == Purpose::Psql => {
                    start.become_psql("libpq will refuse these parameters")
                }
                Err(refusal) => Err(hand_over::refused(&refusal)),
            }
        }
    }
}

/// Our directory; where it is not ours alone, that is said, and nothing is kept.
pub(crate) fn private_directory() -> Option<PrivateDirectory> {
    PrivateDirectory::open().unwrap_or_else(|Exposed(why)| {
        report::warn(&format!("nothing is remembered: {why}"));
        None
    })
}

/// What the program starts from, once the command line is read.
struct Start {
    words: Vec<OsString>,
    purpose: Purpose,
    flags: Options,
    environment: Environment,
}

impl Start {
    /// Decides about a connection, and signs in where that is due.
    fn connect(self, wanted: &Wanted, target: &Target) -> Result<i32, Failure> {
        match evidence::decide(wanted, target, &self.flags, &self.environment)? {
            Decision::BecomePsql(why) => self.go_on(wanted, target, why),
            Decision::SignIn(plan) => self.sign_in(target, &plan),
        }
    }

    fn go_on(self, wanted: &Wanted, target: &Target, why: WithoutToken) -> Result<i32, Failure> {
        let (psql, environment) = (self.flags.psql.as_deref(), &self.environment);
        let receiver = Receiver::find(self.purpose, self.words, psql, target, environment)?;
        receiver.hand_over(&Handover {
            target,
            options: &self.flags,
            environment,
            course: Course::WithoutToken {
                why,
                asks_password: wanted.asks_password,
            },
        })
    }

    fn sign_in(self, target: &Target, plan: &SignIn) -> Result<i32, Failure> {
        let environment = &self.environment;
        let protection = tls::protect(target, files::has_own_roots(environment))?;
        // The program first: without it, a token is fetched for nothing.
        let psql = plan.options.psql.as_deref();
        let receiver = Receiver::find(self.purpose, self.words, psql, target, environment)?;
        receiver.check_for_token(target, environment)?;
        let directory = private_directory();
        let roots = protection.wants_roots.then(|| {
            let (psql, mode) = (receiver.psql(), protection.mode.as_str());
            let is_azure = plan.cloud.is_some_and(|cloud| cloud.has_known_roots);
            trust_store::roots(psql, mode, is_azure, directory.as_ref(), environment)
        });
        let roots = roots.transpose()?;
        let sign_in = || sign_in::sign_in(plan, environment, directory.as_ref());
        let signed_in = sign_in().or_else(|failure| {
            let may_ask = receiver.is_started(&plan.options);
            if may_ask && login_offer::is_taken(&failure, environment) {
                sign_in()
            } else {
                Err(failure)
            }
        })?;
        for warning in delivery::warnings(&signed_in.role, &signed_in.token) {
            report::warn(&warning);
        }
        let named = files::named(target, environment);
        let settings = Settings::new(plan, &signed_in, &protection, named, roots);
        receiver.hand_over(&Handover {
            target,
            options: &plan.options,
            environment,
            course: Course::WithToken {
                plan,
                settings: &settings,
                signed_in: &signed_in,
            },
        })
    }

    fn become_psql(self, reason: &str) -> Result<i32, Failure> {
        let psql = locate::psql(self.flags.psql.as_deref(), &self.environment)?;
        Psql::new(psql, self.words).run_untouched(&self.flags, reason)
    }

    /// `--version`: psql's own line, then ours.
    fn print_both_versions(self) -> Result<i32, Failure> {
        let program = locate::psql(self.flags.psql.as_deref(), &self.environment)?;
        let _child_signal = ChildSignal::heard();
        let mut psql = Command::new(&program);
        psql.args(&self.words);
        if let Some(environment) = ourselves::variables(&program, None) {
            psql.env_clear().envs(environment.iter());
        }
        let status = psql.status().map_err(|why| {
            let cause = format!("`{}` cannot be run: {why}", program.display());
            Failure::new(Kind::NotRunnable, cause).hint("name another psql with `--psql PATH`")
        })?;
        report::print(concat!("entra-psql ", env!("CARGO_PKG_VERSION")))?;
        Ok(status.code().unwrap_or(1))
    }

    /// `--help`: our page, then psql's own.
    fn print_our_help(self) -> Result<i32, Failure> {
        report::print(cli::command().render_help().to_string())?;
        self.become_psql("psql prints its help")
    }
}
