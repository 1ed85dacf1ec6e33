//! The endpoints where build services give their jobs a token of their own, to be exchanged for one of Entra's: GitHub
//! Actions and Azure Pipelines.

use hyper::StatusCode;
use serde_json::json;

use super::{Request, reply::Reply};
use crate::{
    keys::Keys,
    token::{LIFETIME, now},
};

/// The host that GitHub's jobs ask.
pub(super) const GITHUB: &str = "pipelines.actions.githubusercontent.com";

/// The host that Azure's jobs ask.
pub(super) const AZURE: &str = "dev.azure.com";

/// What a job shows to be given a token.
pub(super) const REQUEST_TOKEN: &str = "sandbox-request-token";

/// The only audience for which Entra takes tokens of others.
pub(super) const EXCHANGE: &str = "api://AzureADTokenExchange";

pub(super) fn answer(request: &Request, keys: &Keys) -> Reply {
    if request.bearer() != Some(REQUEST_TOKEN) {
        return Reply::text(
            StatusCode::UNAUTHORIZED,
            "the request token is missing or wrong\n",
        );
    }
    match request.host.as_str() {
        GITHUB => {
            let audience = request
                .parameter("audience")
                .unwrap_or("https://github.com/contoso");
            Reply::json(
                &json!({"value": token(keys, "repo:contoso/shop:ref:refs/heads/main", audience)}),
            )
        }
        _ => Reply::json(&json!({"oidcToken": token(keys, "sc://contoso/shop/azure", EXCHANGE)})),
    }
}

/// A token of another issuer, about `subject`.
pub(crate) fn token(keys: &Keys, subject: &str, audience: &str) -> String {
    keys.sign(&json!({
        "iss": "https://issuer.sandbox.example",
        "sub": subject,
        "aud": audience,
        "iat": now(),
        "nbf": now(),
        "exp": now() + LIFETIME,
    }))
}
