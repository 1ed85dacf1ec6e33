//! Certificates that applications authenticate with: those that the directory knows, and others.

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

/// The sort of a certificate's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA with 2048 bits.
    Rsa,
    /// EC on P-256.
    P256,
    /// EC on P-384.
    P384,
}

/// A certificate of an application, those that certify it, and its private key.
#[derive(Clone)]
pub struct ClientCertificate {
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
    /// As Windows long did: 3DES, and SHA-1 for its integrity.
    TripleDes,
    /// As OpenSSL did for certificates: RC2 with 40 bits.
    Rc2,
}

impl ClientCertificate {
    /// Makes a new one. `days` are the first and the last day of its validity, counted from now.
    pub(crate) fn new(
        authority: &Authority,
        kind: KeyKind,
        (from, to): (i64, i64),
    ) -> Result<Self> {
        let pair = match kind {
            KeyKind::P256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?,
            KeyKind::P384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?,
            // ring signs with RSA but makes no keys.
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
    pub fn der(&self) -> &[u8] {
        &self.chain[0]
    }

    /// The key, in PKCS#8.
    #[cfg(test)]
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// Returns only the certificates, in PEM, its own first.
    pub fn certificates_pem(&self) -> String {
        let blocks = self.chain.iter().map(|der| block("CERTIFICATE", der));
        blocks.collect()
    }

    /// The key in PEM, as PKCS#8.
    pub fn key_pem(&self) -> String {
        block("PRIVATE KEY", &self.key)
    }

    /// Returns the key in PEM, in the older form of its sort: PKCS#1, or SEC1.
    pub fn traditional_key_pem(&self) -> String {
        let info = PrivateKeyInfoRef::try_from(self.key.as_slice()).expect("PKCS#8");
        let tag = match self.kind {
            KeyKind::Rsa => "RSA PRIVATE KEY",
            KeyKind::P256 | KeyKind::P384 => "EC PRIVATE KEY",
        };
        block(tag, info.private_key.as_bytes())
    }

    /// Returns the key in PEM, as PKCS#8, encrypted as OpenSSL does it.
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

    /// Returns a PFX file (PKCS#12) with all of it.
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

/// The certificates that are registered for the application `billing service`, one of each sort. The
/// cache keeps them, since an RSA key takes long to make.
#[derive(Debug)]
pub struct ClientCertificates {
    all: Vec<ClientCertificate>,
}

impl ClientCertificates {
    /// Returns those in the cache, and makes them on first use.
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

    /// Returns the one of this sort.
    pub fn find(&self, kind: KeyKind) -> Result<&ClientCertificate> {
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
