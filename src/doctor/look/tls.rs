//! Asks a server for TLS as libpq does, and looks at its certificate. Nothing is ever sent inside:
//! a connection that is only looked at accepts any certificate, and ends before it says who it is.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, ProtocolVersion, SignatureScheme,
};

use crate::system::deadline::Deadline;

use super::network::is_timeout;

/// The message that asks for TLS: its length, and the number that stands for it (PostgreSQL's
/// protocol, `SSLRequest`).
const REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// What a server that speaks TLS showed.
#[derive(Debug)]
pub struct Shown {
    /// The version of TLS.
    pub protocol: &'static str,
    /// The certificates, the server's own first.
    pub chain: Vec<CertificateDer<'static>>,
}

/// Why there is nothing to look at.
#[derive(Debug, PartialEq, Eq)]
pub enum TlsError {
    /// The server has no TLS.
    PlainText,
    /// It said nothing.
    Silent,
    /// It does not speak PostgreSQL's protocol.
    Stranger,
    /// It ended the connection, or TLS cannot be agreed on.
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

/// Asks the server at the other end of `stream`, which calls itself `host`, for TLS.
///
/// # Errors
///
/// See [`TlsError`].
pub fn look(mut stream: TcpStream, host: &str, deadline: Deadline) -> Result<Shown, TlsError> {
    bound(&stream, deadline)?;
    stream.write_all(&REQUEST)?;
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
    let mut connection = connection(name, witness.clone()).map_err(|why| said(&why))?;
    while connection.is_handshaking() {
        bound(&stream, deadline)?;
        connection.complete_io(&mut stream)?;
    }
    connection.send_close_notify();
    // It may be gone already, which is as good.
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

/// Has each read and write end by the deadline.
fn bound(stream: &TcpStream, deadline: Deadline) -> Result<(), TlsError> {
    let left = deadline.remaining();
    if left.is_zero() {
        return Err(TlsError::Silent);
    }
    stream.set_read_timeout(Some(left))?;
    stream.set_write_timeout(Some(left))?;
    Ok(())
}

fn said(why: &Error) -> TlsError {
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

/// Keeps the certificates that it is shown, and objects to none: what they are worth is judged
/// elsewhere.
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
