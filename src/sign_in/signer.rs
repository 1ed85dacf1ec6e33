//! Signs in, for launches and for the doctor.

use std::time::SystemTime;

use crate::cli::method::Method;
use crate::entra::cloud::{self, Named};
use crate::entra::role::{self, Identity};
use crate::entra::token::Token;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::intent::Plan;
use crate::intent::method::Choice;
use crate::intent::role::{Role, User};
use crate::system::deadline::Deadline;
use crate::system::platform;
use crate::system::private_directory::{Exposed, PrivateDirectory};
use crate::system::terminal;
use crate::token::CacheKey;
use crate::token::azd::{self, Azd};
use crate::token::azure_cli::{self, AzureCli};
use crate::token::lock::FetchLock;
use crate::token::person::{self, Person};
use crate::token::ready;
use crate::token::workload::{self, Credential};

use super::cache::{Cache, Kept};
use super::choose;
use super::failures::{no_name, of_another_tenant};

/// A role and the token to sign in with.
pub struct SignedIn {
    pub role: Role,
    pub token: Token,
    pub choice: Choice,
}

/// Who a token is for.
pub struct Identified {
    pub token: Token,
    /// The name of its role, or why that isn't known.
    pub name: Result<String, Failure>,
    pub choice: Choice,
}

/// One way to sign in, as a plan requires.
pub struct Signer<'a> {
    plan: &'a Plan,
    environment: &'a Environment,
    directory: Option<&'a PrivateDirectory>,
    choice: Choice,
    source: Source,
    /// Whether someone at the terminal may be asked.
    is_attended: bool,
}

enum Source {
    AzureCli,
    Azd,
    Workload(Credential),
    Person(Person),
    Ready,
}

impl<'a> Signer<'a> {
    /// Chooses the method by `plan`, else by what is on this machine.
    pub fn new(
        plan: &'a Plan,
        environment: &'a Environment,
        directory: Option<&'a PrivateDirectory>,
    ) -> Result<Self, Failure> {
        let choice = match plan.choice {
            Some(choice) => choice,
            None => choose::choice(plan, environment, directory)?,
        };
        let source = Source::create(choice.method, plan, environment)
            .map_err(|failure| explain(failure, choice, plan))?;
        Ok(Self {
            plan,
            environment,
            directory,
            choice,
            source,
            is_attended: true,
        })
    }

    /// Returns the signer for use without a person: if someone must sign in, that is an error.
    pub fn unattended(mut self) -> Self {
        self.is_attended = false;
        if let Source::Person(person) = &mut self.source {
            person.obstacle.get_or_insert_with(person::nobody_there);
        }
        self
    }

    /// Gets a token, and works out the role if none is named. Without a cached token it fetches
    /// one, and others who need the same wait for it.
    pub fn sign_in(&self) -> Result<SignedIn, Failure> {
        self.kept()
            .and_then(|(kept, unnamed)| unnamed.map_or_else(|| self.signed_in(kept), Err))
            .map_err(|failure| explain(failure, self.choice, self.plan))
    }

    /// Gets a token as [`Self::sign_in`] does, also if its role's name can't be found out.
    pub fn identify(&self) -> Result<Identified, Failure> {
        let kept = self.kept();
        let (kept, unnamed) = kept.map_err(|failure| explain(failure, self.choice, self.plan))?;
        let name =
            unnamed.map_or_else(|| principal(&kept).ok_or_else(|| no_name(&kept.token)), Err);
        Ok(Identified {
            name,
            token: kept.token,
            choice: self.choice,
        })
    }

    /// Returns the token, and why the role's name isn't known if it is needed.
    fn kept(&self) -> Result<(Kept, Option<Failure>), Failure> {
        let method = Some(self.choice.method).filter(|_| self.is_attended);
        let deadline = Deadline::after(self.plan.options.time_for_signing_in(method));
        let started = SystemTime::now();
        let cache = self.cache();
        let cache = cache.as_ref();
        let recalled = self.recall(cache).unwrap_or_else(|Exposed(why)| {
            terminal::warn(&format!("the cached token is not used: {why}"));
            None
        });
        if let Some(kept) = recalled.filter(|kept| self.says_role(kept)) {
            return Ok((kept, None));
        }
        let _lock = self.lock_fetch(cache, deadline);
        // The first attempt reported whatever is wrong with the file.
        let recalled = self.recall(cache).ok().flatten();
        if recalled.is_none()
            && let Some(failure) = self.hear_since(started, cache)
        {
            return Err(failure);
        }
        self.fetch(recalled, cache, deadline)
            .inspect_err(|failure| tell(failure, cache))
    }

