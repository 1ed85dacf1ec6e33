//! Gets tokens as an application or a managed identity, through Azure's SDK.
//!
//! [`credential`] reads who we are to be from the variables, [`transport`] carries requests, [`github`] has a job of
//! GitHub's vouch for us, [`complaint`] reads what went wrong. HTTP, TLS and a runtime are built here alone, and only
//! when a token is to be fetched.

pub mod complaint;
pub mod credential;
pub mod github;
pub mod ready;
pub mod transport;

use std::sync::Arc;
use std::time::SystemTime;

use azure_core::credentials::TokenCredential;

use crate::deadline::Deadline;
use crate::entra::token::Token;
use crate::failure::Failure;

use complaint::Complaint;
use credential::Credential;
use transport::Transport;

/// Gets a token for `resource` before the deadline, and looks at it.
///
/// # Errors
///
/// Whoever gives out tokens refuses, cannot be reached, is too slow, or answers with something else.
pub fn token(
    credential: &Credential,
    resource: &str,
    deadline: Deadline,
) -> Result<Token, Failure> {
    let transport = Arc::new(Transport::new(credential)?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|why| Failure::sign_in(format!("no connection can be made: {why}")))?;
    let answer = runtime.block_on(async {
        let asked = ask(credential, &transport, resource);
        tokio::time::timeout(deadline.remaining(), asked).await
    });
    // A name that is still being looked up would be waited for otherwise.
    runtime.shutdown_background();
    let complaint = Complaint {
        credential,
        seen: transport.seen(),
    };
    let secret = match answer {
        Err(_) => return Err(complaint.silence(deadline)),
        Ok(Err(error)) => return Err(complaint.failure(&error)),
        Ok(Ok(secret)) => secret,
    };
    let token = Token::read(secret).map_err(|why| complaint.unusable(&why, resource))?;
    token
        .check(Some(resource), SystemTime::now())
        .map_err(|why| complaint.unusable(&why, resource))?;
    Ok(token)
}

async fn ask(
    credential: &Credential,
    transport: &Arc<Transport>,
    resource: &str,
) -> azure_core::Result<String> {
    let source: Arc<dyn TokenCredential> = credential.with(transport)?;
    let scope = format!("{resource}/.default");
    let answer = source.get_token(&[&scope], None).await?;
    Ok(answer.token.secret().to_owned())
}
