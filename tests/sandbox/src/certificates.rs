//! Certificates with which applications prove themselves: those that the directory knows, and
//! others.

use std::{fs, path::Path};

use anyhow::{Result, anyhow};
use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKey,
    PrivateKeyChain,
};
use pem::{EncodeConfig, LineEnding, Pem};
use pkcs8::{PrivateKeyInfoRef, pkcs5::pbes2};
use rcgen::{
    CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384,
    PKCS_RSA_SHA256,
};
use rsa::{RsaPrivateKey, pkcs8::EncodePrivateKey as _, rand_core::OsRng};
use rustls::pki_types::PrivatePkcs8KeyDer;
use time::{Duration, OffsetDateTime};

use crate::{authority::Authority, cache::Cache};

/// What sort of key a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA of 2048 bits.
    Rsa,
    /// EC on P-256.
    P256,
    /// EC on P-384.
    P384,
}

/// A certificate of an application, those that certify it, and its private key.
#[derive(Clone)]
pub struct ClientCertificate {
    /// The sort of its key.
    pub kind: KeyKind,
    /// The certificate and its authority's, in DER.
    chain: Vec<Vec<u8>>,
    /// The key, in PKCS#8.
    key: Vec<u8>,
}

impl std::fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClientCertificate({:?}, hidden)", self.kind)
    }
}

/// How a PFX file is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// As today: PBKDF2 and AES-256.
    Aes,
    /// As Windows did for long: 3DES, and SHA-1 for its integrity.
    TripleDes,
    /// As OpenSSL did for certificates: RC2 of 40 bits.
    Rc2,
}

impl ClientCertificate {
    /// A new one that was valid, or will be, from so many days from now to so many.
    ///
    /// # Errors
    ///
    /// Where it cannot be made.
    pub(crate) fn new(
        authority: &Authority,
        kind: KeyKind,
        (from, to): (i64, i64),
    ) -> Result<Self> {
        let pair = match kind {
            KeyKind::P256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?,
            KeyKind::P384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?,
            // ring signs with RSA, and makes no keys.
            KeyKind::Rsa => {
                let key = RsaPrivateKey::new(&mut OsRng, 2048)?.to_pkcs8_der()?;
                let key = PrivatePkcs8KeyDer::from(key.as_bytes().to_vec());
                KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_RSA_SHA256)?
            }
        };
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "billing service");
        params.not_before = OffsetDateTime::now_utc() + Duration::days(from);
        params.not_after = OffsetDateTime::now_utc() + Duration::days(to);
        Ok(Self {
            kind,
            chain: vec![authority.certify(&params, &pair)?, authority.der()?],
            key: pair.serialize_der(),
        })
    }

    /// The certificate in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.chain[0]
    }

    /// The key, in PKCS#8.
    #[cfg(test)]
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// The certificates alone, in PEM, its own first.
    #[must_use]
    pub fn certificates_pem(&self) -> String {
        let blocks = self.chain.iter().map(|der| block("CERTIFICATE", der));
        blocks.collect()
    }

    /// The key in PEM, as PKCS#8.
    #[must_use]
    pub fn key_pem(&self) -> String {
        block("PRIVATE KEY", &self.key)
    }

    /// The key in PEM, in the form of its own sort: PKCS#1, or SEC1.
    ///
    /// # Panics
    ///
    /// Where the key is none.
    #[must_use]
    pub fn traditional_key_pem(&self) -> String {
        let info = PrivateKeyInfoRef::try_from(self.key.as_slice()).expect("PKCS#8");
        let tag = match self.kind {
            KeyKind::Rsa => "RSA PRIVATE KEY",
            KeyKind::P256 | KeyKind::P384 => "EC PRIVATE KEY",
        };
        block(tag, info.private_key.as_bytes())
    }

    /// The key in PEM, as PKCS#8 that is encrypted as OpenSSL does it.
    ///
    /// # Panics
    ///
    /// Where it cannot be encrypted.
    #[must_use]
    pub fn encrypted_key_pem(&self, password: &str) -> String {
        let parameters = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(
            2048,
            b"sandbox-salt",
            *b"sandbox-vector-1",
        )
        .expect("parameters");
        let info = PrivateKeyInfoRef::try_from(self.key.as_slice()).expect("PKCS#8");
        let encrypted = info
            .encrypt_with_params(parameters, password)
            .expect("an encrypted key");
        block("ENCRYPTED PRIVATE KEY", encrypted.as_bytes())
    }

    /// A PFX file (PKCS#12) with all of it.
    ///
    /// # Panics
    ///
    /// Where it cannot be made.
    #[must_use]
    pub fn pfx(&self, password: &str, encryption: Encryption) -> Vec<u8> {
        let certificates = self
            .chain
            .iter()
            .map(|der| Certificate::from_der(der).expect("a certificate"));
        let key = PrivateKey::from_der(&self.key).expect("a key");
        let mut store = KeyStore::new();
        store.add_entry(
            "billing",
            KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new("1", key, certificates)),
        );
        let (algorithm, integrity) = match encryption {
            Encryption::Aes => (
                EncryptionAlgorithm::PbeWithHmacSha256AndAes256,
                MacAlgorithm::HmacSha256,
            ),
            Encryption::TripleDes => (
                EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc,
                MacAlgorithm::HmacSha1,
            ),
            Encryption::Rc2 => (
                EncryptionAlgorithm::PbeWithShaAnd40BitRc4Cbc,
                MacAlgorithm::HmacSha1,
            ),
        };
        let writer = store
            .writer(password)
            .encryption_algorithm(algorithm)
            .encryption_iterations(2048)
            .mac_algorithm(integrity)
            .mac_iterations(2048);
        writer.write().expect("a PFX file")
    }
}

