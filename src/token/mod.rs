//! The ways to get a token: through a tool that a person signs in to ([`azure_cli`], [`azd`]), as
//! an application or a managed identity ([`workload`]), as a [`person`], or one that is there
//! already ([`ready`]).

pub mod azd;
pub mod azure_cli;
pub mod http;
pub mod person;
pub mod ready;
pub mod tool;
pub mod turn;
mod variables;
pub mod workload;

/// What a token is kept under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheKey {
    /// What was asked for, and as whom. It holds no secret.
    pub identity: String,
    /// The state that it was got in: a digest of a tool's own files, or of what proves an
    /// application. If it differs, the token is forgotten.
    pub state: String,
}
