//! An access token for a database: a secret, and its readable claims.
//!
//! The server checks the signature. The checks here turn a wrong token into a clear error before
//! the server refuses it.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::cloud;

/// An access token. It has no `Display`, its `Debug` is redacted, and it can't be cloned.
pub struct Token {
    secret: String,
    claims: Map<String, Value>,
}

/// Why a text isn't used as a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It isn't a JWT.
    NotAToken,
    /// It is for another resource, named here.
    WrongAudience(String),
    /// It expired this long ago.
    Expired(Duration),
}

impl Unusable {
    /// Returns what is wrong with a token for `resource`, or for any database.
    pub fn cause(&self, resource: Option<&str>) -> String {
        format!("the access token {}", self.predicate(resource))
    }

    /// Returns the same without its subject, for texts that name the token.
    pub fn predicate(&self, resource: Option<&str>) -> String {
        match self {
            Self::NotAToken => "is not an access token".to_owned(),
            Self::WrongAudience(audience) => format!(
                "is for `{audience}`, not for {}",
                resource.map_or_else(|| "a database".to_owned(), |name| format!("`{name}`"))
            ),
            Self::Expired(ago) => format!("expired {}s ago", ago.as_secs()),
        }
    }
}

impl Token {
    /// Parses a JWT: three parts in base64url, of which the first two hold JSON.
    pub fn read(secret: String) -> Result<Self, Unusable> {
        let claims = claims(&secret).ok_or(Unusable::NotAToken)?;
        Ok(Self { secret, claims })
    }

    /// Parses `secret` and checks it; see [`Token::check`].
    pub fn checked(
        secret: String,
        resource: Option<&str>,
        now: SystemTime,
    ) -> Result<Self, Unusable> {
        let token = Self::read(secret)?;
        token.check(resource, now)?;
        Ok(token)
    }

    /// Checks audience and expiry. Without a `resource`, any database audience is accepted.
    pub fn check(&self, resource: Option<&str>, now: SystemTime) -> Result<(), Unusable> {
        let audience = self.claim("aud").unwrap_or_default();
        let fits = match resource {
            Some(resource) => same_resource(audience, resource),
            None => self.is_for_databases(),
        };
        if !fits {
            return Err(Unusable::WrongAudience(audience.to_owned()));
        }
        match now.duration_since(self.expires()) {
            Ok(ago) => Err(Unusable::Expired(ago)),
            Err(_) => Ok(()),
        }
    }

    /// Returns the token itself, for the one place that hands it to psql.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Returns a claim that is a non-empty text.
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.claims
            .get(name)?
            .as_str()
            .filter(|text| !text.is_empty())
    }

    /// Whether it is of this tenant, as far as that can be told: `tenant` may be a domain, which no
    /// token names.
    pub fn is_of_tenant(&self, tenant: &str) -> bool {
        let own = self.claim("tid").unwrap_or_default();
        !is_id(tenant) || own.eq_ignore_ascii_case(tenant)
    }

    /// Returns the time of expiry; a token without one has expired.
    pub fn expires(&self) -> SystemTime {
        let seconds = self.claims.get("exp").and_then(Value::as_u64);
        UNIX_EPOCH
            .checked_add(Duration::from_secs(seconds.unwrap_or_default()))
            .unwrap_or(UNIX_EPOCH)
    }

    /// Returns the time of issue, if the token has one.
    pub fn issued(&self) -> Option<SystemTime> {
        let seconds = self.claims.get("iat").and_then(Value::as_u64)?;
        UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    }

    /// Returns whether its audience is a database's: `https://ossrdbms-aad.…` in any cloud, or
    /// Cosmos DB's.
    pub fn is_for_databases(&self) -> bool {
        self.claim("aud").is_some_and(|audience| {
            audience.starts_with("https://ossrdbms-aad.")
                || same_resource(audience, cloud::COSMOS.resource)
        })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

impl Drop for Token {
    /// Leaves no copy in freed memory.
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.secret);
    }
}

/// Compares resources without a final slash, which Entra keeps as it was asked for.
fn same_resource(one: &str, other: &str) -> bool {
    one.trim_end_matches('/')
        .eq_ignore_ascii_case(other.trim_end_matches('/'))
}

/// Whether a text is an id as Entra writes them: hexadecimal digits, 8-4-4-4-12.
fn is_id(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// Returns the claims of a JWT. It only contains letters of base64url and dots, so every
/// environment and protocol passes it unchanged.
fn claims(secret: &str) -> Option<Map<String, Value>> {
    let mut parts = secret.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if signature.is_empty() || !signature.bytes().all(is_letter) {
        return None;
    }
    object(header)?;
    object(payload)
}

/// Decodes a part of a JWT that holds a JSON object.
fn object(part: &str) -> Option<Map<String, Value>> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    match serde_json::from_slice(&json).ok()? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESOURCE: &str = "https://ossrdbms-aad.database.windows.net";

    fn token(claims: &str) -> Result<Token, Unusable> {
        Token::read(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)))
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_no_token() {
        for text in [
            "",
            "secret",
            "a.b",
            "a.b.c",
            "e30.e30.c.d",
            "e30.W10.c2ln",
            "W10.e30.c2ln",
            "a.e30.c2ln",
            "e30.e30.",
            "e30.e30.c2\0ln",
            "e30.e30.c2ln\n",
            "e30.e30.c2 ln",
            "e30.e30.c2ln=",
            "e30.e30=.c2ln",
            "e30=.e30.c2ln",
            "e30.e30.c2+n",
            "e30.e30.é",
        ] {
            assert!(Token::read(text.to_owned()).is_err(), "{text:?}");
        }
        assert!(Token::read("e30.e30.c2l-_".to_owned()).is_ok());
    }

    #[test]
    fn audience_and_expiry() {
        let good = token(&format!(r#"{{"aud":"{RESOURCE}/","exp":100}}"#)).unwrap();
        assert_eq!(good.check(Some(RESOURCE), at(99)), Ok(()));
        assert_eq!(good.check(None, at(99)), Ok(()));
        assert_eq!(
            good.check(Some(RESOURCE), at(160)),
            Err(Unusable::Expired(Duration::from_secs(60)))
        );
        let other = token(r#"{"aud":"https://management.azure.com","exp":100}"#).unwrap();
        let wrong = Unusable::WrongAudience("https://management.azure.com".to_owned());
        assert_eq!(other.check(Some(RESOURCE), at(1)), Err(wrong.clone()));
        assert_eq!(other.check(None, at(1)), Err(wrong));
        let mute = token(&format!(r#"{{"aud":"{RESOURCE}"}}"#)).unwrap();
        assert!(matches!(mute.check(None, at(1)), Err(Unusable::Expired(_))));
    }

    #[test]
    fn tenants_are_compared_by_id() {
        let id = "c0a51b7e-1b5c-4d3e-9f10-0a5a7d6b0001";
        let own = token(&format!(r#"{{"tid":"{id}"}}"#)).unwrap();
        assert!(own.is_of_tenant(id));
        assert!(own.is_of_tenant(&id.to_uppercase()));
        assert!(!own.is_of_tenant("fab21ca0-2f4d-4e7b-8a31-5c9be2d00002"));
        for domain in [
            "contoso.example",
            "organizations",
            "c0a51b7e1b5c4d3e9f100a5a7d6b0001",
        ] {
            assert!(own.is_of_tenant(domain), "{domain}");
        }
        assert!(!token("{}").unwrap().is_of_tenant(id));
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", token("{}").unwrap()), "Token(hidden)");
    }
}
