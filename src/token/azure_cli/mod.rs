//! Gets tokens, and names from Microsoft Graph, through the Azure CLI.
//!
//! az is called directly, without a shell, with fixed words and validated values, one at a time.
//! `system/process/` runs it within the deadline and ends it whole. [`error`] reads its errors.

pub mod active_cloud;
pub mod error;
mod groups;
pub mod login;
mod rest;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::cli::Options;
use crate::entra::cloud::Named;
use crate::entra::token::{Token, Unusable};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::intent::Plan;
use crate::system::deadline::Deadline;
use crate::system::process::Answer;
use crate::system::process::child_signal::ChildSignal;
use crate::token::CacheKey;
use crate::token::tool::{Presence, Tool};

use error::AzError;
pub use groups::Groups;

pub const TOOL: Tool = Tool {
    command: "az",
    installed: r"Microsoft SDKs\Azure\CLI2\wbin\az.cmd",
    name: "the Azure CLI",
    configuration: ("AZURE_CONFIG_DIR", ".azure"),
    profile: "azureProfile.json",
    // `az login`, `logout` and `account set` write the first file, `az cloud set` and `az config
    // set` the others. The variables lead az to another identity or cloud.
    state: (
        &["azureProfile.json", "clouds.config", "config"],
        &["AZURE_CLOUD_NAME", "IDENTITY_ENDPOINT", "MSI_ENDPOINT"],
    ),
    // Until then it returns the same token again, from its own cache (MSAL's).
    least_life: Duration::from_secs(300),
    reinstall: "reinstall the Azure CLI: an upgrade may have removed its Python",
};

/// The lock of those who run az. Several at once lose races for its token cache, so they take
/// turns.
pub const LOCK: &str = "az.lock";

pub fn cache_key(plan: &Plan, environment: &Environment) -> CacheKey {
    let Options {
        tenant,
        subscription,
        cloud,
        ..
    } = &plan.options;
    let cloud = cloud.as_ref().map(Named::name);
    TOOL.cache_key((&plan.resource, cloud, tenant, subscription), environment)
}

/// Returns the key of the list of servers, which az's identity alone determines.
pub fn key_of_servers(environment: &Environment) -> CacheKey {
    TOOL.cache_key("servers", environment)
}

pub fn presence(environment: &Environment) -> Presence {
    TOOL.presence(environment, |profile| {
        let accounts = profile["subscriptions"].as_array();
        accounts.is_some_and(|accounts| !accounts.is_empty())
    })
}

/// Returns the variables to run az with, without psql's secrets.
fn its_environment(environment: &Environment) -> Environment {
    let mut environment = environment.without_secrets();
    // Telemetry takes a seventh of its time.
    environment.set("AZURE_CORE_COLLECT_TELEMETRY", "no");
    environment.set("AZURE_CORE_NO_COLOR", "yes");
    environment
}

/// Runs az at the terminal, without a deadline, and returns whether it succeeded.
///
/// Both of its outputs go to standard error, since standard output is psql's.
pub fn run_at_terminal(words: &[String], environment: &Environment) -> bool {
    let Some(program) = TOOL.find(environment) else {
        return false;
    };
    let _child_signal = ChildSignal::heard();
    let ended = Command::new(program)
        .args(words)
        .env_clear()
        .envs(its_environment(environment).iter())
        .stdout(io::stderr())
        .status();
    ended.is_ok_and(|status| status.success())
}

pub struct AzureCli<'a> {
    program: PathBuf,
    environment: Environment,
    options: &'a Options,
    deadline: Deadline,
}

/// The account that az is signed in with, as it reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user's name, or the id of a service principal.
    pub user: String,
    /// `user` or `servicePrincipal`.
    pub kind: String,
    pub tenant: String,
    pub cloud: String,
    pub subscription: String,
}

impl<'a> AzureCli<'a> {
    pub fn find(
        environment: &Environment,
        options: &'a Options,
        deadline: Deadline,
    ) -> Result<Self, Failure> {
        let program = TOOL.find(environment).ok_or_else(|| {
            Failure::sign_in("the Azure CLI (`az`) was not found on `PATH`")
                .hint("install the Azure CLI, then run `az login`")
        })?;
        Ok(Self {
            program,
            environment: its_environment(environment),
            options,
            deadline,
        })
    }

