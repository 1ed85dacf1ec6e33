//! A Microsoft Entra, an Azure Database for PostgreSQL and a signed-in Azure CLI, on loopback and
//! in one temporary directory: what a newcomer tries entra-psql with, and what its tests and
//! benchmarks run against.
//!
//! Real are PostgreSQL, the Azure CLI, TLS, and the tokens' form and signatures. Played are Entra
//! ([`entra`]) and what Azure puts in front of PostgreSQL ([`gateway`]). Nothing here reaches the
//! internet, but for installing the Azure CLI once.
//!
//! [`Sandbox`] brings everything up:
//!
//! ```no_run
//! use sandbox::{Identity, Sandbox, TokenChanges};
//!
//! let sandbox = Sandbox::start()?;
//! let home = tempfile::tempdir()?;
//! sandbox.sign_in(home.path(), Identity::Alice)?;
//! let token = sandbox.issue(Identity::Alice, &TokenChanges::none());
//! # Ok::<(), sandbox::Error>(())
//! ```

pub mod authority;
pub mod azure_cli;
pub mod cache;
pub mod certificates;
pub mod clouds;
pub mod directory;
pub mod entra;
pub mod gateway;
pub mod keys;
mod nushell;
pub mod postgres;
mod prerequisites;
mod progress;
mod psycopg;
mod python;
mod runtime;
mod sandbox;
mod secret_service;
pub mod token;

pub use anyhow::Error;

pub use crate::{
    certificates::{ClientCertificate, Encryption, KeyKind},
    directory::Identity,
    entra::{Behaviour, Entra, ExpiresIn, Fault, Person, Refusal},
    gateway::{Gateway, Manner},
    prerequisites::ensure_programs,
    sandbox::Sandbox,
    secret_service::SecretService,
    token::TokenChanges,
};
