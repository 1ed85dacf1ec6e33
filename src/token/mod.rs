//! Gets tokens: through a tool that a person signs in to ([`azure_cli`], [`azd`]), as an
//! application or a managed identity ([`workload`]), as a [`person`], or a token that is ready
//! ([`ready`]).

pub mod azd;
pub mod azure_cli;
pub mod http;
pub mod lock;
pub mod person;
pub mod ready;
pub mod tool;
mod variables;
pub mod workload;

use std::time::Duration;

use serde_json::Value;

/// How much life a cached token has at least, if the source would give a newer one: the session
/// that it opens may take a while to begin.
const LEAST_LIFE: Duration = Duration::from_secs(600);

/// What a token is cached under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheKey {
    /// What was asked for, and as whom. It holds no secret.
    pub identity: String,
    /// The state that the token was issued in: a digest of a tool's own files, or of an
    /// application's proof. If it differs, the token is dropped.
    pub state: String,
    /// With less life left, the token is fetched again. It is the time at which the source stops
    /// giving the same token: before that, asking it gains nothing.
    pub least_life: Duration,
}

impl CacheKey {
    /// Returns whether a document was kept under this key.
    pub fn is_of(&self, kept: &Value) -> bool {
        let is = |name: &str, value: &str| kept[name].as_str() == Some(value);
        is("identity", &self.identity) && is("state", &self.state)
    }
}
