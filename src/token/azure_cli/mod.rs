//! Gets tokens, and names from Graph, through the Azure CLI.
//!
//! az is called directly, without a shell, with fixed words and validated values, one az at a time.
//! `system/process/` runs it within the deadline and ends it whole, [`error`] reads
//! its errors.

pub mod active_cloud;
pub mod error;
pub mod login;

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

/// The tool.
pub const TOOL: Tool = Tool {
    command: "az",
    installed: r"Microsoft SDKs\Azure\CLI2\wbin\az.cmd",
    name: "the Azure CLI",
    configuration: ("AZURE_CONFIG_DIR", ".azure"),
    profile: "azureProfile.json",
    reinstall: "install the Azure CLI anew: its Python may have gone with an upgrade",
};

/// The lock of those who use it: one at a time, since it loses its place in its token cache when
/// several run at once.
pub const LOCK: &str = "az.lock";

/// The files that say what state it is in. `az login`, `logout` and `account set` write the first,
/// and `az cloud set` and `az config set` the others.
const STATE: [&str; 3] = [TOOL.profile, "clouds.config", "config"];

/// Variables that lead it to another identity or cloud.
const VARIABLES: [&str; 3] = ["AZURE_CLOUD_NAME", "IDENTITY_ENDPOINT", "MSI_ENDPOINT"];

/// How much life its token has at least: it gives the same one until then, from its own cache
/// (MSAL's).
const LEAST_LIFE: Duration = Duration::from_secs(300);

/// What its token for `plan` is kept under.
pub fn cache_key(plan: &Plan, environment: &Environment) -> CacheKey {
    let Options {
        tenant,
        subscription,
        cloud,
        ..
    } = &plan.options;
    let cloud = cloud.as_ref().map(Named::name);
    let configuration = TOOL.configuration(environment);
    let asked = (&plan.resource, cloud, tenant, subscription, configuration);
    let variables = VARIABLES.map(|name| environment.get(name));
    CacheKey {
        identity: format!("azure-cli {asked:?}"),
        state: format!("{:016x} {variables:?}", TOOL.state(&STATE, environment)),
        least_life: LEAST_LIFE,
    }
}

/// How much of it there is here.
pub fn presence(environment: &Environment) -> Presence {
    TOOL.presence(environment, |profile| {
        let accounts = profile["subscriptions"].as_array();
        accounts.is_some_and(|accounts| !accounts.is_empty())
    })
}

/// What it finds in its environment: nothing that is psql's.
fn its_environment(environment: &Environment) -> Environment {
    let mut environment = environment.without_secrets();
    // Saves a seventh of its time.
    environment.set("AZURE_CORE_COLLECT_TELEMETRY", "no");
    environment.set("AZURE_CORE_NO_COLOR", "yes");
    environment
}

/// Runs it with these words for a person, who has all the time they need, and says whether it
/// succeeded.
///
/// It gets the terminal: our input, and for both of its outputs standard error, since standard
/// output is psql's.
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

/// The installed Azure CLI, to be asked before the deadline.
pub struct AzureCli<'a> {
    program: PathBuf,
    environment: Environment,
    options: &'a Options,
    deadline: Deadline,
}

/// The account that az is signed in with, as it says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user's name, or the id of a service principal.
    pub user: String,
    /// `user` or `servicePrincipal`.
    pub kind: String,
    /// The tenant's id.
    pub tenant: String,
    /// The active cloud.
    pub cloud: String,
    /// The subscription's name.
    pub subscription: String,
}

impl<'a> AzureCli<'a> {
    /// Finds az.
    ///
    /// # Errors
    ///
    /// There is no az on `PATH`.
    pub fn find(
        environment: &Environment,
        options: &'a Options,
        deadline: Deadline,
    ) -> Result<Self, Failure> {
        let program = TOOL.find(environment).ok_or_else(|| {
            Failure::sign_in("the Azure CLI, `az`, was not found on `PATH`")
                .hint("install the Azure CLI, then sign in with `az login`")
        })?;
        Ok(Self {
            program,
            environment: its_environment(environment),
            options,
            deadline,
        })
    }

    /// Where it is.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Its version.
    ///
    /// # Errors
    ///
    /// It cannot be run, is too slow, or answers with something else.
    pub fn version(&self) -> Result<String, Failure> {
        let what = "say its version";
        let answer = self.run_for_json(what, &["version".into()])?;
        let version = answer["azure-cli"].as_str();
        version
            .map(str::to_owned)
            .ok_or_else(|| not_an_answer(what))
    }

