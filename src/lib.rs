//! entra-psql: psql that signs in to Azure Database for PostgreSQL with Microsoft Entra ID.
//!
//! [`run`] is the whole program, top to bottom:
//!
//! ```text
//! argv + environment ─► intent ─► token ─► principal ─► environment ─► exec
//!                       (pure)    (az|SDK) (claims)     (pure)         (psql)
//! ```
//!
//! The folders are layers, from the top:
//!
//! - `doctor` checks each step of the same path, and runs nothing.
//! - `whoami` reports who a token is for.
//! - `handover` passes the connection to psql or another program, or prints it.
//! - `sign_in` gets a token and its role, and caches the token.
//! - `servers` lists the servers that you may see, and finds one by name.
//! - `token` has a folder for each method of getting a token.
//! - `intent` decides from the command line and the variables whether a token is due, and how the
//!   connection is protected.
//! - `cli` describes our own options.
//! - `libpq` works out what libpq would connect to.
//! - `psql` reads psql's command line as psql would, and finds psql.
//! - `shell` quotes for each shell.
//! - `system` wraps the operating system.
//! - `entra` has the facts about Entra: clouds, claims, names, refusals.
//!
//! At the bottom are `failure` (error messages), `plain_text` (the text of others, made safe to
//! show) and `environment` (the variables as a value). A file imports from its own layer or from
//! below, never from above.

#![deny(clippy::disallowed_methods)]
#![allow(
    missing_docs,
    reason = "nobody links to it, and most names need no comment"
)]

mod cli;
mod doctor;
mod entra;
mod environment;
mod failure;
mod handover;
mod intent;
mod libpq;
mod plain_text;
mod psql;
mod servers;
mod shell;
mod sign_in;
mod system;
mod token;
mod whoami;

use libpq::resolve::target;

/// What the tests of this repository use. Nobody else links to this library.
#[doc(hidden)]
pub mod testing {
    pub use crate::libpq::resolve::target;
    pub mod cli {
        pub use crate::cli::*;
    }
    pub mod doctor {
        pub use crate::doctor::{judge, look};
    }
    pub mod entra {
        pub use crate::entra::*;
    }
    pub mod environment {
        pub use crate::environment::*;
    }
    pub mod failure {
        pub use crate::failure::*;
    }
    pub mod handover {
        pub use crate::handover::proxy;
    }
    pub mod libpq {
        pub use crate::libpq::*;
    }
    pub mod plain_text {
        pub use crate::plain_text::*;
    }
    pub mod psql {
        pub use crate::psql::*;
    }
    pub mod sign_in {
        pub use crate::sign_in::cache;
    }
    pub mod system {
        pub use crate::system::platform;
    }
    pub mod token {
        pub use crate::token::*;
    }
}

use std::ffi::OsString;
use std::mem;
use std::process::Command;
use std::sync::Arc;

use cli::Options;
use environment::Environment;
use failure::{Failure, Kind};
use handover::renew::{self, Local, Serving};
use handover::variables::{self, Settings};
use handover::{Course, Handover, Psql, Receiver, roots};
use intent::purpose::Purpose;
use intent::tls::{self, Protection};
use intent::{Decision, Plan, WithoutToken, command_line, evidence, slips};
use libpq::files;
use libpq::target::Target;
use psql::command_line::{Outcome, Program, Wanted};
use psql::{locate, ourselves};
use sign_in::{offer, sign_out, signer};
use system::private_directory::PrivateDirectory;
use system::process::child_signal::ChildSignal;
use system::terminal;
use token::ready;

/// Runs the program with `words`, which don't include its own `name`, and returns the exit code. It
/// doesn't return if it execs psql. On Windows it returns psql's exit code.
pub fn run(words: Vec<OsString>, name: impl Fn() -> OsString) -> i32 {
    launch(words, name).unwrap_or_else(|failure| {
        terminal::tell(&failure);
        failure.exit_code()
    })
}

