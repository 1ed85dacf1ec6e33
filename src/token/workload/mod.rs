//! Gets tokens as an application or a managed identity, through Azure's SDK.
//!
//! [`credential`] reads the identity from variables, and `sdk.rs` passes it to the SDK. An
//! application proves itself with a cluster's token ([`federated`]), a job's ([`github_actions`])
//! or a [`certificate`]. [`metadata_service`] looks for a virtual machine's managed identity.

pub mod certificate;
pub mod credential;
pub mod federated;
pub mod github_actions;
pub mod metadata_service;
mod sdk;

use std::sync::Arc;

use azure_core::credentials::TokenCredential;

use crate::entra::token::Token;
use crate::failure::Failure;
use crate::system::deadline::Deadline;
use crate::system::waiting::Waiting;
use crate::token::http::errors::RequestError;
use crate::token::http::runtime::block_on;
use crate::token::http::transport::Exchange;

pub use credential::Credential;

/// Gets and checks a token for `resource` before the deadline.
pub fn token(
    credential: &Credential,
    resource: &str,
    deadline: Deadline,
) -> Result<Token, Failure> {
    let transport = Arc::new(credential.transport()?);
    let source = credential.for_sdk(&transport)?;
    let asked = credential.asked();
    let waiting = Waiting::begin(&asked.name(&Exchange::default()));
    let answer = block_on(deadline.remaining(), ask(&*source, resource))?;
    drop(waiting);
    let request = RequestError {
        asked: &asked,
        seen: transport.seen(),
    };
    let secret = match answer {
        None => return Err(request.silence(deadline)),
        Some(Err(error)) => return Err(request.failure(&error)),
        Some(Ok(secret)) => secret,
    };
    request.checked(secret, resource)
}

async fn ask(source: &dyn TokenCredential, resource: &str) -> azure_core::Result<String> {
    let scope = format!("{resource}/.default");
    let answer = source.get_token(&[&scope], None).await?;
    Ok(answer.token.secret().to_owned())
}
