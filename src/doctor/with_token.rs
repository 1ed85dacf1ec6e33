//! All links, if a token is due.

use std::cell::LazyCell;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, Scope};
use std::time::SystemTime;

use crate::cli::method::Method;
use crate::entra::cloud;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::handover::variables::{self, Settings};
use crate::intent::Plan;
use crate::intent::method::Choice;
use crate::intent::tls::Protection;
use crate::sign_in::choose;
use crate::sign_in::signer::{self, SignedIn};
use crate::system::deadline::Deadline;
use crate::system::private_directory::PrivateDirectory;
use crate::system::threads::{self, Aside};
use crate::token::person::Person;
use crate::token::ready;
use crate::token::workload::credential::Credential;

use super::finding::{Finding, Link};
use super::judge::session::{self, Who};
use super::judge::{decision, identity, programs};
use super::look::network::WebService;
use super::look::programs::{Az, Psql};
use super::look::server::Server;
use super::reporter::Reporter;
use super::survey::{Known, Survey};
use super::{Checkup, look};

impl Checkup<'_> {
    pub(super) fn examine_with_token(
        &self,
        mut plan: Plan,
        protection: &Protection,
        reporter: &mut Reporter,
    ) {
        ready::hide_descriptor(self.environment);
        let directory = PrivateDirectory::open_or_warn();
        let directory = directory.as_ref();
        let decided = match choice(&plan, self.environment, directory) {
            Ok(choice) => {
                plan.choice = Some(choice);
                decision::sign_in(&plan, choice, protection)
            }
            Err(failure) => programs::failed(Link::Decision, &failure),
        };
        let mut survey = Survey {
            checkup: self,
            plan: &plan,
            protection,
            directory,
            reporter,
            known: Known::default(),
        };
        thread::scope(|scope| {
            let begun = Begun::start(scope, self, &plan, directory);
            let signed_in = LazyCell::new(|| begun.signed_in.joined());
            survey.check_psql();
            survey.report_az(begun.az, || signed_in.is_ok());
            survey.report_decision(decided);
            survey.report_servers(&begun.servers);
            survey.report_web_services(begun.authority, begun.graph, || signed_in.is_ok());
            survey.report_token(&signed_in);
            survey.check_group_and_session(&signed_in);
        });
    }

    /// Returns where tokens are issued and where names are looked up, if the method asks there.
    fn web_services(&self, plan: &Plan) -> (Option<String>, Option<String>) {
        let cloud = plan.known_cloud().unwrap_or(cloud::PUBLIC);
        // The token's finding reports what is wrong with the variables.
        let authority = match plan.choice.map(|choice| choice.method) {
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

    /// Opens a session with the environment of a launch.
    pub(super) fn session(
        &self,
        psql: &Psql,
        plan: &Plan,
        settings: &Settings,
        signed_in: &SignedIn,
    ) -> Finding {
        let SignedIn { role, token, .. } = signed_in;
        let variables = variables::variables(self.environment, settings, token);
        let arguments = look::session::arguments(self.wanted, Some(role));
        let deadline = Deadline::after(self.time);
        let opened = look::session::open(&psql.program, &arguments, &variables, deadline);
        let name = role.name.to_string_lossy().into_owned();
        let database = self.target.database_or(name.as_bytes());
        let who = Who {
            database: if plan.default_database {
                "postgres".to_owned()
            } else {
                String::from_utf8_lossy(database).into_owned()
            },
            database_is_role: plan.user.is_typed()
                && self.target.parameters().filled("dbname").is_none(),
            role: name,
            is_group: identity::is_group(plan),
            is_application: identity::is_application(token),
            oid: token.claim("oid").map(str::to_owned),
            has_token: true,
            host: plan.host.clone(),
            method: plan.choice.map(|choice| choice.method),
            age: token
                .issued()
                .and_then(|issued| SystemTime::now().duration_since(issued).ok()),
        };
        session::judge(&self.hide_secrets(opened), &who)
    }
}

/// What goes on while the report is printed.
struct Begun<'scope> {
    signed_in: Aside<'scope, Result<SignedIn, Failure>>,
    /// What is known of az, if the token comes from it.
    az: Option<Aside<'scope, Result<Az, Failure>>>,
    authority: Option<Aside<'scope, WebService>>,
    graph: Option<Aside<'scope, WebService>>,
    /// For each server, what is known of it after each step.
    servers: Vec<Receiver<Server>>,
}

impl<'scope> Begun<'scope> {
    fn start<'a: 'scope>(
        scope: &'scope Scope<'scope, '_>,
        checkup: &'a Checkup<'a>,
        plan: &'a Plan,
        directory: Option<&'a PrivateDirectory>,
    ) -> Self {
        let Checkup {
            environment, time, ..
        } = *checkup;
        let sign_in = move || signer::sign_in(plan, environment, directory);
        let signed_in = threads::aside(scope, sign_in);
        let check_az =
            move || look::programs::check_az(&plan.options, environment, Deadline::after(time));
        let is_az = plan
            .choice
            .is_some_and(|choice| choice.method == Method::AzureCli);
        let az = is_az.then(|| threads::aside(scope, check_az));
        let (authority, graph) = checkup.web_services(plan);
        let check = |address: Option<String>| {
            let address = address?;
            let check = move || look::network::check_web_service(&address, environment, time);
            Some(threads::aside(scope, check))
        };
        let servers = checkup.target.hosts().iter().map(|host| {
            let (sender, known) = channel();
            threads::aside(scope, move || {
                look::server::check(host, true, time, &sender);
            });
            known
        });
        Self {
            signed_in,
            az,
            servers: servers.collect(),
            authority: check(authority),
            graph: check(graph),
        }
    }
}

/// Returns how to get the token: as `plan` says, else by what this machine has.
fn choice(
    plan: &Plan,
    environment: &Environment,
    directory: Option<&PrivateDirectory>,
) -> Result<Choice, Failure> {
    let settled = plan.choice.map(Ok);
    settled.unwrap_or_else(|| choose::choice(plan, environment, directory))
}