fn launch(words: Vec<OsString>, name: impl Fn() -> OsString) -> Result<i32, Failure> {
    let environment = Environment::inherited();
    let mut line = command_line::read(words, &environment);
    let mut flags = Options::of_command_line(mem::take(&mut line.own))?;
    if flags.alone().is_some() {
        let program = line.program.as_ref();
        return run_alone(&flags, &line.forwarded, program, &environment);
    }
    if let Some(name) = flags.server.clone() {
        servers::put_host(&name, &mut flags, &mut line, &environment)?;
    }
    let start = Start {
        words: line.forwarded,
        purpose: Purpose::decide(&flags, line.program)?,
        flags,
        environment,
    };
    if let (Some((option, word)), Outcome::Connects(wanted)) = (&line.detached, &line.outcome) {
        hint(slips::explain_detached(option, word, wanted));
    }
    match line.outcome {
        Outcome::Version { spelled_out: true } | Outcome::Help { spelled_out: true }
            if ourselves::is_called_psql(&name()) =>
        {
            start.become_psql("psql will not connect")
        }
        Outcome::Version { spelled_out: true } => start.print_both_versions(),
        Outcome::Help { spelled_out: true } => start.print_our_help(),
        Outcome::Complains | Outcome::Connects(_) if start.flags.doctor.is_some() => {
            doctor::examine(&line.outcome, &start.flags, &start.environment)
        }
        Outcome::Version { .. } | Outcome::Help { .. } | Outcome::Complains => {
            hint(line.refused.as_ref().and_then(slips::explain_refused));
            start.become_psql("psql will not connect")
        }
        Outcome::Connects(wanted) => {
            start.purpose.check(&wanted)?;
            if wanted.transaction_of_nothing && terminal::is_interactive() {
                return start.become_psql("psql will not connect");
            }
            match target(&wanted, &start.environment) {
                Ok(target) => start.connect(&wanted, &target),
                Err(_) if start.purpose == Purpose::Psql => {
                    start.become_psql("libpq will refuse these parameters")
                }
                Err(refusal) => Err(handover::refused(&refusal)),
            }
        }
    }
}

/// Runs an option that can only be used by itself.
fn run_alone(
    flags: &Options,
    words: &[OsString],
    program: Option<&Program>,
    environment: &Environment,
) -> Result<i32, Failure> {
    if program.is_some() {
        return Err(flags.not_alone("`--exec`"));
    }
    if !words.is_empty() {
        return Err(flags.not_alone("arguments of psql"));
    }
    if let Some(script) = flags.completions {
        terminal::print(script.print(flags.no_descriptions).trim_end())
    } else if let Some(format) = flags.servers {
        servers::list(format, flags, environment)
    } else if let Some(format) = flags.whoami {
        let plan = Plan::without_server(flags, environment)?;
        whoami::report(&plan, format, environment)
            .map_err(|failure| slips::explain_cloud(failure, &plan))
    } else {
        let directory = PrivateDirectory::open_or_warn();
        terminal::print(&sign_out::sign_out(directory.as_ref())?)
    }
}

fn hint(text: Option<String>) {
    if let Some(text) = text {
        terminal::say(&format!("hint: {}", plain_text::clean(&text)));
    }
}

/// What the program starts from, once the command line is read.
struct Start {
    words: Vec<OsString>,
    purpose: Purpose,
    flags: Options,
    environment: Environment,
}

impl Start {
    /// Decides about a connection, and signs in if a token is due.
    fn connect(self, wanted: &Wanted, target: &Target) -> Result<i32, Failure> {
        match evidence::decide(wanted, target, &self.flags, &self.environment) {
            Ok(Decision::BecomePsql(why)) => self.go_on(wanted, target, why),
            Ok(Decision::SignIn(plan)) => {
                hint(slips::explain_database(wanted));
                self.sign_in(wanted, target, &plan)
            }
            Err(failure) => Err(match self.explain_destination(wanted, target) {
                Some(slip) => failure.hint(slip),
                None => failure,
            }),
        }
    }

    /// Explains a slip because of which the connection leads to no server.
    fn explain_destination(&self, wanted: &Wanted, target: &Target) -> Option<String> {
        let (flags, environment) = (&self.flags, &self.environment);
        match &self.purpose {
            Purpose::Program(program) => {
                evidence::explain_misplaced(program, wanted, target, flags, environment)
            }
            Purpose::Psql | Purpose::Print(_) | Purpose::Proxy(_) => {
                slips::explain_destination(wanted, target)
            }
        }
    }

