//! TLS to the server, as libpq would have it: roots, name and `sslmode`.

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

/// What is checked of the server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Nothing: `sslmode=require` without roots.
    Nothing,
    /// Who certified it: `sslmode=verify-ca`, or `require` with roots.
    Authority,
    /// That, and the host's name: `sslmode=verify-full`.
    Name,
}

/// Where roots are.
#[derive(Debug, PartialEq, Eq)]
pub enum Roots {
    /// The operating system's store.
    System,
    File(PathBuf),
}

/// What a connection's parameters say about TLS.
#[derive(Debug)]
pub struct Settings {
    pub check: Check,
    pub roots: Option<Roots>,
    /// Whether the server is told the name that is meant (`sslsni`).
    pub tells_name: bool,
    /// Whether TLS begins without asking PostgreSQL for it (`sslnegotiation=direct`).
    pub is_direct: bool,
    /// The oldest and the newest version that are allowed: 1.2 and 1.3 are there.
    pub oldest: Version,
    pub newest: Version,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 1.2, or an older one, which is not used.
    Tls12,
    Tls13,
}

/// Makes what every connection to the server is made with.
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

/// Reads the roots. What isn't a certificate is passed over, as OpenSSL does.
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

/// Checks who certified a server and not its name, or nothing. That the server has the certificate's
/// key is always checked.
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
        // The name is what is looked at last.
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
