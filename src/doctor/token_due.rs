//! All links, where a token is due.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::cli::method::Method;
use crate::entra::cloud;
use crate::entra::role::{self, Identity};
use crate::entra::token::Token;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::handover::variables::{self, Settings};
use crate::intent::Plan;
use crate::intent::method::Choice;
use crate::intent::tls::Protection;
use crate::libpq::files;
use crate::sign_in::choose;
use crate::sign_in::signer::{self, SignedIn};
use crate::system::private_directory::PrivateDirectory;
use crate::system::threads::{self, Aside};
use crate::token::azure_cli::{self, AzureCli};
use crate::token::person::Person;
use crate::token::ready;
use crate::token::turn::Turn;
use crate::token::workload::credential::Credential;

use super::finding::{Finding, Link, Status};
use super::judge::certificate::{self, Checks};
use super::judge::refusal::Who;
use super::judge::{self, network, programs, session};
use super::look::az::Az;
use super::look::psql::Psql;
use super::look::road::Road;
use super::look::roots::{self, RootSource, Roots};
use super::look::server::Server;
use super::look::{self, shorten};
use super::{Checkup, FOR_PSQL};

/// What is kept of the time for psql and the server, once the token is there.
const FOR_SESSION: Duration = Duration::from_secs(4);

/// What was seen, and of psql and the servers what it comes to, since a session is tried only where
/// they hold.
struct Observed {
    psql: Finding,
    servers: Vec<[Finding; 3]>,
    az: Option<Result<Az, Failure>>,
    authority: Option<Road>,
    graph: Option<Road>,
    signed_in: Result<SignedIn, Failure>,
    groups: Option<Result<Vec<String>, Failure>>,
    session: Option<Finding>,
}

