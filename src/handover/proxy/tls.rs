//! TLS to the server with libpq's rules: roots, name and `sslmode`.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};

use crate::failure::Failure;

/// What is checked in the server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Nothing: `sslmode=require` without roots.
    Nothing,
    /// The authority: `sslmode=verify-ca`, or `require` with roots.
    Authority,
    /// The authority and the host's name: `sslmode=verify-full`.
    Name,
}

/// Where the roots are.
#[derive(Debug, PartialEq, Eq)]
pub enum Roots {
    /// The operating system's store.
    System,
    File(PathBuf),
}

/// A connection's parameters for TLS.
#[derive(Debug)]
pub struct Settings {
    pub check: Check,
    pub roots: Option<Roots>,
    /// Whether the handshake names the host (`sslsni`).
    pub tells_name: bool,
    /// Whether TLS begins without PostgreSQL's request for it (`sslnegotiation=direct`).
    pub is_direct: bool,
    /// The oldest and the newest version that are allowed.
    pub oldest: Version,
    pub newest: Version,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 1.2. An older version that is named counts as this one.
    Tls12,
    Tls13,
}

/// Makes the TLS configuration of every connection to the server.
pub fn config(settings: &Settings) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions: Vec<&'static SupportedProtocolVersion> =
        [(Version::Tls12, &TLS12), (Version::Tls13, &TLS13)]
            .into_iter()
            .filter(|(version, _)| (settings.oldest..=settings.newest).contains(version))
            .map(|(_, version)| version)
            .collect();
    let verifier: Arc<dyn ServerCertVerifier> = match settings.check {
        Check::Nothing => Arc::new(Unnamed {
            authority: None,
            provider: Arc::clone(&provider),
        }),
        Check::Authority => Arc::new(Unnamed {
            authority: Some(authority(settings, &provider)?),
            provider: Arc::clone(&provider),
        }),
        Check::Name => authority(settings, &provider)?,
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(|why| unusable(&why))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.enable_sni = settings.tells_name;
    if settings.is_direct {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(config)
}

fn authority(
    settings: &Settings,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Failure> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots(settings.roots.as_ref())?);
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
        .build()
        .map_err(|why| unusable(&why))
}

/// Reads the roots. Skips what isn't a certificate, as OpenSSL does.
fn roots(place: Option<&Roots>) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let (found, place) = match place {
        Some(Roots::File(file)) => {
            let shown = format!("`{}`", file.display());
            let read = CertificateDer::pem_file_iter(file).map_err(|why| {
                Failure::sign_in(format!("the root file {shown} can't be read: {why}"))
                    .hint("check `sslrootcert` or `PGSSLROOTCERT`")
            })?;
            (read.flatten().collect::<Vec<_>>(), shown)
        }
        Some(Roots::System) | None => (
            rustls_native_certs::load_native_certs().certs,
            "the operating system's store".to_owned(),
        ),
    };
    if found.is_empty() {
        return Err(
            Failure::sign_in(format!("there are no root certificates in {place}")).hint(
                "install the system's `ca-certificates`, or name a root file in `PGSSLROOTCERT`",
            ),
        );
    }
    Ok(found)
}

fn unusable(why: &impl std::fmt::Display) -> Failure {
    Failure::sign_in(format!("TLS can't be set up: {why}"))
        .hint("check `sslrootcert`, `ssl_min_protocol_version` and `ssl_max_protocol_version`")
}

/// Checks the authority but not the name, or neither. The server must always prove that it has the
/// certificate's key.
#[derive(Debug)]
struct Unnamed {
    authority: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Unnamed {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(authority) = &self.authority else {
            return Ok(ServerCertVerified::assertion());
        };
        // rustls checks the name last, so everything else is valid if only the name isn't.
        match authority.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            judged => judged,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let known = &self.provider.signature_verification_algorithms;
        known.supported_schemes()
    }
}
