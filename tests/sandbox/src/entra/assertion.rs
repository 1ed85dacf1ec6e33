//! Client assertions, which an application sends instead of a secret. The application makes them
//! itself, with the key of a certificate that the directory knows; or another issuer makes them, if
//! the directory trusts it for a subject.
//!
//! The rules are those of Microsoft's pages on certificate credentials and on workload identity
//! federation. Codes and texts are those of Entra's refusals in public issue threads. Entra accepts
//! the same assertion twice, and so does this.

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use ring::{
    digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest},
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256,
        RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
    },
};
use serde_json::Value;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{
    State, aadsts,
    federation::{EXCHANGE, ISSUER, SUBJECTS},
    reply::Reply,
};
use crate::{certificates::ClientCertificate, directory::TENANT, token::now};

/// Checks the assertion that the application `client_id` sends to `host`.
pub(super) fn check(
    assertion: &str,
    client_id: &str,
    host: &str,
    state: &State,
) -> Result<(), Reply> {
    let parts: Vec<&str> = assertion.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        return Err(malformed());
    };
    let (Some(header), Some(claims)) = (object(header), object(claims)) else {
        return Err(malformed());
    };
    // What cannot be decoded is not a signature either.
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    if claims["iss"] == ISSUER || claims["iss"] != client_id {
        return federated(assertion, &claims, state);
    }
    let certificate = registered(&header, client_id, state)?;
    let message = assertion
        .rsplit_once('.')
        .map_or("", |(message, _)| message);
    if !is_signed(&header, certificate, message.as_bytes(), &signature) {
        return Err(refuse(
            700_027,
            &format!(
                "Client assertion failed signature validation. [Reason - The provided signature value did not match the expected signature value., Thumbprint of key used by client: '{}']",
                thumbprint(certificate)
            ),
        ));
    }
    if claims["sub"] != client_id {
        return Err(refuse(
            700_021,
            "Client assertion application identifier doesn't match 'client_id' parameter.",
        ));
    }
    let audiences = [
        format!("https://{host}/{TENANT}/oauth2/v2.0/token"),
        format!("https://{host}/{TENANT}/v2.0"),
    ];
    if !audiences.iter().any(|audience| claims["aud"] == *audience) {
        return Err(refuse(
            700_023,
            "Client assertion audience claim does not match Realm issuer.",
        ));
    }
    if claims["jti"].as_str().is_none_or(str::is_empty) {
        return Err(malformed());
    }
    in_time(&claims)
}

/// Returns the certificate that the header names by its thumbprint. A chain beside it has the form
/// of RFC 7515, section 4.1.6, with that certificate first.
fn registered<'a>(
    header: &Value,
    client_id: &str,
    state: &'a State,
) -> Result<&'a ClientCertificate, Reply> {
    let is_named = |certificate: &&ClientCertificate| {
        let named = |name: &str, algorithm| {
            let digest = BASE64_URL_SAFE_NO_PAD.encode(digest(algorithm, certificate.der()));
            header[name].as_str().map(|given| given == digest)
        };
        named("x5t#S256", &SHA256)
            .or_else(|| named("x5t", &SHA1_FOR_LEGACY_USE_ONLY))
            .unwrap_or(false)
    };
    let Some(certificate) = state.certificates.iter().find(is_named) else {
        return Err(refuse(
            700_027,
            &format!(
                "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '{client_id}'.]"
            ),
        ));
    };
    if header["typ"] != "JWT" {
        return Err(malformed());
    }
    match &header["x5c"] {
        Value::Null => Ok(certificate),
        Value::Array(chain) => {
            let ders: Option<Vec<Vec<u8>>> = chain
                .iter()
                .map(|text| BASE64_STANDARD.decode(text.as_str()?).ok())
                .collect();
            let ders = ders.ok_or_else(malformed)?;
            if ders.first().map(Vec::as_slice) != Some(certificate.der()) || !is_chain(&ders) {
                return Err(malformed());
            }
            Ok(certificate)
        }
        _ => Err(malformed()),
    }
}

/// Whether each certificate certifies the one before it.
fn is_chain(ders: &[Vec<u8>]) -> bool {
    let parsed: Option<Vec<_>> = ders
        .iter()
        .map(|der| Some(X509Certificate::from_der(der).ok()?.1))
        .collect();
    parsed.is_some_and(|chain| {
        chain
            .windows(2)
            .all(|pair| pair[0].issuer() == pair[1].subject())
    })
}

fn is_signed(
    header: &Value,
    certificate: &ClientCertificate,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let algorithm: &dyn VerificationAlgorithm = match header["alg"].as_str() {
        Some("RS256") => &RSA_PKCS1_2048_8192_SHA256,
        Some("PS256") => &RSA_PSS_2048_8192_SHA256,
        Some("ES256") => &ECDSA_P256_SHA256_FIXED,
        Some("ES384") => &ECDSA_P384_SHA384_FIXED,
        _ => return false,
    };
    let Ok((_, parsed)) = X509Certificate::from_der(certificate.der()) else {
        return false;
    };
    let public = parsed.public_key().subject_public_key.data.as_ref();
    let public = UnparsedPublicKey::new(algorithm, public);
    public.verify(message, signature).is_ok()
}