impl Checkup<'_> {
    pub(super) fn with_token(
        &self,
        program: Result<PathBuf, Failure>,
        mut plan: Plan,
        protection: &Protection,
    ) -> Vec<Finding> {
        let total = plan
            .options
            .time_for_signing_in(None)
            .min(self.deadline.total());
        plan.options.timeout = Some(total.saturating_sub(FOR_SESSION.min(total / 3)));
        ready::hide_descriptor(self.environment);
        let directory = PrivateDirectory::open_or_warn();
        let directory = directory.as_ref();
        let decision = match choice(&plan, self.environment, directory) {
            Ok(choice) => {
                plan.choice = Some(choice);
                programs::decided(&plan, choice, protection)
            }
            Err(failure) => programs::failed(Link::Decision, &failure),
        };
        let seen = self.see(program, &plan, protection, directory);
        let whereabouts = azure_cli::TOOL.find(self.environment);
        seen.findings(&plan, decision, whereabouts.as_deref())
    }

    /// Looks at everything, side by side as far as one thing does not need another.
    fn see(
        &self,
        program: Result<PathBuf, Failure>,
        plan: &Plan,
        protection: &Protection,
        directory: Option<&PrivateDirectory>,
    ) -> Observed {
        let (environment, deadline) = (self.environment, self.deadline);
        let (authority, graph) = self.web_services(plan);
        thread::scope(|scope| {
            let token = threads::aside(scope, || signer::sign_in(plan, environment, directory));
            let road = |address: Option<String>| {
                let look = |address: String| look::road::look(&address, environment, deadline);
                address.map(|address| threads::aside(scope, move || look(address)))
            };
            let (authority, graph) = (road(authority), road(graph));
            let hosts = self.target.hosts().iter();
            let servers: Vec<_> = hosts
                .map(|host| threads::aside(scope, move || look::server::look(host, true, deadline)))
                .collect();
            let psql = program
                .map(|program| look::psql::look(program, environment, shorten(deadline, FOR_PSQL)));
            let psql_finding = programs::psql(&psql);
            let psql = psql.ok().filter(|_| !psql_finding.is_broken());
            let (value, roots) = match self.roots_for(psql.as_ref(), plan, protection, directory) {
                Ok(value) => {
                    let place = self.place_of_roots(value.as_deref(), psql.as_ref(), directory);
                    (value, roots::read(place))
                }
                Err(failure) => (None, Roots::none(&failure)),
            };
            let signed_in = token.joined();
            // Only now, since az takes a processor for itself, and its token is what time is short
            // for.
            let az = (method(plan) == Some(Method::AzureCli)).then(|| {
                threads::aside(scope, || {
                    look::az::look(&plan.options, environment, deadline)
                })
            });
            let groups = group_to_look_up(plan, &signed_in).map(|oid| {
                threads::aside(scope, move || {
                    let _turn = Turn::take(directory, azure_cli::LOCK, deadline);
                    AzureCli::find(environment, &plan.options, deadline)?.groups_of_user(&oid)
                })
            });
            let servers: Vec<Server> = servers.into_iter().map(Aside::joined).collect();
            let servers = judged(&servers, protection, &roots);
            let session = match (&psql, &signed_in) {
                (Some(psql), Ok(signed_in)) if servers.iter().any(is_reached) => {
                    let named = files::name_files(self.target, environment);
                    let settings = Settings::new(plan, signed_in, protection, named, value);
                    Some(self.session(psql, plan, &settings, signed_in))
                }
                _ => None,
            };
            Observed {
                psql: psql_finding,
                servers,
                az: az.map(Aside::joined),
                authority: authority.map(Aside::joined),
                graph: graph.map(Aside::joined),
                signed_in,
                groups: groups.map(Aside::joined),
                session,
            }
        })
    }

    /// Where tokens are asked for and names are looked up, as far as this machine does either.
    fn web_services(&self, plan: &Plan) -> (Option<String>, Option<String>) {
        let cloud = plan.known_cloud().unwrap_or(cloud::PUBLIC);
        // What is wrong with the variables is for the token to say.
        let authority = match method(plan) {
            Some(Method::AzureCli) => {
                let (authority, graph) = (cloud.authority, cloud.graph);
                return (Some(authority.to_owned()), Some(graph.to_owned()));
            }
            Some(Method::Azd) => Some(cloud.authority.to_owned()),
            Some(Method::Env) | None => None,
            Some(Method::Workload(workload)) => {
                match Credential::read(workload, plan, self.environment) {
                    Ok(Credential::Application { authority, .. }) => Some(authority),
                    Ok(Credential::ManagedIdentity { .. }) | Err(_) => None,
                }
            }
            Some(Method::Person(person)) => {
                let person = Person::read(person, plan, self.environment);
                person.ok().map(|person| person.authority)
            }
        };
        (authority, None)
    }

    /// Opens a session with the environment that the launch would have.
    fn session(
        &self,
        psql: &Psql,
        plan: &Plan,
        settings: &Settings,
        signed_in: &SignedIn,
    ) -> Finding {
        let SignedIn { role, token, .. } = signed_in;
        let variables = variables::variables(self.environment, settings, token);
        let words = look::session::words(self.wanted, Some(role));
        let came = look::session::open(&psql.program, &words, &variables, self.deadline);
        let name = role.name.to_string_lossy().into_owned();
        let database = self.target.database_or(name.as_bytes());
        let who = Who {
            database: if plan.default_database {
                "postgres".to_owned()
            } else {
                String::from_utf8_lossy(database).into_owned()
            },
            role: name,
            is_group: judge::role::is_group(plan),
            is_application: is_application(token),
            oid: token.claim("oid").map(str::to_owned),
            has_token: true,
            host: plan.host.clone(),
            method: method(plan),
            age: token
                .issued()
                .and_then(|issued| SystemTime::now().duration_since(issued).ok()),
        };
        session::judge(&self.without_secrets(came), &who)
    }
}

impl Observed {
    /// All findings, in order; `decision` is the one that is there already.
    fn findings(self, plan: &Plan, decision: Finding, whereabouts: Option<&Path>) -> Vec<Finding> {
        let has_token = self.signed_in.is_ok();
        let sign_in = self.session.clone().unwrap_or_else(|| self.no_session());
        let works = sign_in.status == Status::Ok;
        let source = source(plan);
        let az = match &self.az {
            Some(az) => unless(has_token, programs::az(az, plan)),
            None if plan.choice.is_none() => {
                programs::az_aside(whereabouts, "no way to a token was found")
            }
            None => programs::az_aside(whereabouts, &format!("the token is from {source}")),
        };
        let authority = match &self.authority {
            Some(road) => unless(has_token, network::road(Link::Authority, road)),
            None => Finding::skip(
                Link::Authority,
                format!("{source} gives the token, and no web service of Entra's"),
            ),
        };
        let graph = match &self.graph {
            // Names can be typed.
            Some(road) => unless(true, network::road(Link::Graph, road)),
            None => Finding::skip(Link::Graph, "only the Azure CLI is asked for names"),
        };
        let [token, role] = about_token(plan, &self.signed_in, &az);
        let group = match (&self.groups, &self.signed_in) {
            (Some(groups), Ok(signed_in)) => {
                let name = signed_in.role.name.to_string_lossy();
                unless(works, judge::role::group(&name, groups))
            }
            _ => no_membership(plan, has_token),
        };
        let mut findings = vec![self.psql, az, decision];
        findings.extend(self.servers.into_iter().flatten());
        findings.extend([authority, graph, token, role, group, sign_in]);
        findings
    }

