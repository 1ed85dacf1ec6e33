//! The sandbox's certificate authority, which the cache keeps, and the server certificates that it
//! signs in every run.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use time::{Duration, OffsetDateTime};
use tokio_rustls::TlsAcceptor;

use crate::cache::Cache;

const CERTIFICATE_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca-key.pem";

#[derive(Debug)]
pub struct Authority {
    file: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Returns the authority in the cache, and makes it on first use.
    pub fn load(cache: &Cache) -> Result<Self> {
        Self::entry(cache, "ca", "entra-psql sandbox authority")
    }

    /// Returns another authority, which nothing trusts.
    pub(crate) fn load_stranger(cache: &Cache) -> Result<Self> {
        Self::entry(cache, "stranger-ca", "entra-psql sandbox authority")
    }

    /// An authority of the name that Mozilla's list has no more.
    pub(crate) fn load_retired(cache: &Cache) -> Result<Self> {
        Self::entry(cache, "retired-ca", "DigiCert Global Root CA")
    }

    fn entry(cache: &Cache, name: &str, subject: &str) -> Result<Self> {
        let dir = cache.entry(name, |dir| generate(dir, subject))?;
        let file = dir.join(CERTIFICATE_FILE);
        let key = KeyPair::from_pem(&fs::read_to_string(dir.join(KEY_FILE))?)
            .context("cannot read the cached key of the certificate authority")?;
        Ok(Self {
            file,
            issuer: Issuer::new(params(subject), key),
        })
    }

    /// Returns the authority's certificate, as a PEM file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the authority's certificate, in DER.
    pub(crate) fn der(&self) -> Result<Vec<u8>> {
        let pem = pem::parse(fs::read(&self.file)?)?;
        Ok(pem.into_contents())
    }

    /// Signs a certificate for another key, in DER.
    pub(crate) fn certify(&self, params: &CertificateParams, key: &KeyPair) -> Result<Vec<u8>> {
        Ok(params.clone().signed_by(key, &self.issuer)?.der().to_vec())
    }

    /// Returns the server's side of TLS, with a new certificate for these names.
    pub(crate) fn acceptor(&self, names: &[&str]) -> Result<TlsAcceptor> {
        self.acceptor_until(names, OffsetDateTime::now_utc() + Duration::days(90))
    }

    /// The same with a certificate that expired yesterday.
    pub(crate) fn expired_acceptor(&self, names: &[&str]) -> Result<TlsAcceptor> {
        self.acceptor_until(names, OffsetDateTime::now_utc() - Duration::days(1))
    }

    fn acceptor_until(&self, names: &[&str], end: OffsetDateTime) -> Result<TlsAcceptor> {
        let (certificate, key) = self.server_certificate(names, end)?;
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Returns a new certificate for these names and its key, in PEM.
    pub(crate) fn server_files(&self, names: &[&str]) -> Result<(String, String)> {
        let end = OffsetDateTime::now_utc() + Duration::days(90);
        let (certificate, key) = self.server_certificate(names, end)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    fn server_certificate(
        &self,
        names: &[&str],
        end: OffsetDateTime,
    ) -> Result<(Certificate, KeyPair)> {
        let key = KeyPair::generate()?;
        let mut params =
            CertificateParams::new(names.iter().copied().map(String::from).collect::<Vec<_>>())?;
        params.distinguished_name.push(DnType::CommonName, names[0]);
        params.not_before = end - Duration::days(91);
        params.not_after = end;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // Python 3.13 and later require it.
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok((certificate, key))
    }
}

fn generate(dir: &Path, subject: &str) -> Result<()> {
    let authority = CertifiedIssuer::self_signed(params(subject), KeyPair::generate()?)?;
    fs::write(dir.join(CERTIFICATE_FILE), authority.pem())?;
    fs::write(dir.join(KEY_FILE), authority.key().serialize_pem())?;
    Ok(())
}

/// Returns the contents of the authority's certificate. Only its name and key matter to what it
/// signs.
fn params(subject: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, subject);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = OffsetDateTime::now_utc() - Duration::days(1);
    params.not_after = OffsetDateTime::now_utc() + Duration::days(3650);
    params
}
