//! The server's side of SCRAM-SHA-256 (RFC 5802 and 7677): both sides prove that they know the
//! password, and neither learns anything that it could use elsewhere.
//!
//! All users share one password, so the user's name isn't checked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{self, SHA256, digest};
use ring::hmac::{self, HMAC_SHA256, Key};
use ring::pbkdf2::{self, PBKDF2_HMAC_SHA256};
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

pub const MECHANISM: &str = "SCRAM-SHA-256";

/// PostgreSQL's own number. Some clients refuse fewer.
const ITERATIONS: std::num::NonZeroU32 = std::num::NonZeroU32::new(4096).expect("not zero");

const LENGTH: usize = digest::SHA256_OUTPUT_LEN;

/// What a proof is checked with. It has no `Debug`, which would show the keys.
pub struct Verifier {
    salt: [u8; 16],
    stored_key: [u8; LENGTH],
    server_key: Key,
}

/// An exchange that waits for the client's proof.
pub struct Exchange<'a> {
    verifier: &'a Verifier,
    /// The client's statement on channel binding, which its second message repeats.
    header: Vec<u8>,
    nonce: String,
    /// The first two messages, which the proof covers.
    so_far: String,
}

/// The client's message is malformed or out of order, or its proof is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    Message,
    Proof,
}

impl Verifier {
    /// Makes the verifier of `password`; `None` without random numbers.
    pub fn new(password: &str) -> Option<Self> {
        let mut salt = [0; 16];
        SystemRandom::new().fill(&mut salt).ok()?;
        Some(Self::with_salt(password, salt))
    }

    fn with_salt(password: &str, salt: [u8; 16]) -> Self {
        let mut salted = Zeroizing::new([0; LENGTH]);
        let text = password.as_bytes();
        pbkdf2::derive(PBKDF2_HMAC_SHA256, ITERATIONS, &salt, text, &mut *salted);
        let salted = Key::new(HMAC_SHA256, &*salted);
        let client_key = hmac::sign(&salted, b"Client Key");
        let server_key = hmac::sign(&salted, b"Server Key");
        let mut stored_key = [0; LENGTH];
        stored_key.copy_from_slice(digest(&SHA256, client_key.as_ref()).as_ref());
        Self {
            salt,
            stored_key,
            server_key: Key::new(HMAC_SHA256, server_key.as_ref()),
        }
    }

    /// Reads the client's first message, and returns the answer.
    pub fn begin(&self, first: &[u8]) -> Result<(Exchange<'_>, String), Wrong> {
        let mut random = [0; 18];
        let filled = SystemRandom::new().fill(&mut random);
        filled.map_err(|_| Wrong::Message)?;
        self.begin_with(first, &STANDARD.encode(random))
    }

    fn begin_with(&self, first: &[u8], own: &str) -> Result<(Exchange<'_>, String), Wrong> {
        let text = std::str::from_utf8(first).map_err(|_| Wrong::Message)?;
        // `n`: the client doesn't support channel binding. `y`: it does, and assumes that the server
        // doesn't. Both are fine without TLS.
        let mut parts = text.splitn(3, ',');
        let (binding, identity) = (parts.next(), parts.next());
        let bare = parts.next().ok_or(Wrong::Message)?;
        if !matches!(binding, Some("n" | "y")) || identity.is_none() {
            return Err(Wrong::Message);
        }
        let mut attributes = bare.split(',');
        let named = attributes.next().is_some_and(|user| user.starts_with("n="));
        let theirs = attributes.next().and_then(|nonce| nonce.strip_prefix("r="));
        let theirs = theirs.filter(|nonce| named && !nonce.is_empty());
        let nonce = format!("{}{own}", theirs.ok_or(Wrong::Message)?);
        let salt = STANDARD.encode(self.salt);
        let answer = format!("r={nonce},s={salt},i={ITERATIONS}");
        let exchange = Exchange {
            verifier: self,
            header: text.as_bytes()[..text.len() - bare.len()].to_vec(),
            nonce,
            so_far: format!("{bare},{answer}"),
        };
        Ok((exchange, answer))
    }
}

impl Exchange<'_> {
    /// Reads the client's second message, checks its proof, and returns the server's.
    pub fn finish(self, last: &[u8]) -> Result<String, Wrong> {
        let text = std::str::from_utf8(last).map_err(|_| Wrong::Message)?;
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or(Wrong::Message)?;
        let mut attributes = without_proof.split(',');
        let header = format!("c={}", STANDARD.encode(&self.header));
        let nonce = format!("r={}", self.nonce);
        if attributes.next() != Some(&header) || attributes.next() != Some(&nonce) {
            return Err(Wrong::Message);
        }
        let proof = STANDARD.decode(proof).map_err(|_| Wrong::Message)?;
        let mut client_key: [u8; LENGTH] = proof.try_into().map_err(|_| Wrong::Message)?;
        let about = format!("{},{without_proof}", self.so_far);
        let stored = Key::new(HMAC_SHA256, &self.verifier.stored_key);
        let signature = hmac::sign(&stored, about.as_bytes());
        for (byte, signed) in client_key.iter_mut().zip(signature.as_ref()) {
            *byte ^= signed;
        }
        let shown = digest(&SHA256, &client_key);
        // A comparison of signatures takes the same time wherever they differ.
        let expected = hmac::sign(&stored, &self.verifier.stored_key);
        hmac::verify(&stored, shown.as_ref(), expected.as_ref()).map_err(|_| Wrong::Proof)?;
        let ours = hmac::sign(&self.verifier.server_key, about.as_bytes());
        Ok(format!("v={}", STANDARD.encode(ours)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677, section 3.
    #[test]
    fn the_example_of_the_standard() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = Verifier::with_salt("pencil", salt.try_into().unwrap());
        let own = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let first = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
        let (exchange, answer) = verifier.begin_with(first, own).unwrap();
        assert_eq!(
            answer,
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        let last = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(
            exchange.finish(last),
            Ok("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".to_owned())
        );
        let other = Verifier::with_salt("pencil2", verifier.salt);
        let (exchange, _) = other.begin_with(first, own).unwrap();
        assert_eq!(exchange.finish(last), Err(Wrong::Proof));
    }

    #[test]
    fn messages_that_do_not_fit_are_refused() {
        let verifier = Verifier::new("x").unwrap();
        for first in [
            &b""[..],
            b"n,,",
            b"n,,n=,r=",
            b"p=tls-server-end-point,,n=,r=x",
            b"n,,r=x",
            b"n,n=,r=x",
            b"\xff",
        ] {
            assert!(verifier.begin(first).is_err(), "{first:?}");
        }
        let proof = STANDARD.encode([0; LENGTH]);
        for (last, wrong) in [
            (format!("c=biws,r=xy,p={proof}"), Wrong::Proof),
            (format!("c=eSws,r=xy,p={proof}"), Wrong::Message),
            (format!("c=biws,r=x,p={proof}"), Wrong::Message),
            ("c=biws,r=xy,p=AAAA".to_owned(), Wrong::Message),
            ("c=biws,r=xy".to_owned(), Wrong::Message),
            (String::new(), Wrong::Message),
        ] {
            let (exchange, _) = verifier.begin_with(b"n,,n=,r=x", "y").unwrap();
            assert_eq!(exchange.finish(last.as_bytes()), Err(wrong), "{last}");
        }
    }
}