    fn go_on(self, wanted: &Wanted, target: &Target, why: WithoutToken) -> Result<i32, Failure> {
        match self.explain_destination(wanted, target) {
            Some(slip) if matches!(self.purpose, Purpose::Program(_)) => {
                terminal::warn(&plain_text::clean(&slip));
            }
            slip => hint(slip),
        }
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

    fn sign_in(self, wanted: &Wanted, target: &Target, plan: &Plan) -> Result<i32, Failure> {
        let environment = &self.environment;
        ready::hide_descriptor(environment);
        let protection = tls::protect(target, files::has_own_roots(environment))?;
        // The program comes first: without it, a token would be fetched for nothing.
        let psql = plan.options.psql.as_deref();
        let receiver = Receiver::find(self.purpose, self.words, psql, target, environment)?;
        receiver.check_for_token(target, environment)?;
        let directory = PrivateDirectory::open_or_warn();
        let roots = protection.wants_roots.then(|| {
            let (psql, mode) = (receiver.psql(), protection.mode.as_str());
            let is_azure = plan.cloud.is_some_and(|cloud| cloud.has_known_roots);
            roots::roots(psql, mode, is_azure, directory.as_ref(), environment)
        });
        let roots = roots.transpose()?;
        let signing_in = SigningIn {
            target,
            plan,
            environment,
            directory: directory.as_ref(),
            protection,
            roots,
            may_ask: receiver.is_started(&plan.options),
        };
        let Some(way) = receiver.way_to_helper(target, &plan.options)? else {
            return signing_in.sign_in_and_use(|handover| receiver.hand_over(handover));
        };
        let serve =
            |helper: Serving<'_>| signing_in.sign_in_and_use(|handover| helper.serve(handover));
        renew::run(&way, environment, serve, |local: &Local| {
            receiver.launch_with_helper(local, wanted, target, &plan.options, environment)
        })
    }

    fn become_psql(self, reason: &str) -> Result<i32, Failure> {
        let psql = locate::psql(self.flags.psql.as_deref(), &self.environment)?;
        Psql::new(psql, self.words).run_untouched(&self.flags, reason)
    }

    /// Prints psql's own line, then ours.
    fn print_both_versions(self) -> Result<i32, Failure> {
        let program = locate::psql(self.flags.psql.as_deref(), &self.environment)?;
        let _child_signal = ChildSignal::heard();
        let mut psql = Command::new(&program);
        psql.args(&self.words);
        if let Some(environment) = ourselves::variables(&program, None) {
            psql.env_clear().envs(environment.iter());
        }
        let status = psql.status().map_err(|why| {
            let cause = format!("`{}` can't be run: {why}", program.display());
            Failure::new(Kind::NotRunnable, cause).hint("name another psql with `--psql PATH`")
        })?;
        terminal::print(concat!("entra-psql ", env!("CARGO_PKG_VERSION")))?;
        Ok(status.code().unwrap_or(1))
    }

    /// Prints our page, then psql's own.
    fn print_our_help(self) -> Result<i32, Failure> {
        terminal::print(cli::help::page(terminal::width().unwrap_or(80)))?;
        self.become_psql("psql prints its help")
    }
}

/// Everything that is needed to sign in.
struct SigningIn<'a> {
    target: &'a Target,
    plan: &'a Plan,
    environment: &'a Environment,
    directory: Option<&'a PrivateDirectory>,
    protection: Protection,
    roots: Option<OsString>,
    /// Whether entra-psql may offer to run `az login`.
    may_ask: bool,
}

impl SigningIn<'_> {
    /// Signs in, and hands the connection to `use_it`.
    fn sign_in_and_use(
        self,
        use_it: impl FnOnce(&Handover<'_>) -> Result<i32, Failure>,
    ) -> Result<i32, Failure> {
        let (plan, environment) = (self.plan, self.environment);
        let once = || signer::sign_in(plan, environment, self.directory);
        let signed_in = once().or_else(|failure| {
            let failure = slips::explain_cloud(failure, plan);
            if !self.may_ask {
                return Err(failure);
            }
            offer::run_az_login(failure, environment)?;
            once()
        })?;
        let signed_in = Arc::new(signed_in);
        for warning in variables::warnings(&signed_in.role, &signed_in.token) {
            terminal::warn(&warning);
        }
        let named = files::name_files(self.target, environment);
        let settings = Settings::new(plan, &signed_in, &self.protection, named, self.roots);
        use_it(&Handover {
            target: self.target,
            options: &plan.options,
            environment,
            course: Course::WithToken {
                plan,
                settings: &settings,
                signed_in: &signed_in,
            },
        })
    }
}
