//! What is known of a connection with a token: filled in and reported step by step, from the top of
//! the report to its end.

use std::cell::LazyCell;
use std::ffi::OsString;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::SystemTime;

use crate::cli::method::Method;
use crate::failure::Failure;
use crate::handover::variables::Settings;
use crate::intent::Plan;
use crate::intent::tls::Protection;
use crate::libpq::files;
use crate::sign_in::signer::SignedIn;
use crate::system::deadline::Deadline;
use crate::system::private_directory::PrivateDirectory;
use crate::system::threads::{self, Aside};
use crate::token::azure_cli::{self, AzureCli};
use crate::token::lock::FetchLock;

use super::finding::{Finding, Link, Status};
use super::judge::certificate::{self, Checks};
use super::judge::{identity, network, programs};
use super::look::network::WebService;
use super::look::programs::{Az, Psql};
use super::look::roots::{self, RootSource, Roots};
use super::look::server::Server;
use super::reporter::Reporter;
use super::{Checkup, locate, look};

pub(super) struct Survey<'a> {
    pub checkup: &'a Checkup<'a>,
    pub plan: &'a Plan,
    pub protection: &'a Protection,
    pub directory: Option<&'a PrivateDirectory>,
    pub reporter: &'a mut Reporter,
    pub known: Known,
}

/// What one step finds out and a later one needs.
#[derive(Default)]
pub(super) struct Known {
    broken: Vec<Link>,
    /// The psql that a session is opened with.
    psql: Option<Psql>,
    /// The value of `PGSSLROOTCERT` that a launch would add.
    added_roots: Option<OsString>,
    /// Whether a session can be opened at one of the servers.
    is_reached: bool,
}

impl Survey<'_> {
    fn add(&mut self, finding: Finding) {
        if finding.is_broken() {
            self.known.broken.push(finding.link);
        }
        self.reporter.add(finding);
    }

    pub fn check_psql(&mut self) {
        let environment = self.checkup.environment;
        let deadline = Deadline::after(self.checkup.time);
        let psql = locate(self.plan.options.psql.as_deref(), environment);
        let psql = psql.map(|psql| look::programs::check_psql(psql, environment, deadline));
        let finding = programs::psql(&psql);
        self.known.psql = psql.ok().filter(|_| !finding.is_broken());
        self.add(finding);
    }

    pub fn report_az(
        &mut self,
        az: Option<Aside<'_, Result<Az, Failure>>>,
        has_token: impl FnOnce() -> bool,
    ) {
        let finding = if let Some(az) = az {
            unless(has_token, programs::az(&az.joined(), self.plan))
        } else {
            let program = azure_cli::TOOL.find(self.checkup.environment);
            programs::az_aside(program.as_deref(), &not_asked(self.plan))
        };
        self.add(finding);
    }

    pub fn report_decision(&mut self, decision: Finding) {
        self.add(decision);
    }

    /// Reports name, port and TLS of each server.
    pub fn report_servers(&mut self, servers: &[Receiver<Server>]) {
        let psql = self.known.psql.as_ref();
        let launch = roots::Launch {
            psql: psql.map(|psql| psql.program.as_path()),
            plan: self.plan,
            protection: self.protection,
            target: self.checkup.target,
            directory: self.directory,
            environment: self.checkup.environment,
        };
        let (added, roots) = launch.roots();
        self.known.added_roots = added;
        let checks = checks(self.protection, &roots);
        let tls = |server: &Server| certificate::judge(server, checks, &roots, SystemTime::now());
        if let [known] = servers {
            let before = self.known.broken.len();
            for finding in judge_steps(known, tls) {
                self.add(finding);
            }
            self.known.is_reached = self.known.broken.len() == before;
            return;
        }
        let judged = servers
            .iter()
            .map(|known| judge_steps(known, tls).collect());
        let judged: Vec<Vec<Finding>> = judged.collect();
        let is_reached = is_one_reached(&judged);
        self.known.is_reached = is_reached;
        for finding in judged.into_iter().flatten() {
            self.add(unless(|| is_reached, finding));
        }
    }

    pub fn report_web_services(
        &mut self,
        authority: Option<Aside<'_, WebService>>,
        graph: Option<Aside<'_, WebService>>,
        has_token: impl FnOnce() -> bool,
    ) {
        self.add(match authority {
            Some(service) => {
                let finding = network::web_service(Link::Authority, &service.joined());
                unless(has_token, finding)
            }
            None => Finding::skip(Link::Authority, not_asked(self.plan)),
        });
        self.add(match graph {
            // Names can be typed.
            Some(service) => {
                let finding = network::web_service(Link::Graph, &service.joined());
                unless(|| true, finding)
            }
            None => Finding::skip(
                Link::Graph,
                "not needed: names are looked up with the Azure CLI only",
            ),
        });
    }

    /// Reports the token and the role.
    pub fn report_token(&mut self, signed_in: &Result<SignedIn, Failure>) {
        match signed_in {
            Ok(signed_in) => {
                let (token, method) = (&signed_in.token, signed_in.choice.method);
                self.add(identity::token(token, method.source(), SystemTime::now()));
                self.add(identity::role(self.plan, signed_in));
            }
            Err(failure) => {
                self.add(if self.plan.choice.is_none() {
                    Finding::unchecked(Link::Token, "`decision` failed")
                } else if self.known.broken.contains(&Link::Az) {
                    Finding::unchecked(Link::Token, "`az` failed")
                } else {
                    programs::failed(Link::Token, failure)
                });
                self.add(Finding::unchecked(Link::Role, "there is no token"));
            }
        }
    }

    /// Looks the group up and opens a session, side by side, and reports both.
    pub fn check_group_and_session(&mut self, signed_in: &Result<SignedIn, Failure>) {
        let Survey {
            checkup,
            plan,
            protection,
            directory,
            ref mut reporter,
            ref known,
        } = *self;
        thread::scope(|scope| {
            let groups = signed_in.as_ref().ok().and_then(|signed_in| {
                let oid = group_to_look_up(plan, signed_in)?;
                let look_up = move || {
                    let deadline = Deadline::after(checkup.time);
                    let _lock = FetchLock::acquire(directory, azure_cli::LOCK, deadline);
                    let az = AzureCli::find(checkup.environment, &plan.options, deadline)?;
                    az.groups_of_user(&oid)
                };
                Some((signed_in, threads::aside(scope, look_up)))
            });
            let session = match (&known.psql, signed_in) {
                (Some(psql), Ok(signed_in)) if known.is_reached => {
                    let named = files::name_files(checkup.target, checkup.environment);
                    let roots = known.added_roots.clone();
                    let settings = Settings::new(plan, signed_in, protection, named, roots);
                    let open = move || checkup.session(psql, plan, &settings, signed_in);
                    threads::aside(scope, open)
                }
                _ => Aside::Done(no_session(&known.broken, signed_in.is_ok())),
            };
            let session = LazyCell::new(|| session.joined());
            reporter.add(match groups {
                Some((signed_in, groups)) => {
                    let name = signed_in.role.name.to_string_lossy();
                    let finding = identity::group(&name, &groups.joined());
                    unless(|| session.status == Status::Ok, finding)
                }
                None => no_membership(plan, signed_in.is_ok()),
            });
            reporter.add(session.clone());
        });
    }
}

