//! Signs in: a token, and the role it is for.

use std::time::SystemTime;

use crate::azd::{self, Azd};
use crate::azure_cli::{self, AzureCli};
use crate::deadline::Deadline;
use crate::decision::SignIn;
use crate::decision::method::{self, Choice, Presence};
use crate::decision::user::{Role, User};
use crate::entra::cloud::{self, Named};
use crate::entra::role::{self, Identity};
use crate::entra::token::Token;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::identity::{self, credential::Credential, imds};
use crate::method::{Method, Workload};
use crate::platform;
use crate::private_directory::PrivateDirectory;
use crate::remember::{self, Kept, Memory};
use crate::turn::Turn;

/// A role and the token to sign in as it.
pub struct SignedIn {
    /// The role.
    pub role: Role,
    /// The token.
    pub token: Token,
    /// How it was got.
    pub choice: Choice,
}

/// Gets the token, and works the role out where nobody named it. A remembered token is used where there is one; else
/// it is fetched, and those who launched at the same time wait for it. A ready token is never remembered.
///
/// # Errors
///
/// The token cannot be got, or nothing says who the role is.
pub fn sign_in(
    plan: &SignIn,
    environment: &Environment,
    directory: Option<&PrivateDirectory>,
) -> Result<SignedIn, Failure> {
    let attempt = Attempt::new(plan, environment, directory);
    let choice = attempt.choice()?;
    let kept = attempt.kept(choice.method);
    let signed_in = kept.and_then(|kept| signed_in(plan, kept, choice));
    let signed_in = signed_in.and_then(arriving_whole);
    // Who did not choose the method hears which it was.
    signed_in.map_err(|failure| match choice.explained() {
        Some(choice) => failure.noting(&choice),
        None => failure,
    })
}

/// Refuses a token that what hands it over would cut: one with very many claims.
fn arriving_whole(signed_in: SignedIn) -> Result<SignedIn, Failure> {
    let (length, longest) = (signed_in.token.secret().len(), platform::LONGEST_VARIABLE);
    if length <= longest {
        return Ok(signed_in);
    }
    Err(Failure::sign_in(format!(
        "the token has {length} bytes, and no more than {longest} reach the server"
    ))
    .hint("sign in as an identity with fewer claims, such as a managed identity or an application"))
}

/// How [`sign_in`] gets the token: as `plan` says, else by what there is on this machine.
///
/// # Errors
///
/// Nothing here can get a token.
pub fn choice(
    plan: &SignIn,
    environment: &Environment,
    directory: Option<&PrivateDirectory>,
) -> Result<Choice, Failure> {
    Attempt::new(plan, environment, directory).choice()
}

/// One sign-in, and all that it goes by.
struct Attempt<'a> {
    plan: &'a SignIn,
    environment: &'a Environment,
    directory: Option<&'a PrivateDirectory>,
    /// The same, where tokens are to be remembered.
    remembers: Option<&'a PrivateDirectory>,
    deadline: Deadline,
}

impl<'a> Attempt<'a> {
    fn new(
        plan: &'a SignIn,
        environment: &'a Environment,
        directory: Option<&'a PrivateDirectory>,
    ) -> Self {
        let method = plan.choice.map(|choice| choice.method);
        Self {
            plan,
            environment,
            directory,
            remembers: directory.filter(|_| remember::is_wanted(environment)),
            deadline: Deadline::after(plan.options.time_for_signing_in(method)),
        }
    }

    fn choice(&self) -> Result<Choice, Failure> {
        self.plan.choice.map_or_else(|| self.look_around(), Ok)
    }

    /// Chooses by what there is on this machine. Its own identity is looked for last, since that takes a connection; where
    /// a token of it is remembered, it was there.
    fn look_around(&self) -> Result<Choice, Failure> {
        let azd = || azd::presence(self.environment);
        let workload = Workload::ManagedIdentity;
        let has_identity = || {
            let credential = Credential::read(workload, self.plan, self.environment);
            credential.is_ok_and(|credential| {
                let memory = self.memory_of(workload.name(), &credential);
                self.recall(memory.as_ref()).is_some() || imds::answers(&credential)
            })
        };
        method::among(azure_cli::presence(self.environment), azd, has_identity)
            .ok_or_else(|| nothing_seen(azd()))
    }

