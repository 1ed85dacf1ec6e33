//! A request to an Entra.

#[cfg(test)]
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hyper::{header, http::request::Parts};
use serde_json::Value;

/// One request, or one refused `CONNECT`.
#[derive(Clone, Debug)]
pub struct Request {
    /// The host it was for, without a port.
    pub host: String,
    /// The method, in capitals.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    query: Vec<(String, String)>,
    form: Vec<(String, String)>,
    json: Value,
    bearer: Option<String>,
    identity_header: Option<String>,
    metadata: bool,
    consistency_level: Option<String>,
}

impl Request {
    pub(super) fn new(host: &str, head: &Parts, body: &[u8]) -> Self {
        let pairs = |input: &[u8]| form_urlencoded::parse(input).into_owned().collect();
        let text = |name: &str| {
            head.headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        Self {
            host: host.to_owned(),
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: pairs(head.uri.query().unwrap_or_default().as_bytes()),
            form: pairs(body),
            json: serde_json::from_slice(body).unwrap_or_default(),
            bearer: text(header::AUTHORIZATION.as_str())
                .and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned)),
            identity_header: text("x-identity-header"),
            metadata: text("metadata").is_some_and(|value| value.eq_ignore_ascii_case("true")),
            consistency_level: text("consistencylevel"),
        }
    }

    pub(super) fn refused_connection(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            method: "CONNECT".to_owned(),
            path: String::new(),
            query: Vec::new(),
            form: Vec::new(),
            json: Value::Null,
            bearer: None,
            identity_header: None,
            metadata: false,
            consistency_level: None,
        }
    }

    /// Returns a parameter of the query or the form.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self.query.iter().chain(&self.form);
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns the grant type of a token request.
    pub fn grant_type(&self) -> Option<&str> {
        self.parameter("grant_type")
    }

    /// Returns the resource of a token request: from `resource`, or the first word of `scope` that
    /// names one.
    pub fn resource(&self) -> Option<&str> {
        let of_scope = || {
            self.parameter("scope")?
                .split(' ')
                .find_map(|scope| scope.strip_suffix("/.default"))
        };
        self.parameter("resource").or_else(of_scope)
    }

    /// Whether the proxy refused it, because it was for a host that is not imitated.
    pub fn is_refused_connection(&self) -> bool {
        self.method == "CONNECT"
    }

    /// Whether it asked Entra or a managed identity endpoint for a token. A request that only probes
    /// for such an endpoint names no resource.
    pub fn is_token_request(&self) -> bool {
        self.path.ends_with("/oauth2/v2.0/token")
            || self.is_for_managed_identity() && self.parameter("resource").is_some()
    }

    pub(super) fn is_sign_in(&self) -> bool {
        self.is_token_request() || self.path.ends_with("/oauth2/v2.0/devicecode")
    }

    pub(super) fn is_for_managed_identity(&self) -> bool {
        matches!(
            self.path.as_str(),
            "/msi/token" | "/metadata/identity/oauth2/token"
        )
    }

    pub(super) fn identity_header(&self) -> Option<&str> {
        self.identity_header.as_deref()
    }

    /// Whether it carries `Metadata: true`, the proof that no proxy forwarded it unknowingly.
    pub(super) fn has_metadata_header(&self) -> bool {
        self.metadata
    }

    /// Whether it asks for Graph's advanced queries.
    pub(super) fn is_advanced_query(&self) -> bool {
        self.consistency_level.as_deref() == Some("eventual")
            && self.parameter("$count") == Some("true")
    }

    /// Returns the body if it is JSON, else null.
    pub(super) fn json(&self) -> &Value {
        &self.json
    }

    /// Returns the token in its `Authorization` header.
    pub(super) fn bearer(&self) -> Option<&str> {
        self.bearer.as_deref()
    }
}

/// Returns the claims of a token, unverified.
#[cfg(test)]
pub(super) fn claims(token: &str) -> Option<Value> {
    let payload = BASE64_URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1)?)
        .ok()?;
    serde_json::from_slice(&payload).ok()
}
