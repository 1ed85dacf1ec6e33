//! Whether a token opens the session of a role, and Azure's message if it doesn't.
//!
//! The wording follows messages in public reports. Microsoft does not document it, and changes
//! between "Azure AD" and "Microsoft Entra".

use serde_json::Value;

use crate::{
    keys::Keys,
    postgres::{Server, literal},
};

const INVALID_AUTHORIZATION: &str = "28000";
const INVALID_PASSWORD: &str = "28P01";

/// The client's address, where the server knows nothing of its network: one for documentation.
const UNKNOWN_ADDRESS: &str = "203.0.113.7";

/// Why a session is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) sqlstate: &'static str,
    pub(super) message: String,
}

impl Refusal {
    fn new(message: impl Into<String>) -> Self {
        Self {
            sqlstate: INVALID_AUTHORIZATION,
            message: message.into(),
        }
    }

    fn password(role: &str) -> Self {
        Self {
            sqlstate: INVALID_PASSWORD,
            message: format!("password authentication failed for user \"{role}\""),
        }
    }

    /// The same inside TLS, where no line is for the client's network.
    pub(super) fn unknown_network(role: &str, database: &str) -> Self {
        Self::new(format!(
            "no pg_hba.conf entry for host \"{UNKNOWN_ADDRESS}\", user \"{role}\", database \"{database}\", SSL encryption"
        ))
    }

    /// PostgreSQL's own message if no line of `pg_hba.conf` allows the connection.
    pub(super) fn unencrypted(role: &str, database: &str) -> Self {
        Self::new(format!(
            "no pg_hba.conf entry for host \"127.0.0.1\", user \"{role}\", database \"{database}\", no encryption"
        ))
    }
}

/// How the server maps a role.
#[derive(Debug)]
struct Mapping {
    oid: String,
    kind: String,
    /// Whether the token's identity is a member, if the role is a group's.
    is_member: bool,
}

/// Checks first the token, which must be of `tenant`, for `resource` and valid at the time `now`, then
/// the role.
/// A role that does not exist passes: PostgreSQL itself reports it.
pub(super) async fn check(
    keys: &Keys,
    server: &Server,
    tenant: &str,
    resource: &str,
    role: &str,
    password: &str,
    now: i64,
) -> Result<(), Refusal> {
    let claims = keys.verify(password).ok_or_else(|| {
        if is_damaged(password) {
            return Refusal::new(
                "The access token has invalid format. Acquire a new token and try again.",
            );
        }
        Refusal::new("An error occurred while validating the access token. Please acquire a new token and retry.")
    })?;
    let text = |name: &str| claims[name].as_str().unwrap_or_default();
    if claims["exp"].as_i64().is_none_or(|expires| expires <= now) {
        return Err(Refusal::new(
            "The access token has expired. Acquire a new token and try again.",
        ));
    }
    // The real server also refuses a slash at the end.
    if text("aud") != resource {
        return Err(Refusal::new(format!(
            "The access token does not have a valid audience claim. Please acquire a new token for the resource \"{resource}\"."
        )));
    }
    if text("tid") != tenant || text("oid").is_empty() {
        return Err(Refusal::new(
            "The access token doesn't have a valid oid claim.",
        ));
    }
    match mapping(server, role, text("oid")).await? {
        Role::Missing => Ok(()),
        Role::Unmapped => Err(Refusal::password(role)),
        Role::Mapped(mapping) => matches(role, &mapping, &claims),
    }
}

/// Whether it was a token once, and was cut or quoted on its way.
fn is_damaged(password: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let parts = password.split('.');
    let is_whole = parts.clone().count() == 3
        && parts
            .into_iter()
            .all(|part| !part.is_empty() && part.bytes().all(is_letter));
    password.contains("eyJ") && !is_whole
}

#[derive(Debug)]
enum Role {
    Missing,
    Unmapped,
    Mapped(Mapping),
}

fn matches(role: &str, mapping: &Mapping, claims: &Value) -> Result<(), Refusal> {
    let is_app = claims["idtyp"] == "app";
    match mapping.kind.as_str() {
        "user" if is_app => Err(Refusal::new(format!(
            "Service Principals cannot generate AAD_AUTH_TOKENTYPE_APP_USER tokens for role[{role}]"
        ))),
        "service" if !is_app => Err(Refusal::new(format!(
            "user token for role[{role}] is neither an AAD_AUTH_TOKENTYPE_APP nor an AAD_AUTH_TOKENTYPE_APP_USER token"
        ))),
        "group" if mapping.is_member => Ok(()),
        _ if claims["oid"] == mapping.oid.as_str() => Ok(()),
        _ => Err(Refusal::password(role)),
    }
}

async fn mapping(server: &Server, role: &str, holder: &str) -> Result<Role, Refusal> {
    // PostgreSQL cuts names at 63 bytes, and so does a cast to its type for names.
    let query = format!(
        "SELECT p.oid, p.kind, EXISTS (
             SELECT FROM pgaadauth.members m WHERE m.group_oid = p.oid AND m.member_oid::text = {holder})
         FROM pg_roles r LEFT JOIN pgaadauth.principals p ON p.role = r.oid WHERE r.rolname = {role}::name",
        holder = literal(holder),
        role = literal(role),
    );
    let rows = server.query("postgres", &query).await;
    let rows = rows
        .map_err(|error| Refusal::new(format!("the gateway cannot look up the role: {error}")))?;
    Ok(match rows.into_iter().next().as_deref() {
        None => Role::Missing,
        Some([Some(oid), Some(kind), member]) => Role::Mapped(Mapping {
            oid: oid.clone(),
            kind: kind.clone(),
            is_member: member.as_deref() == Some("t"),
        }),
        Some(_) => Role::Unmapped,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Mapping, matches};

    fn mapping(kind: &str, is_member: bool) -> Mapping {
        Mapping {
            oid: "1".to_owned(),
            kind: kind.to_owned(),
            is_member,
        }
    }

    #[test]
    fn who_may_be_whom() {
        let user = json!({"idtyp": "user", "oid": "1"});
        let app = json!({"idtyp": "app", "oid": "1"});
        let other = json!({"idtyp": "user", "oid": "2"});
        for (kind, is_member, claims, sqlstate) in [
            ("user", false, &user, None),
            ("user", false, &other, Some("28P01")),
            ("user", false, &app, Some("28000")),
            ("service", false, &app, None),
            ("service", false, &user, Some("28000")),
            ("group", true, &other, None),
            ("group", true, &app, None),
            ("group", false, &other, Some("28P01")),
        ] {
            let refusal = matches("role", &mapping(kind, is_member), claims).err();
            assert_eq!(
                refusal.map(|refusal| refusal.sqlstate),
                sqlstate,
                "{kind} {is_member} {claims}"
            );
        }
    }
}