    /// The token, got by `method`.
    fn kept(&self, method: Method) -> Result<Kept, Failure> {
        let Self {
            plan, environment, ..
        } = *self;
        match method {
            Method::Env => self.ready(),
            Method::AzureCli => {
                let memory = self
                    .remembers
                    .map(|directory| Memory::of_azure_cli(directory, plan, environment));
                self.fetched(memory.as_ref(), || {
                    AzureCli::find(environment, &plan.options, self.directory, self.deadline)
                        .map(Source::AzureCli)
                })
            }
            Method::Azd => {
                self.knows_resource()?;
                let memory = self
                    .remembers
                    .map(|directory| Memory::of_azd(directory, plan, self.resource(), environment));
                let memory = memory.as_ref();
                self.fetched(memory, || {
                    let azd =
                        Azd::find(environment, plan.options.tenant.as_deref(), self.deadline)?;
                    Ok(Source::Azd {
                        azd,
                        _turn: self.turn(memory),
                    })
                })
            }
            Method::Workload(workload) => {
                self.knows_resource()?;
                let credential = Credential::read(workload, plan, environment)?;
                self.fetched_as(credential, workload.name())
            }
            Method::Person(person) => {
                self.knows_resource()?;
                let credential = Credential::of_person(person, plan, environment)?;
                self.fetched_as(credential, person.name())
            }
        }
    }

    /// Looks whether the resource can be known without az.
    fn knows_resource(&self) -> Result<(), Failure> {
        match &self.plan.options.cloud {
            Some(Named::Other(name)) => Err(Failure::sign_in(format!(
                "the cloud `{name}` is not known here"
            ))
            .hint("name its resource with `--resource URI` and its Entra in `AZURE_AUTHORITY_HOST`, or have az say them: `--auth azure-cli`")),
            Some(Named::Known(_)) | None => Ok(()),
        }
    }

    /// The token, got as whoever `credential` is.
    fn fetched_as(&self, credential: Credential, method: &str) -> Result<Kept, Failure> {
        let memory = self.memory_of(method, &credential);
        let memory = memory.as_ref();
        self.fetched(memory, || {
            Ok(Source::Identity {
                credential,
                _turn: self.turn(memory),
            })
        })
    }

