//! Signs in: made once, and asked by a launch, by the doctor, and for as many connections as there
//! are.

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
use crate::system::private_directory::PrivateDirectory;
use crate::token::CacheKey;
use crate::token::azd::{self, Azd};
use crate::token::azure_cli::{self, AzureCli};
use crate::token::person::{self, Person};
use crate::token::ready;
use crate::token::turn::Turn;
use crate::token::workload::{self, Credential};

use super::cache::{Cache, Kept};
use super::choose;

/// A role and the token to sign in as it.
pub struct SignedIn {
    pub role: Role,
    pub token: Token,
    /// How it was got.
    pub choice: Choice,
}

/// One way to sign in, as a plan has it.
pub struct Signer<'a> {
    plan: &'a Plan,
    environment: &'a Environment,
    directory: Option<&'a PrivateDirectory>,
    choice: Choice,
    source: Source,
}

/// Where tokens come from.
enum Source {
    AzureCli,
    Azd,
    Workload(Credential),
    Person(Person),
    Ready,
}

impl<'a> Signer<'a> {
    /// Settles on the method, as `plan` says, else by what there is on this machine.
    ///
    /// # Errors
    ///
    /// Nothing here can get a token, or what the method needs is missing or wrong.
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
            .map_err(|failure| explained(choice, failure))?;
        Ok(Self {
            plan,
            environment,
            directory,
            choice,
            source,
        })
    }

    /// Gets a token, and works the role out if nobody named it. A cached token is used if there is
    /// one; otherwise it is fetched, and those who ask at the same time wait for it.
    ///
    /// # Errors
    ///
    /// The token can't be got, or nothing says who the role is.
    pub fn sign_in(&self) -> Result<SignedIn, Failure> {
        self.kept()
            .and_then(|kept| self.signed_in(kept))
            .map_err(|failure| explained(self.choice, failure))
    }

    fn kept(&self) -> Result<Kept, Failure> {
        let method = Some(self.choice.method);
        let deadline = Deadline::after(self.plan.options.time_for_signing_in(method));
        let started = SystemTime::now();
        let cache = self.cache();
        let cache = cache.as_ref();
        if let Some(kept) = self.recall(cache).filter(|kept| self.says_role(kept)) {
            return Ok(kept);
        }
        let _turn = self.wait_for_turn(cache, deadline);
        let recalled = self.recall(cache);
        if recalled.is_none()
            && let Some(failure) = self.hear_since(started, cache)
        {
            return Err(failure);
        }
        self.fetch(recalled, cache, deadline)
            .inspect_err(|failure| tell(failure, cache))
    }

    /// Where the token is kept, unless nothing is. It is looked for at each asking, since the state
    /// that it was got in changes.
    fn cache(&self) -> Option<Cache<'a>> {
        let directory = self.directory.filter(|_| self.plan.keeps_token)?;
        let wants_name = self.plan.user == User::Unnamed;
        Some(Cache::new(directory, self.key()?, wants_name))
    }

    fn recall(&self, cache: Option<&Cache<'_>>) -> Option<Kept> {
        cache
            .filter(|_| !self.plan.options.fresh)?
            .recall(SystemTime::now())
            // A managed identity's is kept whatever the tenant was.
            .filter(|kept| self.check_tenant(&kept.token).is_ok())
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

    /// Waits for those who fetch the same, or who use the same tool.
    fn wait_for_turn(&self, cache: Option<&Cache<'_>>, deadline: Deadline) -> Option<Turn> {
        let lock = match self.source {
            Source::AzureCli => azure_cli::LOCK.to_owned(),
            _ => cache?.lock(),
        };
        Some(Turn::take(self.directory, &lock, deadline))
    }

    /// The failure of somebody who tried while we waited. Who wants a new token wants a new answer
    /// too.
    fn hear_since(&self, started: SystemTime, cache: Option<&Cache<'_>>) -> Option<Failure> {
        cache
            .filter(|_| !self.plan.options.fresh)?
            .told_between(started, SystemTime::now())
    }

    /// Fetches what is missing of a token and the name of its role, and keeps each as soon as it is
    /// there.
    fn fetch(
        &self,
        recalled: Option<Kept>,
        cache: Option<&Cache<'_>>,
        deadline: Deadline,
    ) -> Result<Kept, Failure> {
        let mut kept = if let Some(kept) = recalled {
            kept
        } else {
            let token = self.token(deadline)?;
            self.check_tenant(&token)?;
            Kept::from(token)
        };
        self.keep(&kept, cache);
        if !self.says_role(&kept) {
            kept.name = Some(self.name(&kept.token, deadline)?);
            self.keep(&kept, cache);
        }
        Ok(kept)
    }

    /// Keeps a token, unless what it was got from changed meanwhile.
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

    /// What tells the token that is wanted from others, and the state that it is got in. A ready
    /// token has neither.
    fn key(&self) -> Option<CacheKey> {
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

    /// Whether a role is named, or the token or what was kept with it says it.
    fn says_role(&self, kept: &Kept) -> bool {
        self.plan.user != User::Unnamed || principal(kept).is_some()
    }

    /// The role's name by Graph, if the token does not say it.
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
                format!("`{address}`, a guest of this tenant,"),
            ),
            Identity::ServicePrincipal { app_id } => (
                az.service_principal(&app_id, oid),
                format!("the service principal `{app_id}`"),
            ),
            Identity::Unnamed => return Err(no_name(token)),
        };
        found.map_err(|why| {
            Failure::sign_in(format!(
                "the role of {whose} is not in the token, and {}",
                why.cause()
            ))
            .hint("say who to sign in as: `-U ROLE`")
            .shared_if(why.is_shared())
        })
    }

    /// Puts role and token together.
    fn signed_in(&self, kept: Kept) -> Result<SignedIn, Failure> {
        let (length, longest) = (kept.token.secret().len(), platform::LONGEST_VARIABLE);
        if length > longest {
            return Err(Failure::sign_in(format!(
                "the token has {length} bytes, and no more than {longest} reach the server"
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

/// Signs in once.
///
/// # Errors
///
/// As for [`Signer::new`] and [`Signer::sign_in`].
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

/// Who did not choose the method hears which it was.
fn explained(choice: Choice, failure: Failure) -> Failure {
    match choice.explained() {
        Some(choice) => failure.noting(&choice),
        None => failure,
    }
}

/// Refuses a cloud whose resource only az could know.
fn check_cloud(plan: &Plan) -> Result<(), Failure> {
    match &plan.options.cloud {
        Some(Named::Other(name)) => Err(Failure::sign_in(format!(
            "the cloud `{name}` is not known here"
        ))
        .hint("name its resource with `--resource URI` and its Entra in `AZURE_AUTHORITY_HOST`, or have az say them: `--auth azure-cli`")),
        Some(Named::Known(_)) | None => Ok(()),
    }
}

/// The resource for those who have to be told it: the public cloud's if nothing names another.
pub fn resource(plan: &Plan) -> &str {
    let named = plan.resource.as_deref();
    named.unwrap_or(cloud::PUBLIC.resource)
}

/// Who a token is for, by its claims or by what was looked up for it.
fn principal(kept: &Kept) -> Option<String> {
    match role::identity(&kept.token) {
        Identity::Named(name) => Some(name),
        _ => kept.name.clone(),
    }
}

/// The token is of another tenant than `tenant`, which was named.
fn of_another_tenant(token: &Token, tenant: &str, method: Method) -> Failure {
    const LEAVE_OUT: &str = "or leave `--tenant` and `ENTRA_PSQL_TENANT` out";
    let own = token.claim("tid").unwrap_or("none");
    let remedy = match method {
        Method::AzureCli => format!("run `az login --tenant {tenant}`"),
        _ => "sign in as an identity of that tenant with `--auth METHOD`".to_owned(),
    };
    Failure::sign_in(format!(
        "the access token is for the tenant `{own}`, not for `{tenant}`"
    ))
    .hint(format!("{remedy}, {LEAVE_OUT}"))
}

/// Nothing says the role, and there is nobody to ask.
fn no_name(token: &Token) -> Failure {
    let cause = match role::identity(token) {
        Identity::ServicePrincipal { app_id } => {
            format!("the role of the service principal `{app_id}` is not in the token")
        }
        Identity::Guest { address } => {
            format!("the role of `{address}`, a guest of this tenant, is not in the token")
        }
        Identity::Named(_) | Identity::Unnamed => "the token does not say whose it is".to_owned(),
    };
    Failure::sign_in(cause).hint("say who to sign in as: `-U ROLE`")
}

/// The Single Server whose name the role ends in: the host's first label.
fn single_server(plan: &Plan) -> Option<&str> {
    let label = plan.host.split('.').next()?;
    plan.options.single_server.then_some(label)
}