    /// The account that it is signed in with.
    ///
    /// # Errors
    ///
    /// Nobody is signed in, or the subscription that was asked for is not there; or as for
    /// [`AzureCli::version`].
    pub fn account(&self) -> Result<Account, Failure> {
        let what = "say who is signed in";
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

    /// Asks Graph for the display names of all groups that the user with this object id is in,
    /// directly or not.
    ///
    /// # Errors
    ///
    /// As for [`AzureCli::token`]; or `oid` is no id.
    pub fn groups_of_user(&self, oid: &str) -> Result<Vec<String>, Failure> {
        if !is_id(oid) {
            return Err(Failure::sign_in("the token's object id is no id"));
        }
        let what = "look up your groups in Graph";
        let words = ["ad", "user", "get-member-groups", "--id", oid].map(OsString::from);
        let answer = self.ask(what, &words)?;
        let groups = answer.as_array().ok_or_else(|| not_an_answer(what))?;
        let names = groups
            .iter()
            .filter_map(|group| group["displayName"].as_str());
        Ok(names.map(str::to_owned).collect())
    }

    /// Gets a token for `resource`, or for the databases of the cloud that was named, or of az's
    /// active one, and looks at it. `cloud` is the name of the server's cloud, as far as it is
    /// known.
    ///
    /// # Errors
    ///
    /// az refuses, cannot be run, is too slow, or answers with something else than the token asked
    /// for; or it knows no cloud of that name.
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

    /// What tokens for databases are asked for in a cloud that az has registered.
    fn resource_of(&self, cloud: &str) -> Result<String, Failure> {
        let words = ["cloud", "show", "--name", cloud].map(OsString::from);
        let answer = self.run_for_json("look the cloud up", &words)?;
        match answer["endpoints"]["ossrdbmsResourceId"].as_str() {
            Some(resource) => Ok(resource.to_owned()),
            None => Err(Failure::sign_in(format!(
                "the Azure CLI knows no resource for the databases of the cloud `{cloud}`"
            ))
            .hint("name it with `--resource URI`")),
        }
    }

    /// The failure to tell where it may be for az's being in another cloud than the server.
    fn in_another_cloud(&self, cloud: Option<&str>, failure: Failure) -> Failure {
        let active = active_cloud::name(&self.environment);
        let is_refusal = ["AADSTS", "az login", "No subscription found"]
            .iter()
            .any(|text| failure.cause().contains(text));
        match cloud {
            Some(cloud) if is_refusal && cloud != active => Failure::sign_in(format!(
                "{}; az is in the cloud `{active}`, and the server in `{cloud}`",
                failure.cause()
            ))
            .hint(format!("`az cloud set --name {cloud}`, then `az login`"))
            .shared_if(failure.is_shared()),
            _ => failure,
        }
    }

    /// Asks Graph for the signed-in user's name in this tenant, which is a guest's role.
    ///
    /// # Errors
    ///
    /// As for [`AzureCli::token`], or Graph knows the user under another object id than `oid`.
    pub fn signed_in_user(&self, oid: Option<&str>) -> Result<String, Failure> {
        let words = ["ad".into(), "signed-in-user".into(), "show".into()];
        self.name_in_graph(&words, "userPrincipalName", oid)
    }

    /// Asks Graph for the display name of the service principal with this application id.
    ///
    /// # Errors
    ///
    /// As for [`AzureCli::signed_in_user`]; or `app_id` is no id.
    pub fn service_principal(&self, app_id: &str, oid: Option<&str>) -> Result<String, Failure> {
        if !is_id(app_id) {
            return Err(Failure::sign_in("the token's application id is no id"));
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
        let answer = self.ask("look up your name in Graph", words)?;
        name_in(&answer, field, oid)
    }

    /// Runs az as the account that was chosen, and reads its JSON.
    fn ask(&self, what: &str, words: &[OsString]) -> Result<Value, Failure> {
        let mut words = words.to_vec();
        if let Some(subscription) = &self.options.subscription {
            words.extend(["--subscription".into(), subscription.into()]);
        }
        self.run_for_json(what, &words)
    }

    /// Runs az and reads its JSON. A race that az is known to lose now and then is run once more.
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
///
/// # Errors
///
/// It isn't JSON.
pub fn read(stdout: &[u8], what: &str) -> Result<Value, Failure> {
    serde_json::from_slice(stdout).map_err(|_| not_an_answer(what))
}

/// Returns the token in az's answer, if it is one for `resource` that is good `now`.
///
/// # Errors
///
/// The answer is something else.
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

/// Returns the name in Graph's answer, if it is about the identity with the object id `oid`.
///
/// # Errors
///
/// The answer is about another identity, or something else.
pub fn name_in(answer: &Value, field: &str, oid: Option<&str>) -> Result<String, Failure> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    if let (Some(found), Some(wanted)) = (text("id"), oid)
        && !found.eq_ignore_ascii_case(wanted)
    {
        return Err(Failure::sign_in(
            "Graph answered for another identity than the token's",
        ));
    }
    match text(field) {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(not_an_answer("look up your name in Graph")),
    }
}

/// Whether a text is made as ids are: nothing in it means anything to a shell or cmd.exe.
fn is_id(text: &str) -> bool {
    !text.starts_with('-') && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

fn not_an_answer(what: &str) -> Failure {
    Failure::sign_in(format!(
        "the Azure CLI was asked to {what} and answered with something else"
    ))
    .hint("does `az account get-access-token --resource-type oss-rdbms` work by itself? if not, install the Azure CLI anew")
}

fn unusable(why: &Unusable, resource: Option<&str>) -> Failure {
    match why {
        Unusable::NotAToken => not_an_answer("get a token"),
        Unusable::WrongAudience(_) => Failure::sign_in(why.cause(resource))
            .hint("is az in the cloud of the server? see `az cloud show`, and change it with `az cloud set`"),
        Unusable::Expired(_) => Failure::sign_in(why.cause(resource))
            .hint("is this machine's clock right? if so, sign in again with `az login`"),
    }
}
