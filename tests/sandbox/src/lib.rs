//! A Microsoft Entra, an Azure Database for PostgreSQL and a signed-in Azure CLI, on loopback and
//! in one temporary directory: for trying entra-psql, and for its tests and benchmarks.
//!
//! PostgreSQL, the Azure CLI, TLS, and the form and signatures of tokens are real. Entra ([`entra`])
//! and what Azure puts in front of PostgreSQL ([`gateway`]) are imitated. Nothing here uses the
//! internet, except to install the Azure CLI once.
//!
//! [`Sandbox`] starts everything:
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

#![allow(
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    missing_docs,
    reason = "only this repository links to it, and a name that says it all needs no comment"
)]

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
    entra::{Behaviour, Entra, ExpiresIn, Fault, Graph, GroupList, Person, Refusal, Row},
    gateway::{Gateway, Manner},
    prerequisites::ensure_programs,
    sandbox::Sandbox,
    secret_service::SecretService,
    token::TokenChanges,
};