    pub fn program(&self) -> &Path {
        &self.program
    }

    pub fn version(&self) -> Result<String, Failure> {
        let what = "report its version";
        let answer = self.run_for_json(what, &["version".into()])?;
        let version = answer["azure-cli"].as_str();
        version
            .map(str::to_owned)
            .ok_or_else(|| not_an_answer(what))
    }

    pub fn account(&self) -> Result<Account, Failure> {
        let what = "report your account";
        let answer = self.ask(what, &["account".into(), "show".into()])?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(Account {
            user: text(&answer["user"]["name"]),
            kind: text(&answer["user"]["type"]),
            tenant: text(&answer["tenantId"]),
            cloud: text(&answer["environmentName"]),
            subscription: text(&answer["name"]),
        })
    }

    /// Asks Graph for the display names of all groups that a user is in, directly or not.
    pub fn groups_of_user(&self, oid: &str) -> Result<Vec<String>, Failure> {
        if !is_id(oid) {
            return Err(Failure::sign_in(
                "the access token's object id is malformed",
            ));
        }
        let what = "look up your groups in Microsoft Graph";
        let words = ["ad", "user", "get-member-groups", "--id", oid].map(OsString::from);
        let answer = self.ask(what, &words)?;
        let groups = answer.as_array().ok_or_else(|| not_an_answer(what))?;
        let names = groups
            .iter()
            .filter_map(|group| group["displayName"].as_str());
        Ok(names.map(str::to_owned).collect())
    }

    /// Gets and checks a token for `resource`, else for the databases of the named or active cloud.
    /// `cloud` is the server's cloud, if known.
    pub fn token(&self, resource: Option<&str>, cloud: Option<&str>) -> Result<Token, Failure> {
        let registered = match &self.options.cloud {
            Some(Named::Other(name)) if resource.is_none() => Some(self.resource_of(name)?),
            _ => None,
        };
        let resource = resource.or(registered.as_deref());
        let mut words: Vec<OsString> = vec!["account".into(), "get-access-token".into()];
        match resource {
            Some(resource) => words.extend(["--resource".into(), resource.into()]),
            None => words.extend(["--resource-type".into(), "oss-rdbms".into()]),
        }
        if let Some(tenant) = &self.options.tenant {
            words.extend(["--tenant".into(), tenant.into()]);
        }
        let answer = self
            .ask("get a token", &words)
            .map_err(|failure| self.in_another_cloud(cloud, failure))?;
        token_in(answer, resource, SystemTime::now())
    }

    /// Returns the database resource of a cloud that is registered in az.
    fn resource_of(&self, cloud: &str) -> Result<String, Failure> {
        let words = ["cloud", "show", "--name", cloud].map(OsString::from);
        let answer = self.run_for_json("look up the cloud", &words)?;
        match answer["endpoints"]["ossrdbmsResourceId"].as_str() {
            Some(resource) => Ok(resource.to_owned()),
            None => Err(Failure::sign_in(format!(
                "the Azure CLI has no database resource for the cloud `{cloud}`"
            ))
            .hint("name the resource with `--resource URI`")),
        }
    }

    /// Adds that az uses another cloud than the server's, if that may be the reason.
    fn in_another_cloud(&self, cloud: Option<&str>, failure: Failure) -> Failure {
        let active = active_cloud::name(&self.environment);
        let is_refusal = [
            "AADSTS",
            "az login",
            "not signed in",
            "No subscription found",
        ]
        .iter()
        .any(|text| failure.cause().contains(text));
        match cloud {
            Some(cloud) if is_refusal && cloud != active => Failure::sign_in(format!(
                "{}; the Azure CLI uses the cloud `{active}`, but the server is in `{cloud}`",
                failure.cause()
            ))
            .hint(format!(
                "run `az cloud set --name {cloud}`, then `az login`"
            ))
            .shared_if(failure.is_shared()),
            _ => failure,
        }
    }

