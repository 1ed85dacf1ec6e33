//! An application's certificate and key, in PEM and PKCS#12, and a server's chain.
//!
//! The samples that are encrypted are so with as few rounds as can be: more are slow on purpose.

use std::path::Path;
use std::time::{Duration, SystemTime};

use azure_core::credentials::Secret;
use entra_psql::testing::doctor::judge::certificate::{self, Checks};
use entra_psql::testing::doctor::look::roots::{RootSource, Roots};
use entra_psql::testing::doctor::look::server::{Name, Server};
use entra_psql::testing::doctor::look::tls::Shown;
use entra_psql::testing::failure::Failure;
use entra_psql::testing::token::workload::certificate::{CertificateFile, Signer};
use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKey,
    PrivateKeyChain,
};
use pem::Pem;
use pkcs8::PrivateKeyInfoRef;
use pkcs8::pkcs5::pbes2;
use rustls::pki_types::CertificateDer;
use sandbox::KeyKind;
use sandbox::authority::Authority;
use sandbox::cache::Cache;
use sandbox::certificates::ClientCertificates;

use crate::hunt::hunt;

const PASSWORD: &str = "secret";

/// A certificate, its authority's, and its key.
struct Sample {
    chain: Vec<Vec<u8>>,
    /// In PKCS#8.
    key: Vec<u8>,
    /// In the form of its own sort.
    own_key: Pem,
}

fn sample(kind: KeyKind) -> Sample {
    let cache = Cache::open().expect("the sandbox's cache");
    let authority = Authority::load(&cache).expect("the sandbox's authority");
    let all = ClientCertificates::load(&cache, &authority).expect("certificates");
    let one = all.find(kind).expect("a certificate of each sort");
    let blocks = |text: &str| pem::parse_many(text).expect("PEM");
    let chain = blocks(&one.certificates_pem());
    Sample {
        chain: chain.into_iter().map(Pem::into_contents).collect(),
        key: blocks(&one.key_pem()).remove(0).into_contents(),
        own_key: blocks(&one.traditional_key_pem()).remove(0),
    }
}

impl Sample {
    fn pem(&self, key: &Pem) -> Vec<u8> {
        let mut text = pem::encode(key);
        for der in &self.chain {
            text.push_str(&pem::encode(&Pem::new("CERTIFICATE", der.as_slice())));
        }
        text.into_bytes()
    }

    fn encrypted_key(&self) -> Pem {
        let parameters =
            pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(1, b"salt-for-tests", [7; 16])
                .expect("parameters");
        let info = PrivateKeyInfoRef::try_from(self.key.as_slice()).expect("PKCS#8");
        let encrypted = info.encrypt_with_params(parameters, PASSWORD);
        let encrypted = encrypted.expect("an encrypted key");
        Pem::new("ENCRYPTED PRIVATE KEY", encrypted.as_bytes())
    }

    fn pfx(&self, encryption: EncryptionAlgorithm, integrity: MacAlgorithm) -> Vec<u8> {
        let chain = self.chain.iter();
        let chain = chain.map(|der| Certificate::from_der(der).expect("a certificate"));
        let key = PrivateKey::from_der(&self.key).expect("a key");
        let entry = KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new("1", key, chain));
        let mut store = KeyStore::new();
        store.add_entry("billing", entry);
        let writer = store.writer(PASSWORD);
        let writer = writer
            .encryption_algorithm(encryption)
            .encryption_iterations(1);
        let writer = writer.mac_algorithm(integrity).mac_iterations(1);
        writer.write().expect("a PFX file")
    }
}

fn open(parts: &[&(impl AsRef<[u8]> + ?Sized)], password: Option<&str>) -> Result<Signer, Failure> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(part.as_ref());
    }
    let password = password.map(|text| Secret::new(text.to_owned()));
    let file = CertificateFile::holding(Path::new("certificate"), bytes.into(), password);
    file.open(SystemTime::now())
}

