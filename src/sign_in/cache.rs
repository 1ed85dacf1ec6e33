//! Remembers tokens, so that only the first launch of an hour asks for one.
//!
//! A token has a place by what was asked for (method, resource, and whom that makes us: tenant, client, authority; for
//! az and azd their configuration, for az the subscription), and beside it stands the state that it was got in: that of
//! az's or azd's files, or a fingerprint of an application's secret or certificate. After `az logout`, `az login` as
//! somebody else, `az account set` or `az cloud set`, and with another secret, the state differs, and the token is
//! forgotten. Anything in that place that is not exactly what we wrote is a miss.

use std::hash::{DefaultHasher, Hasher as _};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::cli::{self, Options};
use crate::entra::cloud::Named;
use crate::entra::token::Token;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::intent::SignIn;
use crate::intent::role::User;
use crate::system::plain_file;
use crate::system::private_directory::{Exposed, PrivateDirectory};
use crate::system::terminal;
use crate::token::azd;
use crate::token::azure_cli;
use crate::token::tool::LONGEST_FILE;
use crate::token::workload::credential::Credential;

/// A token with less life left is fetched anew: the session that it opens may take a while to begin.
const LEAST_LIFE: Duration = Duration::from_secs(600);

/// How far ahead of ours the clock may be that a token was issued by.
const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// The files that say what state az is in. `az login`, `logout` and `account set` write the first, and `az cloud set`
/// and `az config set` the others.
const STATE_OF_AZ: [&str; 3] = [azure_cli::TOOL.profile, "clouds.config", "config"];

/// The files that say what state azd is in: who is signed in, and how it signs in.
const STATE_OF_AZD: [&str; 2] = [azd::TOOL.profile, "config.json"];

/// Variables that lead az to another identity or cloud.
const VARIABLES_OF_AZ: [&str; 3] = ["AZURE_CLOUD_NAME", "IDENTITY_ENDPOINT", "MSI_ENDPOINT"];

/// The place of one token.
pub struct Memory<'a> {
    directory: &'a PrivateDirectory,
    environment: &'a Environment,
    /// Whose state counts.
    keeper: Keeper,
    place: String,
    /// The keeper's state when we began.
    state: String,
    /// Whether the role's name may have to be looked up too, which can fail by itself.
    wants_name: bool,
}

/// Who keeps a sign-in whose end makes the token forgotten.
enum Keeper {
    /// az, with this configuration directory.
    AzureCli(Option<PathBuf>),
    /// azd, with this configuration directory.
    Azd(Option<PathBuf>),
    /// Nobody: the identity is the variables', and this is a fingerprint of what proves it.
    Nobody(String),
}

impl Keeper {
    /// The state that it is in now.
    fn state(&self, environment: &Environment) -> String {
        let files = |configuration: &Option<PathBuf>, names: &[&str]| -> Vec<_> {
            let read = |name| {
                let file = configuration.as_ref()?.join(name);
                let bytes = plain_file::read(&file, LONGEST_FILE).ok()?;
                Some(bytes.to_vec())
            };
            names.iter().map(read).collect()
        };
        match self {
            Self::AzureCli(configuration) => {
                let variables = VARIABLES_OF_AZ.map(|name| environment.get(name));
                let state = (files(configuration, &STATE_OF_AZ), variables);
                format!("{:016x}", hashed(state))
            }
            Self::Azd(configuration) => {
                format!("{:016x}", hashed(files(configuration, &STATE_OF_AZD)))
            }
            Self::Nobody(fingerprint) => fingerprint.clone(),
        }
    }
}

/// What is kept.
pub struct Kept {
    /// The token.
    pub token: Token,
    /// The role's name in Graph, where it was looked up.
    pub name: Option<String>,
}

/// Why a file that was kept is not used.
#[derive(Debug, PartialEq, Eq)]
pub enum Miss {
    /// Whoever keeps the sign-in is in another state now.
    OtherState,
    /// It isn't what we wrote, or the token has too little life left, or is of a clock that is ahead.
    Unusable,
}

impl Kept {
    /// Reads what was kept in the state `state`.
    ///
    /// # Errors
    ///
    /// [`Miss`].
    pub fn read(bytes: &[u8], state: &str, now: SystemTime) -> Result<Self, Miss> {
        let mut kept: Value = serde_json::from_slice(bytes).map_err(|_| Miss::Unusable)?;
        if kept["state"].as_str() != Some(state) {
            return Err(Miss::OtherState);
        }
        let Value::String(secret) = kept["token"].take() else {
            return Err(Miss::Unusable);
        };
        let token = Token::read(secret).map_err(|_| Miss::Unusable)?;
        let is_from_here = token
            .issued()
            .is_none_or(|issued| issued <= now + CLOCK_SKEW);
        if token.expires() < now + LEAST_LIFE || !is_from_here {
            return Err(Miss::Unusable);
        }
        let name = kept["name"].as_str().map(str::to_owned);
        Ok(Self { token, name })
    }
}

/// Reads a failure that was told in the state `state`, in the time `waited`, in nanoseconds since 1970.
#[must_use]
pub fn failure_in(bytes: &[u8], state: &str, waited: &RangeInclusive<u128>) -> Option<Failure> {
    let told: Value = serde_json::from_slice(bytes).ok()?;
    let at: u128 = told["at"].as_str()?.parse().ok()?;
    if told["state"].as_str() != Some(state) || !waited.contains(&at) {
        return None;
    }
    let failure = Failure::sign_in(told["cause"].as_str()?);
    let hints = told["hints"].as_array()?.iter().filter_map(Value::as_str);
    Some(hints.fold(failure, Failure::hint))
}