    fn memory_of(&self, method: &str, credential: &Credential) -> Option<Memory<'a>> {
        let directory = self.remembers?;
        let identity = (method, credential);
        let resource = self.resource();
        let memory =
            Memory::of_credential(directory, self.plan, resource, identity, self.environment);
        Some(memory)
    }

    /// The resource for those who have to be told it: the public cloud's where nothing names another.
    fn resource(&self) -> &'a str {
        let named = self.plan.resource.as_deref();
        named.unwrap_or(cloud::PUBLIC.resource)
    }

    /// Waits for those who fetch the same. Where nothing is remembered, there is nothing to wait for.
    fn turn(&self, memory: Option<&Memory<'_>>) -> Option<Turn> {
        memory.map(|memory| Turn::take(self.directory, &memory.lock(), self.deadline))
    }

    /// The token that somebody else got.
    fn ready(&self) -> Result<Kept, Failure> {
        let resource = self.plan.resource.as_deref();
        let token = identity::ready::token(self.environment, resource, self.deadline)?;
        let kept = Kept::from(token);
        if says_role(self.plan, &kept) {
            Ok(kept)
        } else {
            Err(no_name(&kept.token))
        }
    }

    fn recall(&self, memory: Option<&Memory<'_>>) -> Option<Kept> {
        memory
            .filter(|_| !self.plan.options.has("fresh"))?
            .recall(SystemTime::now())
    }

    /// The failure of somebody who tried while we waited. Who wants a new token wants a new answer too.
    fn told_since(&self, started: SystemTime, memory: Option<&Memory<'_>>) -> Option<Failure> {
        memory
            .filter(|_| !self.plan.options.has("fresh"))?
            .told_between(started, SystemTime::now())
    }

    fn token(&self, source: &Source<'_>) -> Result<Token, Failure> {
        match source {
            Source::AzureCli(az) => az.token(self.plan.resource.as_deref(), self.plan.cloud_name()),
            Source::Azd { azd, .. } => azd.token(self.resource()),
            Source::Identity { credential, .. } => {
                identity::token(credential, self.resource(), self.deadline)
            }
        }
    }

    /// A token from `memory`, or else from the source that `find` waits for.
    fn fetched<'s>(
        &self,
        memory: Option<&Memory<'_>>,
        find: impl FnOnce() -> Result<Source<'s>, Failure>,
    ) -> Result<Kept, Failure> {
        let started = SystemTime::now();
        let is_enough = |kept: &Kept| says_role(self.plan, kept);
        if let Some(kept) = self.recall(memory).filter(is_enough) {
            return Ok(kept);
        }
        let source = find()?;
        // Others may have been at it while we waited for our turn.
        let recalled = self.recall(memory);
        if recalled.is_none()
            && let Some(failure) = self.told_since(started, memory)
        {
            return Err(failure);
        }
        let keep = |kept: &Kept| {
            if let Some(memory) = memory {
                memory.keep(kept);
            }
        };
        let fetch = || {
            let mut kept = match recalled {
                Some(kept) => kept,
                None => Kept::from(self.token(&source)?),
            };
            keep(&kept);
            if !is_enough(&kept) {
                kept.name = Some(match &source {
                    Source::AzureCli(az) => name_in_graph(&kept.token, az)?,
                    Source::Azd { .. } | Source::Identity { .. } => {
                        return Err(no_name(&kept.token));
                    }
                });
                keep(&kept);
            }
            Ok(kept)
        };
        fetch().inspect_err(|failure| {
            if let Some(memory) = memory.filter(|_| failure.is_shared()) {
                memory.tell(failure, SystemTime::now());
            }
        })
    }
}

/// Where tokens are fetched, once it is our turn.
enum Source<'a> {
    AzureCli(AzureCli<'a>),
    Azd {
        azd: Azd,
        _turn: Option<Turn>,
    },
    Identity {
        credential: Credential,
        _turn: Option<Turn>,
    },
}

/// `auto` saw nothing that gets tokens.
fn nothing_seen(azd: Presence) -> Failure {
    let azd = match azd {
        Presence::Missing => "neither `az` nor `azd` is on `PATH`",
        Presence::Installed | Presence::SignedIn => {
            "`az` is not on `PATH`, nobody is signed in to `azd`"
        }
    };
    Failure::sign_in(format!(
        "nothing here can get a token: no variable names an identity, {azd}, and this machine has no identity endpoint"
    ))
    .hint("install the Azure CLI and sign in with `az login`, or say another way with `--auth METHOD`")
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

/// Whether a role is named, or the token or what was kept with it says it.
fn says_role(plan: &SignIn, kept: &Kept) -> bool {
    let is_named = matches!(plan.user, User::Named { .. });
    is_named || kept.name.is_some() || matches!(role::identity(&kept.token), Identity::Named(_))
}

/// Puts role and token together, where [`says_role`].
fn signed_in(plan: &SignIn, kept: Kept, choice: Choice) -> Result<SignedIn, Failure> {
    let Kept { token, name } = kept;
    let role = plan
        .user
        .role(single_server(plan), || match role::identity(&token) {
            Identity::Named(name) => name,
            _ => name.unwrap_or_default(),
        })?;
    Ok(SignedIn {
        role,
        token,
        choice,
    })
}

/// The Single Server whose name the role ends in: the host's first label.
fn single_server(plan: &SignIn) -> Option<&str> {
    let label = plan.host.split('.').next()?;
    plan.options.has("single-server").then_some(label)
}

/// The role's name by Graph, where the token does not say it.
fn name_in_graph(token: &Token, az: &AzureCli<'_>) -> Result<String, Failure> {
    let oid = token.claim("oid");
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