#[test]
fn pem_files() {
    let ec = sample(KeyKind::P256);
    let rsa = sample(KeyKind::Rsa);
    let samples = [
        ec.pem(&Pem::new("PRIVATE KEY", ec.key.as_slice())),
        ec.pem(&ec.own_key),
        ec.pem(&ec.encrypted_key()),
        rsa.pem(&rsa.own_key),
        b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n".to_vec(),
    ];
    for sample in &samples[..4] {
        open(&[sample], Some(PASSWORD)).expect("the sample is good");
    }
    hunt(&samples.each_ref().map(Vec::as_slice), |bytes| {
        let _ = open(&[bytes], None);
        let _ = open(&[bytes], Some(PASSWORD));
    });
}

/// DER inside good PEM: spoilt PEM seldom is PEM.
#[test]
fn certificates_in_der() {
    let ec = sample(KeyKind::P256);
    let rsa = sample(KeyKind::Rsa);
    let key = pem::encode(&Pem::new("PRIVATE KEY", ec.key.as_slice()));
    let good = pem::encode(&Pem::new("CERTIFICATE", ec.chain[0].as_slice()));
    hunt(&[&ec.chain[0], &ec.chain[1], &rsa.chain[0]], |der| {
        let certificate = pem::encode(&Pem::new("CERTIFICATE", der));
        let _ = open(&[&key, &certificate, &good], Some(PASSWORD));
    });
}

/// The same with this key, in the file of a sample.
fn spoil_key(sample: &Sample, key: &Pem) {
    let certificate = pem::encode(&Pem::new("CERTIFICATE", sample.chain[0].as_slice()));
    let file = |der: &[u8]| {
        let key = pem::encode(&Pem::new(key.tag(), der));
        open(&[&key, &certificate], Some(PASSWORD))
    };
    file(key.contents()).expect("the sample is good");
    hunt(&[key.contents()], |der| drop(file(der)));
}

#[test]
fn keys_in_pkcs8() {
    let ec = sample(KeyKind::P256);
    spoil_key(&ec, &Pem::new("PRIVATE KEY", ec.key.as_slice()));
}

#[test]
fn keys_in_pkcs8_encrypted() {
    let ec = sample(KeyKind::P256);
    spoil_key(&ec, &ec.encrypted_key());
}

#[test]
fn keys_in_sec1() {
    let ec = sample(KeyKind::P384);
    spoil_key(&ec, &ec.own_key);
}

#[test]
fn keys_in_pkcs1() {
    let rsa = sample(KeyKind::Rsa);
    spoil_key(&rsa, &rsa.own_key);
}

#[test]
fn pfx_files() {
    let ec = sample(KeyKind::P256);
    let samples = [
        ec.pfx(
            EncryptionAlgorithm::PbeWithHmacSha256AndAes256,
            MacAlgorithm::HmacSha256,
        ),
        ec.pfx(
            EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc,
            MacAlgorithm::HmacSha1,
        ),
        ec.pfx(
            EncryptionAlgorithm::PbeWithShaAnd40BitRc4Cbc,
            MacAlgorithm::HmacSha1,
        ),
    ];
    for sample in &samples {
        open(&[sample], Some(PASSWORD)).expect("the sample is good");
    }
    hunt(&samples.each_ref().map(Vec::as_slice), |bytes| {
        let _ = open(&[bytes], None);
        let _ = open(&[bytes], Some(PASSWORD));
    });
}

#[test]
fn certificates_of_servers() {
    let ec = sample(KeyKind::P256);
    let rsa = sample(KeyKind::Rsa);
    let root = CertificateDer::from(ec.chain[1].clone());
    let roots = Roots {
        place: RootSource::System,
        certificates: Ok(vec![root]),
    };
    let samples: [&[u8]; 3] = [&ec.chain[0], &ec.chain[1], &rsa.chain[0]];
    hunt(&samples, |der| {
        let spoilt = CertificateDer::from(der.to_vec());
        let good = CertificateDer::from(ec.chain[0].clone());
        for chain in [vec![spoilt.clone(), good.clone()], vec![good, spoilt]] {
            let server = Server {
                host: "mydb.postgres.database.azure.com".to_owned(),
                port: "5432".to_owned(),
                time: Duration::from_secs(30),
                name: Name::Socket,
                reached: None,
                others: Vec::new(),
                tls: Some(Ok(Shown {
                    protocol: "TLS 1.3",
                    chain,
                })),
            };
            for checks in [Checks::All, Checks::Nothing] {
                let _ = certificate::judge(&server, checks, &roots, SystemTime::now());
            }
        }
    });
}
