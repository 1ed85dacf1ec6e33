//! Gets tokens as an application, a managed identity or a person, without az: the first two through Azure's SDK.
//!
//! [`credential`] reads who we are to be from the variables, `sdk.rs` says it to the SDK, [`transport`] carries requests,
//! [`github`] has a job of GitHub's vouch for us, [`certificate`] has us vouch for ourselves; [`person`] signs people in,
//! without the SDK. [`imds`] looks for a virtual machine's identity, [`complaint`] reads what went wrong. HTTP, TLS and a
//! runtime are built here alone, and only when a token is to be fetched or that identity to be looked for. [`ready`] takes
//! a token that is there already.

pub mod certificate;
pub mod complaint;
pub mod credential;
pub mod github;
pub mod imds;
pub mod person;
pub mod ready;
mod sdk;
pub mod transport;
mod variables;

use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use tokio::runtime::Runtime;

use crate::deadline::Deadline;
use crate::entra::token::Token;
use crate::failure::Failure;
use crate::threads;

use complaint::Complaint;
use credential::Credential;
use person::Entra;
use transport::Transport;

/// How long a thread that looked a name up waits for the next one: longer than signing in takes.
const KEPT_ALIVE: Duration = Duration::from_secs(24 * 60 * 60);

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
    if let Credential::Person(person) = credential {
        let entra = Entra::of(person, credential, &transport, resource, deadline)?;
        let runtime = runtime()?;
        let token = person::token(person, &runtime, &entra);
        runtime.shutdown_background();
        return token;
    }
    let source = credential.with(&transport)?;
    let answer = before(deadline.remaining(), ask(&*source, resource))?;
    let complaint = Complaint {
        credential,
        seen: transport.seen(),
    };
    let secret = match answer {
        None => return Err(complaint.silence(deadline)),
        Some(Err(error)) => return Err(complaint.failure(&error)),
        Some(Ok(secret)) => secret,
    };
    complaint.checked(secret, resource)
}

async fn ask(source: &dyn TokenCredential, resource: &str) -> azure_core::Result<String> {
    let scope = format!("{resource}/.default");
    let answer = source.get_token(&[&scope], None).await?;
    Ok(answer.token.secret().to_owned())
}

/// What `work` comes to within `time`; `None` where it takes longer.
fn before<T>(time: Duration, work: impl Future<Output = T>) -> Result<Option<T>, Failure> {
    let runtime = runtime()?;
    let done = runtime.block_on(async { tokio::time::timeout(time, work).await });
    // A name that is still being looked up would be waited for otherwise.
    runtime.shutdown_background();
    Ok(done.ok())
}

fn runtime() -> Result<Runtime, Failure> {
    let unusable =
        |why| Failure::sign_in(format!("no connection can be made: {why}")).hint(threads::REMEDY);
    threads::check(1).map_err(unusable)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .thread_keep_alive(KEPT_ALIVE)
        .build()
        .map_err(unusable)?;
    // Tokio panics where it gets no thread to look a name up. Once it has one, it does with that.
    drop(runtime.spawn_blocking(|| ()));
    Ok(runtime)
}