    /// Why no session was tried.
    fn no_session(&self) -> Finding {
        let links = [&self.psql]
            .into_iter()
            .chain(self.servers.iter().flatten());
        let broken = links.filter(|finding| finding.is_broken());
        let mut reasons: Vec<_> = broken
            .map(|finding| format!("`{}` is broken", finding.link.name()))
            .collect();
        if self.signed_in.is_err() {
            reasons.push("`token` is missing".to_owned());
        }
        Finding::unchecked(Link::SignIn, reasons.join(" and "))
    }
}

/// Name, port and TLS of each server.
fn judged(servers: &[Server], protection: &Protection, roots: &Roots) -> Vec<[Finding; 3]> {
    let checks = match protection.mode.as_str() {
        "verify-full" => Checks::All,
        "require" if roots.place == RootSource::System => Checks::Nothing,
        // With roots, `require` is no weaker.
        _ => Checks::Chain,
    };
    let now = SystemTime::now();
    servers
        .iter()
        .map(|server| {
            [
                network::name(server),
                network::port(server),
                certificate::judge(server, checks, roots, now),
            ]
        })
        .collect()
}

fn method(plan: &Plan) -> Option<Method> {
    plan.choice.map(|choice| choice.method)
}

/// How the token is got: as `plan` says, else by what there is on this machine.
fn choice(
    plan: &Plan,
    environment: &Environment,
    directory: Option<&PrivateDirectory>,
) -> Result<Choice, Failure> {
    let settled = plan.choice.map(Ok);
    settled.unwrap_or_else(|| choose::choice(plan, environment, directory))
}

/// Where the token is from, in a sentence.
fn source(plan: &Plan) -> &'static str {
    method(plan).map_or("nothing here", Method::source)
}

/// The object id of the person whose membership of the group is to be looked up.
fn group_to_look_up(plan: &Plan, signed_in: &Result<SignedIn, Failure>) -> Option<String> {
    let token = &signed_in.as_ref().ok()?.token;
    let asks = method(plan) == Some(Method::AzureCli)
        && judge::role::is_group(plan)
        && !is_application(token);
    token.claim("oid").filter(|_| asks).map(str::to_owned)
}

/// Whether a session could be opened at this server.
fn is_reached(links: &[Finding; 3]) -> bool {
    !links.iter().any(Finding::is_broken)
}

/// A finding that matters less where what it is for `holds` all the same.
fn unless(holds: bool, mut finding: Finding) -> Finding {
    if holds && finding.is_broken() {
        finding.status = Status::Warn;
    }
    finding
}

fn about_token(plan: &Plan, signed_in: &Result<SignedIn, Failure>, az: &Finding) -> [Finding; 2] {
    match signed_in {
        Ok(signed_in) => {
            let source = source(plan);
            [
                judge::token::judge(&signed_in.token, source, SystemTime::now()),
                judge::role::judge(plan, signed_in),
            ]
        }
        Err(failure) => [
            if plan.choice.is_none() {
                Finding::unchecked(Link::Token, "`decision` is broken")
            } else if az.is_broken() {
                Finding::unchecked(Link::Token, "`az` is broken")
            } else {
                programs::failed(Link::Token, failure)
            },
            Finding::unchecked(Link::Role, "`token` is missing"),
        ],
    }
}

/// Why nobody's membership was looked up.
fn no_membership(plan: &Plan, has_token: bool) -> Finding {
    if !judge::role::is_group(plan) {
        Finding::skip(Link::Group, "no group was named")
    } else if has_token {
        let because = "Graph is asked through the Azure CLI alone, and for people alone";
        Finding::unchecked(Link::Group, because)
    } else {
        Finding::unchecked(Link::Group, "`token` is missing")
    }
}

fn is_application(token: &Token) -> bool {
    token.claim("idtyp") == Some("app")
        || token.claim("xms_mirid").is_some()
        || matches!(role::identity(token), Identity::ServicePrincipal { .. })
}