    /// Asks Graph for the signed-in user's name in this tenant, which is a guest's role.
    pub fn signed_in_user(&self, oid: Option<&str>) -> Result<String, Failure> {
        let words = ["ad".into(), "signed-in-user".into(), "show".into()];
        self.name_in_graph(&words, "userPrincipalName", oid)
    }

    pub fn service_principal(&self, app_id: &str, oid: Option<&str>) -> Result<String, Failure> {
        if !is_id(app_id) {
            return Err(Failure::sign_in(
                "the access token's application id is malformed",
            ));
        }
        let words = ["ad", "sp", "show", "--id", app_id].map(OsString::from);
        self.name_in_graph(&words, "displayName", oid)
    }

    fn name_in_graph(
        &self,
        words: &[OsString],
        field: &str,
        oid: Option<&str>,
    ) -> Result<String, Failure> {
        let answer = self.ask("look up your name in Microsoft Graph", words)?;
        name_in(&answer, field, oid)
    }

    /// Runs az with the subscription that was chosen, and reads its JSON.
    fn ask(&self, what: &str, words: &[OsString]) -> Result<Value, Failure> {
        let mut words = words.to_vec();
        if let Some(subscription) = &self.options.subscription {
            words.extend(["--subscription".into(), subscription.into()]);
        }
        self.run_for_json(what, &words)
    }

    /// Runs az and reads its JSON. Races that az sometimes loses are run once more.
    fn run_for_json(&self, what: &str, words: &[OsString]) -> Result<Value, Failure> {
        let mut words = words.to_vec();
        words.extend(["--output", "json", "--only-show-errors"].map(OsString::from));
        let mut answer = self.run(&words)?;
        if !answer.status.success() && AzError::read(&answer.stderr, answer.status).is_lost_race() {
            answer = self.run(&words)?;
        }
        if !answer.status.success() {
            return Err(AzError::read(&answer.stderr, answer.status).failure(what));
        }
        read(&answer.stdout, what)
    }

    fn run(&self, words: &[OsString]) -> Result<Answer, Failure> {
        TOOL.run(&self.program, words, &self.environment, self.deadline)
    }
}

/// Reads what az answered when it was asked to do `what`.
pub fn read(stdout: &[u8], what: &str) -> Result<Value, Failure> {
    serde_json::from_slice(stdout).map_err(|_| not_an_answer(what))
}

/// Returns the token in az's answer, if it is for `resource` and valid `now`.
pub fn token_in(
    mut answer: Value,
    resource: Option<&str>,
    now: SystemTime,
) -> Result<Token, Failure> {
    let Some(Value::String(secret)) = answer.get_mut("accessToken").map(Value::take) else {
        return Err(not_an_answer("get a token"));
    };
    Token::checked(secret, resource, now).map_err(|why| unusable(&why, resource))
}

/// Returns the name in Graph's answer, if it is about the identity with this object id.
pub fn name_in(answer: &Value, field: &str, oid: Option<&str>) -> Result<String, Failure> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    if let (Some(found), Some(wanted)) = (text("id"), oid)
        && !found.eq_ignore_ascii_case(wanted)
    {
        return Err(Failure::sign_in(
            "Microsoft Graph answered for another identity than the token's",
        ));
    }
    match text(field) {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(not_an_answer("look up your name in Microsoft Graph")),
    }
}

/// Returns whether a text has the form of an id, which contains nothing special to cmd.exe.
fn is_id(text: &str) -> bool {
    !text.starts_with('-') && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

fn not_an_answer(what: &str) -> Failure {
    Failure::sign_in(format!(
        "the Azure CLI could not {what}: its answer isn't the expected JSON"
    ))
    .hint("run `az account get-access-token --resource-type oss-rdbms`; if that fails too, reinstall the Azure CLI")
}

fn unusable(why: &Unusable, resource: Option<&str>) -> Failure {
    match why {
        Unusable::NotAToken => not_an_answer("get a token"),
        Unusable::WrongAudience(_) => Failure::sign_in(why.cause(resource))
            .hint("check with `az cloud show` that the Azure CLI uses the server's cloud, and change it with `az cloud set`"),
        Unusable::Expired(_) => Failure::sign_in(why.cause(resource))
            .hint("check this machine's clock; if it is right, run `az login`"),
    }
}
