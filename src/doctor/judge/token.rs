//! Judges the token by what it says of itself.

use std::time::{Duration, SystemTime};

use crate::doctor::finding::{Finding, Link};
use crate::entra::role::{self, Identity};
use crate::entra::token::Token;

/// With less life left, the token may be gone before the session is there.
const LITTLE_LIFE: Duration = Duration::from_secs(120);

/// A token that was got. `source` says where from.
pub fn judge(token: &Token, source: &str, now: SystemTime) -> Finding {
    let claim = |name| token.claim(name).unwrap_or("not said");
    let left = token.expires().duration_since(now).unwrap_or_default();
    let found = format!(
        "from {source}: audience {}, tenant {}, {}, object id {}, {} minutes left",
        claim("aud"),
        claim("tid"),
        who(token),
        claim("oid"),
        left.as_secs() / 60
    );
    if left < LITTLE_LIFE {
        return Finding::warn(Link::Token, found)
            .remedy("get a new one: `--fresh`, or a new ready token");
    }
    Finding::ok(Link::Token, found)
}

fn who(token: &Token) -> String {
    match role::identity(token) {
        Identity::Named(name) => format!("identity `{name}`"),
        Identity::Guest { address } => format!("guest `{address}`"),
        Identity::ServicePrincipal { app_id } => format!("application {app_id}"),
        Identity::Unnamed => "an identity without a name".to_owned(),
    }
}