fn block(tag: &str, der: &[u8]) -> String {
    let config = EncodeConfig::new().set_line_ending(LineEnding::LF);
    pem::encode_config(&Pem::new(tag, der), config)
}

/// The certificates that are registered for the application `billing service`, one of each sort,
/// kept in the cache: keys of RSA take their time.
#[derive(Debug)]
pub struct ClientCertificates {
    all: Vec<ClientCertificate>,
}

impl ClientCertificates {
    /// Those in the cache, made on first use.
    ///
    /// # Errors
    ///
    /// Where they cannot be made, kept or read.
    pub fn load(cache: &Cache, authority: &Authority) -> Result<Self> {
        let dir = cache.entry("client-certificates", |dir| generate(dir, authority))?;
        let read = |(kind, name): (KeyKind, &str)| -> Result<_> {
            Ok(ClientCertificate {
                kind,
                chain: vec![fs::read(dir.join(format!("{name}.der")))?, authority.der()?],
                key: fs::read(dir.join(format!("{name}.key")))?,
            })
        };
        let all = KINDS.into_iter().map(read).collect::<Result<_>>()?;
        Ok(Self { all })
    }

    /// The one of a sort.
    ///
    /// # Errors
    ///
    /// None today: there is one of each.
    pub fn of(&self, kind: KeyKind) -> Result<&ClientCertificate> {
        let found = self.all.iter().find(|one| one.kind == kind);
        found.ok_or_else(|| anyhow!("there is no certificate for {kind:?}"))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &ClientCertificate> {
        self.all.iter()
    }
}

const KINDS: [(KeyKind, &str); 3] = [
    (KeyKind::Rsa, "rsa"),
    (KeyKind::P256, "p256"),
    (KeyKind::P384, "p384"),
];

fn generate(dir: &Path, authority: &Authority) -> Result<()> {
    for (kind, name) in KINDS {
        let made = ClientCertificate::new(authority, kind, (-1, 3650))?;
        fs::write(dir.join(format!("{name}.der")), made.der())?;
        fs::write(dir.join(format!("{name}.key")), &made.key)?;
    }
    Ok(())
}
