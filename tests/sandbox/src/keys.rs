//! The key that the sandbox's Entra signs tokens with. It is kept in the cache, so one run accepts
//! what another signed.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, anyhow};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    rsa::{KeyPair, PublicKeyComponents},
    signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey},
};
use rsa::{RsaPrivateKey, pkcs8::EncodePrivateKey as _, rand_core::OsRng};
use serde_json::{Value, json};

use crate::cache::Cache;

const KEY_FILE: &str = "signing-key.der";

/// An RSA key pair for RS256.
#[derive(Debug)]
pub struct Keys {
    pair: KeyPair,
    id: String,
}

impl Keys {
    /// Returns the key pair in the cache, and makes it on first use.
    pub fn load(cache: &Cache) -> Result<Self> {
        let file = cache.entry("signing-key", generate)?.join(KEY_FILE);
        let pair = KeyPair::from_pkcs8(&fs::read(&file)?)
            .map_err(|error| anyhow!("{error}"))
            .with_context(|| format!("cannot read `{}`", file.display()))?;
        let digest = digest(&SHA256, pair.public_key().as_ref());
        Ok(Self {
            id: BASE64_URL_SAFE_NO_PAD.encode(&digest.as_ref()[..20]),
            pair,
        })
    }

    /// Returns the key's id, as in a token's header (`kid`). It changes when the key does.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Signs claims: header, claims and signature, each base64url, with dots between.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = json!({"typ": "JWT", "alg": "RS256", "x5t": self.id, "kid": self.id});
        let encode = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encode(&header), encode(claims));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message.as_bytes(),
                &mut signature,
            )
            .expect("the buffer has the signature's size, and the system has randomness");
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    /// Returns the claims of a token that this key signed; `None` for anything else.
    pub(crate) fn verify(&self, token: &str) -> Option<Value> {
        let (message, signature) = token.rsplit_once('.')?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.pair.public_key());
        public.verify(message.as_bytes(), &signature).ok()?;
        let (_, claims) = message.split_once('.')?;
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }

    /// Returns the public half as a JSON Web Key set.
    pub(crate) fn public_keys(&self) -> Value {
        let public: PublicKeyComponents<Vec<u8>> = self.pair.public_key().into();
        let encode = |number: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(number);
        json!({"keys": [{
            "kty": "RSA", "use": "sig", "kid": self.id, "x5t": self.id,
            "n": encode(&public.n), "e": encode(&public.e),
        }]})
    }
}

/// Makes a key: ring signs faster than the crate rsa, but makes none.
fn generate(dir: &Path) -> Result<()> {
    let key = RsaPrivateKey::new(&mut OsRng, 2048)?;
    fs::write(dir.join(KEY_FILE), key.to_pkcs8_der()?.as_bytes())?;
    Ok(())
}
