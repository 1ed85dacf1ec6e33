//! The assertion that an application makes about itself: a JWT that its certificate's key signs.
//!
//! Its form is that of Microsoft's page "Microsoft identity platform application authentication
//! certificate credentials", with the chain in `x5c` as in RFC 7515, section 4.1.6. Applications
//! that trust a subject and issuer instead of one certificate need the chain.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use azure_core::Uuid;
use azure_core::error::ErrorKind;
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::Signer;

/// How long an assertion is valid. The page recommends five to ten minutes.
const LIFETIME: Duration = Duration::from_secs(600);

impl Signer {
    /// Makes assertions for the application `client_id` and the token endpoint `audience`.
    pub fn vouching(self, audience: String, client_id: String) -> Vouching {
        Vouching {
            signer: self,
            audience,
            client_id,
        }
    }
}

/// Makes an assertion when the SDK asks for one.
#[derive(Debug)]
pub struct Vouching {
    signer: Signer,
    audience: String,
    client_id: String,
}

impl Vouching {
    fn assertion(&self, now: SystemTime) -> Result<String, ring::error::Unspecified> {
        let seconds = |time: SystemTime| {
            let since = time.duration_since(UNIX_EPOCH);
            since.unwrap_or_default().as_secs()
        };
        let chain = &self.signer.chain;
        let header = json!({
            "alg": self.signer.key.algorithm(),
            "typ": "JWT",
            "x5t#S256": URL_SAFE_NO_PAD.encode(digest(&SHA256, &chain[0])),
            "x5c": chain.iter().map(|der| STANDARD.encode(der)).collect::<Vec<_>>(),
        });
        let claims = json!({
            "aud": self.audience,
            "iss": self.client_id,
            "sub": self.client_id,
            "jti": Uuid::new_v4().to_string(),
            "iat": seconds(now),
            "nbf": seconds(now),
            "exp": seconds(now + LIFETIME),
        });
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encode(&header), encode(&claims));
        let signature = self.signer.key.sign(message.as_bytes())?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[async_trait::async_trait]
impl ClientAssertion for Vouching {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        self.assertion(SystemTime::now()).map_err(|_| {
            azure_core::Error::with_message(ErrorKind::Credential, "the assertion cannot be signed")
        })
    }
}
