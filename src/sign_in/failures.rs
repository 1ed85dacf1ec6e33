//! What is said if a token doesn't fit.

use crate::cli::method::Method;
use crate::entra::role::{self, Identity};
use crate::entra::token::Token;
use crate::failure::Failure;

/// The token is of another tenant than `tenant`, which was named.
pub fn of_another_tenant(token: &Token, tenant: &str, method: Method) -> Failure {
    const NAME_NONE: &str =
        "or name no tenant (`--tenant`, `ENTRA_PSQL_TENANT`, `tenant` in the service file)";
    let own = token.claim("tid").unwrap_or("none");
    let remedy = match method {
        Method::AzureCli => format!("run `az login --tenant {tenant}`"),
        _ => "sign in as an identity of that tenant with `--auth METHOD`".to_owned(),
    };
    Failure::sign_in(format!(
        "the access token is for the tenant `{own}`, not for `{tenant}`"
    ))
    .hint(format!("{remedy}, {NAME_NONE}"))
}

/// The token names no role, and nobody else could.
pub fn no_name(token: &Token) -> Failure {
    let cause = match role::identity(token) {
        Identity::ServicePrincipal { app_id } => {
            format!("the access token doesn't name the role of the service principal `{app_id}`")
        }
        Identity::Guest { address } => {
            format!("the access token doesn't name the role of `{address}`, a guest of this tenant")
        }
        Identity::Named(_) | Identity::Unnamed => "the access token doesn't name a role".to_owned(),
    };
    Failure::sign_in(cause).hint("name the role with `-U ROLE`")
}
