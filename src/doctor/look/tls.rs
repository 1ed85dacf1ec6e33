//! Asks a server for TLS as libpq does, to read its certificate. Nothing is ever sent inside: this
//! connection accepts any certificate, and ends before it says who it is.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, ProtocolVersion, SignatureScheme,
};

use crate::handover::proxy::opening::SSL_REQUEST;
use crate::system::deadline::Deadline;

use super::network::is_timeout;

/// What a server with TLS showed.
#[derive(Clone, Debug)]
pub struct Shown {
    pub protocol: &'static str,
    /// The certificates, the server's own first.
    pub chain: Vec<CertificateDer<'static>>,
}

/// Why there is no certificate to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsError {
    /// The server has no TLS.
    PlainText,
    /// It gave no answer.
    Silent,
    /// Its answer is not PostgreSQL's protocol.
    Stranger,
    /// It ended the connection, or supports no version of TLS that is supported here.
    Broken(String),
}

impl From<io::Error> for TlsError {
    fn from(why: io::Error) -> Self {
        if is_timeout(&why) {
            Self::Silent
        } else {
            Self::Broken(why.to_string())
        }
    }
}

/// Asks the server at the other end of `stream`, whose name is `host`, for TLS.
pub fn look(mut stream: TcpStream, host: &str, deadline: Deadline) -> Result<Shown, TlsError> {
    bound(&stream, deadline)?;
    stream.write_all(&SSL_REQUEST)?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    match answer[0] {
        b'S' => {}
        b'N' => return Err(TlsError::PlainText),
        _ => return Err(TlsError::Stranger),
    }
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| TlsError::Broken(format!("`{host}` can be no certificate's name")))?;
    let witness = Arc::new(Witness::default());
    let mut connection = connection(name, witness.clone()).map_err(|why| broken(&why))?;
    while connection.is_handshaking() {
        bound(&stream, deadline)?;
        connection.complete_io(&mut stream)?;
    }
    connection.send_close_notify();
    // The server may have closed the connection already.
    let _ = connection.complete_io(&mut stream);
    let seen = witness.chain.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Shown {
        protocol: match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
            _ => "TLS 1.2",
        },
        chain: seen.clone(),
    })
}

/// Makes each read and write end by the deadline.
fn bound(stream: &TcpStream, deadline: Deadline) -> Result<(), TlsError> {
    let left = deadline.remaining();
    if left.is_zero() {
        return Err(TlsError::Silent);
    }
    stream.set_read_timeout(Some(left))?;
    stream.set_write_timeout(Some(left))?;
    Ok(())
}

fn broken(why: &Error) -> TlsError {
    TlsError::Broken(why.to_string())
}

fn connection(name: ServerName<'static>, witness: Arc<Witness>) -> Result<ClientConnection, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(witness)
        .with_no_client_auth();
    ClientConnection::new(Arc::new(config), name)
}

/// Keeps the certificates that it is shown and accepts all: `judge::certificate` judges them.
#[derive(Debug, Default)]
struct Witness {
    chain: Mutex<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = std::iter::once(end_entity).chain(intermediates);
        let mut chain = self.chain.lock().unwrap_or_else(PoisonError::into_inner);
        *chain = shown
            .map(|certificate| certificate.clone().into_owned())
            .collect();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let provider = rustls::crypto::ring::default_provider();
        provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
