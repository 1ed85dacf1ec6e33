//! Version 1.0 access tokens, as Entra issues them for databases, and how a test can make one wrong.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::{
    directory::{AZURE_CLI_CLIENT_ID, HOME_TENANT_OF_GUEST, Identity, Kind, TENANT},
    keys::Keys,
};

/// The lifetime of a token in seconds, unless a test changes it.
pub const LIFETIME: i64 = 3600;

/// How a token differs from a good one.
#[derive(Clone, Debug, Default)]
pub struct TokenChanges {
    claims: Map<String, Value>,
    garbled: bool,
}

impl TokenChanges {
    /// Returns no changes: a good token.
    pub fn none() -> Self {
        Self::default()
    }

    /// Makes it valid for this many seconds from now. A negative number makes one that has expired.
    pub fn expires_in(self, seconds: i64) -> Self {
        self.claim("exp", now() + seconds)
    }

    /// Changes the audience.
    pub fn audience(self, audience: &str) -> Self {
        self.claim("aud", audience)
    }

    /// Changes the tenant that issues it and that it is for.
    pub fn tenant(self, tenant: &str) -> Self {
        self.claim("tid", tenant)
            .claim("iss", format!("https://sts.windows.net/{tenant}/"))
    }

    /// Sets a claim, or removes it if the value is [`Value::Null`].
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Makes the signature wrong.
    pub fn garbled(mut self) -> Self {
        self.garbled = true;
        self
    }
}

impl TokenChanges {
    /// What differs in a token of the guest's own tenant, where they are a member.
    pub(crate) fn at_home(guest: Identity) -> Self {
        Self::none()
            .tenant(HOME_TENANT_OF_GUEST)
            .claim("upn", guest.entry().sign_in_name)
            .claim("oid", "b0b00000-77aa-4c21-9d34-5e6f7a8b0103")
            .claim("email", Value::Null)
            .claim("idp", Value::Null)
    }

    /// These changes, and then the `others`.
    pub(crate) fn and(mut self, others: &Self) -> Self {
        self.claims.extend(others.claims.clone());
        self.garbled |= others.garbled;
        self
    }

    /// Returns the claims with the changes.
    fn applied(&self, mut claims: Value) -> Value {
        for (name, value) in &self.claims {
            claims[name] = value.clone();
        }
        if let Value::Object(claims) = &mut claims {
            claims.retain(|_, value| !value.is_null());
        }
        claims
    }

    /// Returns a token with the changed claims.
    pub(crate) fn signed(&self, keys: &Keys, claims: Value) -> String {
        let token = keys.sign(&self.applied(claims));
        match token.rsplit_once('.') {
            Some((message, signature)) if self.garbled => {
                format!("{message}.{}", signature.chars().rev().collect::<String>())
            }
            _ => token,
        }
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// Returns an access token for `identity`, as the application `client_id` gets it.
pub(crate) fn issue(
    keys: &Keys,
    identity: Identity,
    audience: &str,
    client_id: Option<&str>,
    changes: &TokenChanges,
) -> (String, i64) {
    let claims = changes.applied(Value::Object(claims(identity, audience, client_id)));
    let expires = claims["exp"].as_i64().unwrap_or_else(now);
    (changes.signed(keys, claims), expires)
}

fn claims(identity: Identity, audience: &str, client_id: Option<&str>) -> Map<String, Value> {
    let entry = identity.entry();
    let issued = now();
    let mut claims = json!({
        "aud": audience,
        "iss": format!("https://sts.windows.net/{TENANT}/"),
        "iat": issued,
        // Entra allows for clocks that are five minutes slow.
        "nbf": issued - 300,
        "exp": issued + LIFETIME,
        "aio": noise(),
        "oid": entry.oid,
        "rh": noise(),
        "sub": if identity.is_user() { BASE64_URL_SAFE_NO_PAD.encode(entry.oid) } else { entry.oid.to_owned() },
        "tid": TENANT,
        "uti": noise(),
        "ver": "1.0",
    });
    let special = match entry.kind {
        Kind::Member => json!({
            "acr": "1",
            "amr": ["pwd", "mfa"],
            "appid": client_id.unwrap_or(AZURE_CLI_CLIENT_ID),
            "appidacr": "0",
            "idtyp": "user",
            "ipaddr": "127.0.0.1",
            "name": entry.display_name,
            "scp": "user_impersonation",
            "unique_name": entry.sign_in_name,
            "upn": entry.name,
        }),
        Kind::Guest => json!({
            "acr": "1",
            "amr": ["pwd", "mfa"],
            "appid": client_id.unwrap_or(AZURE_CLI_CLIENT_ID),
            "appidacr": "0",
            "email": entry.sign_in_name,
            "idp": format!("https://sts.windows.net/{HOME_TENANT_OF_GUEST}/"),
            "idtyp": "user",
            "ipaddr": "127.0.0.1",
            "name": entry.display_name,
            "scp": "user_impersonation",
            "unique_name": entry.sign_in_name,
        }),
        Kind::ServicePrincipal => json!({
            "appid": entry.app_id,
            "appidacr": "1",
            "idp": format!("https://sts.windows.net/{TENANT}/"),
            "idtyp": "app",
        }),
        Kind::UserAssignedIdentity | Kind::SystemAssignedIdentity => json!({
            "appid": entry.app_id,
            "appidacr": "2",
            "idp": format!("https://sts.windows.net/{TENANT}/"),
            "idtyp": "app",
            "xms_mirid": entry.resource_id,
        }),
    };
    let (Value::Object(mut claims), Value::Object(special)) = (claims.take(), special) else {
        unreachable!("both are written as objects above")
    };
    claims.extend(special);
    claims
}

/// Returns an id token for the application that signed a user in.
pub(crate) fn issue_id_token(keys: &Keys, identity: Identity, client_id: &str) -> String {
    let entry = identity.entry();
    keys.sign(&json!({
        "ver": "2.0",
        "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
        "aud": client_id,
        "iat": now(),
        "nbf": now(),
        "exp": now() + LIFETIME,
        "name": entry.display_name,
        "oid": entry.oid,
        "preferred_username": entry.sign_in_name,
        "sub": BASE64_URL_SAFE_NO_PAD.encode(entry.oid),
        "tid": TENANT,
    }))
}

/// Returns a value that is different in every token, and means something to its issuer only.
fn noise() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(uuid::Uuid::new_v4().as_bytes())
}