    /// Returns the token's cache entry, if tokens are cached. Its key is computed each time, since
    /// the source's state changes.
    fn cache(&self) -> Option<Cache<'a>> {
        let directory = self.directory.filter(|_| self.plan.keeps_token)?;
        let wants_name = self.plan.user == User::Unnamed;
        Some(Cache::new(directory, self.key()?, wants_name))
    }

    fn recall(&self, cache: Option<&Cache<'_>>) -> Result<Option<Kept>, Exposed> {
        let Some(cache) = cache.filter(|_| !self.plan.options.fresh) else {
            return Ok(None);
        };
        let kept = cache.recall(SystemTime::now())?;
        // A managed identity's token is cached for any tenant.
        Ok(kept.filter(|kept| self.check_tenant(&kept.token).is_ok()))
    }

    /// Refuses a token of another tenant than the one that was named.
    fn check_tenant(&self, token: &Token) -> Result<(), Failure> {
        match &self.plan.options.tenant {
            Some(tenant) if !token.is_of_tenant(tenant) => {
                Err(of_another_tenant(token, tenant, self.choice.method))
            }
            _ => Ok(()),
        }
    }

    /// Waits for others who fetch the same token or use the same tool.
    fn lock_fetch(&self, cache: Option<&Cache<'_>>, deadline: Deadline) -> Option<FetchLock> {
        let lock = match self.source {
            Source::AzureCli => azure_cli::LOCK.to_owned(),
            _ => cache?.lock(),
        };
        Some(FetchLock::acquire(self.directory, &lock, deadline))
    }

    /// Returns the failure of someone who tried while we waited, unless a new token was asked for.
    fn hear_since(&self, started: SystemTime, cache: Option<&Cache<'_>>) -> Option<Failure> {
        cache
            .filter(|_| !self.plan.options.fresh)?
            .told_between(started, SystemTime::now())
    }

    /// Fetches the token and the role's name as needed, and caches each at once.
    fn fetch(
        &self,
        recalled: Option<Kept>,
        cache: Option<&Cache<'_>>,
        deadline: Deadline,
    ) -> Result<(Kept, Option<Failure>), Failure> {
        let mut kept = if let Some(kept) = recalled {
            kept
        } else {
            let token = self.token(deadline)?;
            self.check_tenant(&token)?;
            Kept::from(token)
        };
        self.keep(&kept, cache);
        if !self.says_role(&kept) {
            match self.name(&kept.token, deadline) {
                Ok(name) => kept.name = Some(name),
                Err(failure) => {
                    tell(&failure, cache);
                    return Ok((kept, Some(failure)));
                }
            }
            self.keep(&kept, cache);
        }
        Ok((kept, None))
    }

    /// Caches a token, unless the source's state changed meanwhile.
    fn keep(&self, kept: &Kept, cache: Option<&Cache<'_>>) {
        if let (Some(cache), Some(key)) = (cache, self.key()) {
            cache.keep(kept, &key);
        }
    }

    fn token(&self, deadline: Deadline) -> Result<Token, Failure> {
        let (plan, resource) = (self.plan, resource(self.plan));
        match &self.source {
            Source::AzureCli => self
                .az(deadline)?
                .token(plan.resource.as_deref(), plan.cloud_name()),
            Source::Azd => {
                let tenant = plan.options.tenant.as_deref();
                Azd::find(self.environment, tenant, deadline)?.token(resource)
            }
            Source::Workload(credential) => workload::token(credential, resource, deadline),
            Source::Person(person) => person::token(person, resource, deadline),
            Source::Ready if plan.uses_password => {
                ready::inherited(self.environment, plan.resource.as_deref())
            }
            Source::Ready => ready::token(self.environment, plan.resource.as_deref(), deadline),
        }
    }

    fn az(&self, deadline: Deadline) -> Result<AzureCli<'_>, Failure> {
        AzureCli::find(self.environment, &self.plan.options, deadline)
    }

    /// Returns the key to cache the token under. A ready token has none.
    pub fn key(&self) -> Option<CacheKey> {
        let (plan, environment) = (self.plan, self.environment);
        Some(match &self.source {
            Source::AzureCli => azure_cli::cache_key(plan, environment),
            Source::Azd => azd::cache_key(plan, resource(plan), environment),
            Source::Workload(credential) => {
                credential.cache_key(self.choice.method, resource(plan), environment)
            }
            Source::Person(person) => person.cache_key(self.choice.method, resource(plan)),
            Source::Ready => return None,
        })
    }

    /// Returns whether the role is named, or the token or the cache has its name.
    fn says_role(&self, kept: &Kept) -> bool {
        self.plan.user != User::Unnamed || principal(kept).is_some()
    }

    /// Looks the role's name up in Microsoft Graph, if the token doesn't have it.
    fn name(&self, token: &Token, deadline: Deadline) -> Result<String, Failure> {
        let oid = token.claim("oid");
        let az = match self.source {
            Source::AzureCli => self.az(deadline)?,
            _ => return Err(no_name(token)),
        };
        let (found, whose) = match role::identity(token) {
            Identity::Named(name) => return Ok(name),
            Identity::Guest { address } => (
                az.signed_in_user(oid),
                format!("`{address}`, a guest of this tenant"),
            ),
            Identity::ServicePrincipal { app_id } => (
                az.service_principal(&app_id, oid),
                format!("the service principal `{app_id}`"),
            ),
            Identity::Unnamed => return Err(no_name(token)),
        };
        found.map_err(|why| {
            Failure::sign_in(format!(
                "the access token doesn't name the role of {whose}, and {}",
                why.cause()
            ))
            .hint("name the role with `-U ROLE`")
            .shared_if(why.is_shared())
        })
    }

    fn signed_in(&self, kept: Kept) -> Result<SignedIn, Failure> {
        let (length, longest) = (kept.token.secret().len(), platform::LONGEST_VARIABLE);
        if length > longest {
            return Err(Failure::sign_in(format!(
                "the access token has {length} bytes, but the limit for a password is {longest} bytes"
            ))
            .hint("sign in as an identity with fewer claims, such as a managed identity or an application"));
        }
        let worked_out = || principal(&kept).ok_or_else(|| no_name(&kept.token));
        let role = self.plan.user.role(single_server(self.plan), worked_out)?;
        Ok(SignedIn {
            role,
            token: kept.token,
            choice: self.choice,
        })
    }
}