/// Checks an assertion of another issuer: issuer, audience, subject, signature and expiry.
fn federated(assertion: &str, claims: &Value, state: &State) -> Result<(), Reply> {
    let text = |name: &str| claims[name].as_str().unwrap_or_default();
    let unknown = |code, what: &str, value: &str| {
        refuse(
            code,
            &format!(
                "No matching federated identity record found for presented assertion {what} '{value}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
            ),
        )
    };
    if text("iss") != ISSUER {
        return Err(unknown(700_211, "issuer", text("iss")));
    }
    if state.keys.verify(assertion).is_none() {
        return Err(refuse(
            700_027,
            "Client assertion failed signature validation. [Reason - The key was not found.]",
        ));
    }
    if text("aud") != EXCHANGE {
        return Err(unknown(700_212, "audience", text("aud")));
    }
    if !SUBJECTS.contains(&text("sub")) {
        // If only the case differs, Entra reports a code of its own.
        let differs_by_case = SUBJECTS
            .iter()
            .any(|subject| subject.eq_ignore_ascii_case(text("sub")));
        let code = if differs_by_case { 7_002_138 } else { 700_213 };
        return Err(unknown(code, "subject", text("sub")));
    }
    in_time(claims)
}

fn in_time(claims: &Value) -> Result<(), Reply> {
    let seconds = |name: &str| claims[name].as_i64();
    // Clocks may differ by five minutes.
    let began = seconds("nbf").is_none_or(|from| from <= now() + 300);
    if began && seconds("exp").is_some_and(|to| to > now() - 300) {
        return Ok(());
    }
    Err(refuse(
        700_024,
        "Client assertion is not within its valid time range.",
    ))
}

fn object(part: &str) -> Option<Value> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object)
}

/// Returns a thumbprint as Entra shows it: SHA-1, in capitals.
fn thumbprint(certificate: &ClientCertificate) -> String {
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate.der());
    let bytes = digest.as_ref().iter().map(|byte| format!("{byte:02X}"));
    bytes.collect::<Vec<_>>().concat()
}

fn malformed() -> Reply {
    refuse(50_027, "JWT token is invalid or malformed.")
}

fn refuse(code: u32, text: &str) -> Reply {
    aadsts::invalid_client(code, text)
}

#[cfg(test)]
mod tests {

    use http_body_util::BodyExt as _;
    use ring::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
    };
    use serde_json::json;

    use super::*;
    use crate::{certificates::KeyKind, entra::HttpResponse};

    const HOST: &str = "login.microsoftonline.com";

    /// Returns the code of the refusal of an assertion that is right except for these parts.
    async fn code(state: &State, header: Value, claims: Value) -> Option<u64> {
        let certificate = state.certificates.find(KeyKind::P256).unwrap();
        let merged = |mut all: Value, changed: Value| {
            for (name, value) in changed.as_object().unwrap() {
                all[name] = value.clone();
            }
            BASE64_URL_SAFE_NO_PAD.encode(all.to_string())
        };
        let digest = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, certificate.der()));
        let right = json!({"alg": "ES256", "typ": "JWT", "x5t#S256": digest});
        let header = merged(right, header);
        let audience = format!("https://{HOST}/{TENANT}/oauth2/v2.0/token");
        let right =
            json!({"iss": "app", "sub": "app", "aud": audience, "jti": "1", "exp": now() + 600});
        let message = format!("{header}.{}", merged(right, claims));
        let random = SystemRandom::new();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, certificate.key(), &random);
        let signature = pair.unwrap().sign(&random, message.as_bytes()).unwrap();
        let assertion = format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature));
        let refusal = check(&assertion, "app", HOST, state).err()?;
        let body = HttpResponse::from(refusal).into_body().collect().await;
        let body: Value = serde_json::from_slice(&body.unwrap().to_bytes()).unwrap();
        body["error_codes"][0].as_u64()
    }

    #[tokio::test]
    async fn what_an_application_says_of_itself_is_checked() {
        let state = State::new();
        let of = |kind| state.certificates.find(kind).unwrap().der();
        let chain = |ders: &[&[u8]]| {
            let texts: Vec<_> = ders.iter().map(|der| BASE64_STANDARD.encode(der)).collect();
            json!({ "x5c": texts })
        };
        let own = of(KeyKind::P256);
        let another = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, of(KeyKind::Rsa)));
        for (header, claims, expected) in [
            (json!({}), json!({}), None),
            (chain(&[own]), json!({}), None),
            (chain(&[of(KeyKind::Rsa)]), json!({}), Some(50_027)),
            (chain(&[own, of(KeyKind::Rsa)]), json!({}), Some(50_027)),
            (
                json!({"x5c": BASE64_STANDARD.encode(own)}),
                json!({}),
                Some(50_027),
            ),
            (
                json!({"x5c": [BASE64_URL_SAFE_NO_PAD.encode(own)]}),
                json!({}),
                Some(50_027),
            ),
            (json!({"typ": "jwt"}), json!({}), Some(50_027)),
            (json!({"x5t#S256": "unknown"}), json!({}), Some(700_027)),
            (json!({"x5t#S256": another}), json!({}), Some(700_027)),
            (json!({"alg": "ES384"}), json!({}), Some(700_027)),
            (json!({"alg": "none"}), json!({}), Some(700_027)),
            (json!({}), json!({"sub": "other"}), Some(700_021)),
            (json!({}), json!({"iss": "other"}), Some(700_211)),
            (
                json!({}),
                json!({"aud": "https://elsewhere"}),
                Some(700_023),
            ),
            (json!({}), json!({"jti": ""}), Some(50_027)),
            (json!({}), json!({"exp": now() - 600}), Some(700_024)),
            (json!({}), json!({"nbf": now() + 600}), Some(700_024)),
        ] {
            let said = format!("{header} {claims}");
            assert_eq!(code(&state, header, claims).await, expected, "{said}");
        }
    }
}