impl From<Token> for Kept {
    fn from(token: Token) -> Self {
        Self { token, name: None }
    }
}

impl<'a> Memory<'a> {
    /// The memory for the token of az's that `plan` wants.
    #[must_use]
    pub fn of_azure_cli(
        directory: &'a PrivateDirectory,
        plan: &SignIn,
        environment: &'a Environment,
    ) -> Self {
        let configuration = azure_cli::TOOL.configuration(environment);
        let Options {
            tenant,
            subscription,
            cloud,
            ..
        } = &plan.options;
        let asked = (
            "azure-cli",
            (&plan.resource, cloud.as_ref().map(Named::name)),
            tenant,
            subscription,
            &configuration,
        );
        let place = hashed(asked);
        let keeper = Keeper::AzureCli(configuration);
        Self::at(place, keeper, directory, plan, environment)
    }

    /// The memory for the token of azd's that `plan` wants for `resource`.
    #[must_use]
    pub fn of_azd(
        directory: &'a PrivateDirectory,
        plan: &SignIn,
        resource: &str,
        environment: &'a Environment,
    ) -> Self {
        let configuration = azd::TOOL.configuration(environment);
        let asked = ("azd", resource, &plan.options.tenant, &configuration);
        let place = hashed(asked);
        let keeper = Keeper::Azd(configuration);
        Self::at(place, keeper, directory, plan, environment)
    }

    /// The memory for the token that `plan` wants for `resource` as an application or a managed identity.
    #[must_use]
    pub fn of_credential(
        directory: &'a PrivateDirectory,
        plan: &SignIn,
        resource: &str,
        (method, credential): (&str, &Credential),
        environment: &'a Environment,
    ) -> Self {
        let endpoint = environment.get("IDENTITY_ENDPOINT");
        let asked = (method, resource, credential.key(), endpoint);
        let keeper = Keeper::Nobody(credential.fingerprint());
        Self::at(hashed(asked), keeper, directory, plan, environment)
    }

    fn at(
        place: u64,
        keeper: Keeper,
        directory: &'a PrivateDirectory,
        plan: &SignIn,
        environment: &'a Environment,
    ) -> Self {
        Self {
            place: format!("token-{place:016x}"),
            state: keeper.state(environment),
            wants_name: plan.user == User::Unnamed,
            directory,
            environment,
            keeper,
        }
    }

    /// The name of the lock for those who want the same token.
    #[must_use]
    pub fn lock(&self) -> String {
        format!("{}.lock", self.place)
    }

    /// The token, if it is the one that would be asked for now and has enough life left.
    ///
    /// A file that others could have read or written is not used, which is said.
    #[must_use]
    pub fn recall(&self, now: SystemTime) -> Option<Kept> {
        let bytes = match self.directory.read(&self.place) {
            Ok(bytes) => bytes?,
            Err(Exposed(why)) => {
                terminal::warn(&format!("the remembered token is not used: {why}"));
                return None;
            }
        };
        match Kept::read(&bytes, &self.state, now) {
            Ok(kept) => Some(kept),
            Err(Miss::OtherState) => {
                self.directory.remove(&self.place);
                None
            }
            Err(Miss::Unusable) => None,
        }
    }

    /// Keeps a token, in the place of the one before. Where that cannot be, or the state changed while it was got,
    /// nothing is kept.
    pub fn keep(&self, kept: &Kept) {
        if self.keeper.state(self.environment) != self.state {
            return;
        }
        let kept = json!({"state": self.state, "token": kept.token.secret(), "name": kept.name});
        // A full disk makes the next launch slower, and no more.
        let _ = self
            .directory
            .replace(&self.place, kept.to_string().as_bytes());
    }

    /// Leaves a failure for those who waited while we tried.
    pub fn tell(&self, failure: &Failure, now: SystemTime) {
        let told = json!({
            "state": self.state,
            "at": nanoseconds(now).to_string(),
            "cause": failure.cause(),
            "hints": failure.hints(),
        });
        let _ = self
            .directory
            .replace(&self.place_of_failure(), told.to_string().as_bytes());
    }

    /// The failure of somebody who tried while we waited, from `then` to `now`. What is of later than now was told by a clock
    /// that was ahead.
    #[must_use]
    pub fn told_between(&self, then: SystemTime, now: SystemTime) -> Option<Failure> {
        let bytes = self.directory.read(&self.place_of_failure()).ok()??;
        let waited = nanoseconds(then)..=nanoseconds(now);
        failure_in(&bytes, &self.state, &waited)
    }

    fn place_of_failure(&self) -> String {
        let what = if self.wants_name { "role" } else { "token" };
        format!("{}.{what}-failure", self.place)
    }
}

/// Forgets every token, with the failures that stand beside it, and says how many tokens there were.
#[must_use]
pub fn forget_all(directory: &PrivateDirectory) -> usize {
    let mut count = 0;
    for name in directory.names() {
        let (place, ending) = name.split_once('.').unwrap_or((&name, ""));
        // Somebody may be waiting for a lock.
        if place.starts_with("token-") && !ending.starts_with("lock") {
            directory.remove(&name);
            count += usize::from(ending.is_empty());
        }
    }
    count
}

/// Whether tokens are to be remembered: not where `ENTRA_PSQL_CACHE` is `off` (or anything but `on`: whoever sets it
/// wants less kept), and not in CI.
#[must_use]
pub fn is_wanted(environment: &Environment) -> bool {
    let set = environment.get_filled(cli::CACHE);
    set.is_none_or(|value| value == "on") && environment.get_filled("CI").is_none()
}

fn hashed(what: impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

fn nanoseconds(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos()
}