impl Source {
    fn create(method: Method, plan: &Plan, environment: &Environment) -> Result<Self, Failure> {
        if !matches!(method, Method::Env | Method::AzureCli) {
            check_cloud(plan)?;
        }
        Ok(match method {
            Method::Env => Self::Ready,
            Method::AzureCli => Self::AzureCli,
            Method::Azd => Self::Azd,
            Method::Workload(workload) => {
                Self::Workload(Credential::read(workload, plan, environment)?)
            }
            Method::Person(person) => Self::Person(Person::read(person, plan, environment)?),
        })
    }
}

pub fn sign_in(
    plan: &Plan,
    environment: &Environment,
    directory: Option<&PrivateDirectory>,
) -> Result<SignedIn, Failure> {
    Signer::new(plan, environment, directory)?.sign_in()
}

/// Leaves a failure for those who waited, if they would get the same.
fn tell(failure: &Failure, cache: Option<&Cache<'_>>) {
    if let Some(cache) = cache.filter(|_| failure.is_shared()) {
        cache.tell(failure, SystemTime::now());
    }
}

/// Explains the choice of the method if it may be the mistake, or with `--entra-verbose`. Most
/// people expect the Azure CLI.
fn explain(failure: Failure, choice: Choice, plan: &Plan) -> Failure {
    let is_expected = choice.method == Method::AzureCli && !plan.options.verbose;
    match choice.explained().filter(|_| !is_expected) {
        Some(choice) => failure.noting(&choice),
        None => failure,
    }
}

/// Refuses a cloud whose resource is only in the configuration of az.
fn check_cloud(plan: &Plan) -> Result<(), Failure> {
    match &plan.options.cloud {
        Some(Named::Other(name)) => Err(Failure::sign_in(format!(
            "the cloud `{name}` is unknown"
        ))
        .hint("name its resource with `--resource URI` and set `AZURE_AUTHORITY_HOST` to its Entra, or use `--auth azure-cli`")),
        Some(Named::Known(_)) | None => Ok(()),
    }
}

/// Returns the resource to ask for: the public cloud's if nothing names another.
pub fn resource(plan: &Plan) -> &str {
    let named = plan.resource.as_deref();
    named.unwrap_or(cloud::PUBLIC.resource)
}

/// Returns the role's name from the token's claims, else the one that was looked up.
fn principal(kept: &Kept) -> Option<String> {
    match role::identity(&kept.token) {
        Identity::Named(name) => Some(name),
        _ => kept.name.clone(),
    }
}

/// Returns the Single Server whose name the role ends in: the host's first label.
fn single_server(plan: &Plan) -> Option<&str> {
    let label = plan.host.split('.').next()?;
    plan.options.single_server.then_some(label)
}