/// Whether no link of one of the servers is broken. libpq tries one after the other, so the broken
/// links of the others matter less.
pub(super) fn is_one_reached(servers: &[Vec<Finding>]) -> bool {
    let is_reached = |findings: &Vec<Finding>| !findings.iter().any(Finding::is_broken);
    servers.iter().any(is_reached)
}

/// Judges name, port and TLS of a server, each as soon as it is known.
pub(super) fn judge_steps(
    known: &Receiver<Server>,
    tls: impl Fn(&Server) -> Finding,
) -> impl Iterator<Item = Finding> {
    let mut server = None;
    (0..3).filter_map(move |step| {
        server = known.recv().ok().or_else(|| server.take());
        let server = server.as_ref()?;
        Some(match step {
            0 => network::name(server),
            1 => network::port(server),
            _ => tls(server),
        })
    })
}

/// Returns what psql checks of a server's certificate.
fn checks(protection: &Protection, roots: &Roots) -> Checks {
    match protection.mode.as_str() {
        "verify-full" => Checks::All,
        "require" if roots.place == RootSource::System => Checks::Nothing,
        // With roots, `require` checks the chain.
        _ => Checks::Chain,
    }
}

/// Returns why something that other methods need is not checked.
fn not_asked(plan: &Plan) -> String {
    match plan.choice {
        Some(choice) => format!(
            "not needed: the token comes from {}",
            choice.method.source()
        ),
        None => "not checked: `decision` failed".to_owned(),
    }
}

/// Returns the object id of the person whose membership of the group is to be looked up.
fn group_to_look_up(plan: &Plan, signed_in: &SignedIn) -> Option<String> {
    let token = &signed_in.token;
    let asks = plan
        .choice
        .is_some_and(|choice| choice.method == Method::AzureCli)
        && identity::is_group(plan)
        && !identity::is_application(token);
    token.claim("oid").filter(|_| asks).map(str::to_owned)
}

/// Makes a finding matter less if what it is for `works` without it. Waits for that only if the
/// link is broken.
pub(super) fn unless(works: impl FnOnce() -> bool, mut finding: Finding) -> Finding {
    if finding.is_broken() && works() {
        finding.status = Status::Warn;
    }
    finding
}

/// Returns why no session was opened.
fn no_session(broken: &[Link], has_token: bool) -> Finding {
    let needed = [Link::Psql, Link::Name, Link::Port, Link::Tls];
    let broken = broken.iter().filter(|link| needed.contains(link));
    let mut reasons: Vec<_> = broken
        .map(|link| format!("`{}` failed", link.name()))
        .collect();
    if !has_token {
        reasons.push("there is no token".to_owned());
    }
    Finding::unchecked(Link::SignIn, reasons.join(" and "))
}

/// Returns why no membership was looked up.
fn no_membership(plan: &Plan, has_token: bool) -> Finding {
    if !identity::is_group(plan) {
        Finding::skip(Link::Group, "no group is named")
    } else if has_token {
        let because = "membership is looked up with the Azure CLI only, and for people only";
        Finding::unchecked(Link::Group, because)
    } else {
        Finding::unchecked(Link::Group, "there is no token")
    }
}
