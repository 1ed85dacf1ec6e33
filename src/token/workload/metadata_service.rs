//! Looks for the identity endpoint of a virtual machine (the Instance Metadata Service), for
//! `auto`.
//!
//! The request lacks the header `Metadata: true`, as that of Azure's own SDKs does when they look:
//! the service refuses it at once, with status 400, before it knows of any identity. Others who
//! answer at this address, as in other companies' clouds, answer otherwise.

use std::sync::Arc;
use std::time::Duration;

use azure_core::http::{HttpClient as _, Method, Request, Url};

use crate::token::http::runtime::block_on;

use super::credential::Credential;

const ENDPOINT: &str = "http://169.254.169.254/metadata/identity/oauth2/token";

/// It is next door, where it is.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether this machine has one, or what stands in for it by `credential`.
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
