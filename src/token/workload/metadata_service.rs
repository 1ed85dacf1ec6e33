//! Looks for the managed identity endpoint of a virtual machine (the Instance Metadata Service),
//! for `auto`.
//!
//! The request lacks the header `Metadata: true`, like the probe of Azure's own SDKs. The service
//! refuses it at once with status 400. Other clouds' services at this address answer otherwise.

use std::sync::Arc;
use std::time::Duration;

use azure_core::http::{HttpClient as _, Method, Request, Url};

use crate::token::http::runtime::block_on;

use super::credential::Credential;

const ENDPOINT: &str = "http://169.254.169.254/metadata/identity/oauth2/token";

/// How long to wait: the service is on the same machine.
const PATIENCE: Duration = Duration::from_secs(1);

/// Returns whether this machine has the endpoint, or `credential` a stand-in for it.
pub fn answers(credential: &Credential) -> bool {
    let Ok(transport) = credential.transport().map(Arc::new) else {
        return false;
    };
    let Ok(url) = Url::parse(ENDPOINT) else {
        return false;
    };
    let request = Request::new(url, Method::Get);
    let answer = block_on(PATIENCE, transport.execute_request(&request));
    matches!(answer, Ok(Some(Ok(answer))) if answer.status() == 400)
}
