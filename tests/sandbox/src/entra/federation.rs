//! The endpoints of GitHub Actions and Azure Pipelines that give a job a token, to exchange for one
//! of Entra's.

use hyper::StatusCode;
use serde_json::json;

use super::{Request, reply::Reply};
use crate::{
    keys::Keys,
    token::{LIFETIME, TokenChanges, now},
};

/// The host of GitHub's endpoint.
pub(super) const GITHUB: &str = "pipelines.actions.githubusercontent.com";

/// The host of Azure's endpoint.
pub(super) const AZURE: &str = "dev.azure.com";

/// What a job sends to get a token.
pub(super) const REQUEST_TOKEN: &str = "sandbox-request-token";

/// The only audience of other issuers' tokens that Entra accepts.
pub(super) const EXCHANGE: &str = "api://AzureADTokenExchange";

/// The issuer that the application `billing service` trusts.
pub(super) const ISSUER: &str = "https://issuer.sandbox.example";

/// The pod whose token is exchanged.
pub(super) const POD: &str = "system:serviceaccount:shop:billing";

const JOB_OF_GITHUB: &str = "repo:contoso/shop:ref:refs/heads/main";
const JOB_OF_AZURE: &str = "sc://contoso/shop/azure";

/// The subjects that it trusts that issuer for: its federated credentials.
pub(super) const SUBJECTS: [&str; 3] = [POD, JOB_OF_GITHUB, JOB_OF_AZURE];

pub(super) fn answer(request: &Request, keys: &Keys) -> Reply {
    if request.bearer() != Some(REQUEST_TOKEN) {
        return Reply::text(
            StatusCode::UNAUTHORIZED,
            "the request token is missing or wrong\n",
        );
    }
    let none = TokenChanges::none();
    match request.host.as_str() {
        GITHUB => {
            let audience = request
                .parameter("audience")
                .unwrap_or("https://github.com/contoso");
            Reply::json(&json!({"value": token(keys, JOB_OF_GITHUB, audience, &none)}))
        }
        _ => Reply::json(&json!({"oidcToken": token(keys, JOB_OF_AZURE, EXCHANGE, &none)})),
    }
}

/// Returns a token of another issuer, about `subject`.
pub(crate) fn token(keys: &Keys, subject: &str, audience: &str, changes: &TokenChanges) -> String {
    let claims = json!({
        "iss": ISSUER,
        "sub": subject,
        "aud": audience,
        "iat": now(),
        "nbf": now(),
        "exp": now() + LIFETIME,
    });
    changes.signed(keys, claims)
}
