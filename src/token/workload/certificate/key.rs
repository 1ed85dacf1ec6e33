//! A private key that signs, after a check that it belongs to a certificate.

use pkcs8::PrivateKeyInfoRef;
use ring::rand::SystemRandom;
use ring::rsa;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    RSA_PSS_SHA256,
};
use sec1::EcPrivateKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::contents::PrivateKey;

pub enum Key {
    /// RSA, with RSASSA-PSS and SHA-256, which Entra requires for assertions.
    Rsa(rsa::KeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
}

/// Why a key can't sign for a certificate.
#[derive(Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It belongs to another certificate.
    Another,
    /// It isn't supported.
    Unusable(String),
}

const RSA: &str = "1.2.840.113549.1.1.1";
const EC: &str = "1.2.840.10045.2.1";
const P256: &str = "1.2.840.10045.3.1.7";
const P384: &str = "1.3.132.0.34";

impl Key {
    /// Takes `key` if it is the private half of `public`.
    pub fn pair(key: &PrivateKey, public: &SubjectPublicKeyInfo<'_>) -> Result<Self, Misfit> {
        let algorithm = public.algorithm.algorithm.to_id_string();
        let public_bytes = public.subject_public_key.data.as_ref();
        match key {
            PrivateKey::Pkcs1(der) => of_rsa(der, public_bytes),
            PrivateKey::Sec1(der) => of_ec(der, public),
            PrivateKey::Pkcs8(der) => {
                let info = PrivateKeyInfoRef::try_from(der.as_slice())
                    .map_err(|why| unusable(&format!("it isn't PKCS#8: {why}")))?;
                let own = info.algorithm.oid.to_string();
                match own.as_str() {
                    _ if own != algorithm => Err(Misfit::Another),
                    RSA => of_rsa(info.private_key.as_bytes(), public_bytes),
                    EC => of_ec(info.private_key.as_bytes(), public),
                    _ => Err(unusable("it is neither RSA nor EC")),
                }
            }
        }
    }

    /// Returns the algorithm's name in a JWT's header (RFC 7518, section 3.1).
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "PS256",
            Self::P256(_) => "ES256",
            Self::P384(_) => "ES384",
        }
    }

    /// Signs a message. An EC signature is both numbers, one after the other (RFC 7518, section
    /// 3.4).
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ring::error::Unspecified> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PSS_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
            Self::P256(pair) | Self::P384(pair) => {
                Ok(pair.sign(&random, message)?.as_ref().to_vec())
            }
        }
    }
}

fn of_rsa(pkcs1: &[u8], public: &[u8]) -> Result<Key, Misfit> {
    let pair = rsa::KeyPair::from_der(pkcs1)
        .map_err(|why| unusable(&format!("it isn't an RSA key of 2048 bits or more ({why})")))?;
    if pair.public_key().as_ref() == public {
        Ok(Key::Rsa(pair))
    } else {
        Err(Misfit::Another)
    }
}

/// Takes the public half from the certificate, since not every key's file has it.
fn of_ec(sec1: &[u8], public: &SubjectPublicKeyInfo<'_>) -> Result<Key, Misfit> {
    let private = EcPrivateKey::try_from(sec1).map_err(|why| unusable(&why.to_string()))?;
    let parameters = public.algorithm.parameters.as_ref();
    let curve = parameters
        .and_then(|parameters| parameters.as_oid().ok())
        .map(|curve| curve.to_id_string());
    let pair = |algorithm| {
        let random = SystemRandom::new();
        let public = public.subject_public_key.data.as_ref();
        EcdsaKeyPair::from_private_key_and_public_key(
            algorithm,
            private.private_key,
            public,
            &random,
        )
        .map_err(|_| Misfit::Another)
    };
    match curve.as_deref() {
        Some(P256) => pair(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Key::P256),
        Some(P384) => pair(&ECDSA_P384_SHA384_FIXED_SIGNING).map(Key::P384),
        Some(_) => Err(unusable("its curve is neither P-256 nor P-384")),
        None => Err(Misfit::Another),
    }
}

fn unusable(why: &str) -> Misfit {
    Misfit::Unusable(why.to_owned())
}
