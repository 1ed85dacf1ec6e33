//! The beginning of a session: the startup packet, and the token for the password that the server
//! asks for.

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::entra::token::Token;
use crate::failure::Failure;
use crate::plain_text;

use super::messages::{self, Authentication, Read};
use super::opening::Startup;
use super::refused::Refused;

/// The server doesn't take connections just now, and another host may.
const CANNOT_CONNECT_NOW: &[u8] = b"57P03";

/// What came of it, with the bytes that are for the client.
#[derive(Debug)]
pub enum Begun {
    Session(Vec<u8>),
    /// The server refused, in its own words.
    Refused {
        bytes: Vec<u8>,
        /// Whether another host may do what this one doesn't.
        is_only_now: bool,
    },
}

/// Begins a session.
pub async fn begin<S>(server: &mut S, startup: &Startup, token: &Token) -> Result<Begun, Refused>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let ended = |why: std::io::Error| {
        Refused::no_connection(Failure::sign_in(format!(
            "the server ended the connection while signing in: {why}"
        ))
        .hint("try again, or run `entra-psql --doctor`"))
    };
    server.write_all(startup.packet()).await.map_err(ended)?;
    server.flush().await.map_err(ended)?;
    let mut bytes = Vec::with_capacity(1024);
    // What of the bytes is for the client as it is.
    let mut at = 0;
    loop {
        let (message, kind) = loop {
            match messages::read(&bytes[at..]) {
                Read::Whole(message) => break (message.body, (message.kind, message.length)),
                Read::Nonsense => return Err(no_postgresql()),
                Read::Partial => {
                    if server.read_buf(&mut bytes).await.map_err(ended)? == 0 {
                        return Err(ended(std::io::ErrorKind::UnexpectedEof.into()));
                    }
                }
            }
        };
        match kind {
            (b'R', length) => match messages::authentication(message).ok_or_else(no_postgresql)? {
                Authentication::Done => return Ok(Begun::Session(bytes)),
                Authentication::Cleartext => {
                    bytes.drain(at..at + length);
                    let password = messages::password(token.secret());
                    server.write_all(&password).await.map_err(ended)?;
                    server.flush().await.map_err(ended)?;
                }
                Authentication::Other(what) => return Err(no_entra_role(startup, what)),
            },
            (b'E', length) => {
                let is_only_now = messages::has_state(message, CANNOT_CONNECT_NOW);
                bytes.truncate(at + length);
                return Ok(Begun::Refused { bytes, is_only_now });
            }
            (b'N' | b'v', length) => at += length,
            _ => return Err(no_postgresql()),
        }
    }
}

fn no_postgresql() -> Refused {
    Refused::no_connection(
        Failure::sign_in("the server doesn't keep to PostgreSQL's protocol")
            .hint("check host and port"),
    )
}

fn no_entra_role(startup: &Startup, what: &str) -> Refused {
    let role = String::from_utf8_lossy(startup.value(b"user").unwrap_or_default());
    let role = plain_text::clean(&role);
    Refused::sign_in(
        Failure::sign_in(format!(
            "`{role}` isn't an Entra role: the server asks for {what}"
        ))
        .hint("connect as a role that was created with `pgaadauth_create_principal`, or without the proxy"),
    )
}
