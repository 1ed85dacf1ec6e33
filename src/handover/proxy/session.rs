//! The beginning of a session: sends the startup packet, and the token as the password.

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::entra::token::Token;
use crate::failure::Failure;
use crate::plain_text;

use super::messages::{self, Authentication, Read};
use super::opening::Startup;
use super::refused::Refused;

/// The server doesn't accept connections now, but another host may.
const CANNOT_CONNECT_NOW: &[u8] = b"57P03";

/// The result of beginning a session, with the bytes for the client.
#[derive(Debug)]
pub enum Begun {
    Session(Vec<u8>),
    /// The server refused, with this error message.
    Refused {
        bytes: Vec<u8>,
        /// Whether another host may accept the connection.
        is_only_now: bool,
    },
}

/// Begins a session.
pub async fn begin<S>(server: &mut S, startup: &Startup, token: &Token) -> Result<Begun, Refused>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let ended = |why: std::io::Error| {
        Refused::no_connection(
            Failure::sign_in(format!(
                "the server ended the connection while signing in: {why}"
            ))
            .hint("try again, or run `entra-psql --doctor`"),
        )
    };
    server.write_all(startup.packet()).await.map_err(ended)?;
    server.flush().await.map_err(ended)?;
    let mut bytes = Vec::with_capacity(1024);
    // The bytes before this index are for the client.
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
        Failure::sign_in("the server doesn't use PostgreSQL's protocol")
            .hint("check host and port"),
    )
}

fn no_entra_role(startup: &Startup, what: &str) -> Refused {
    let role = String::from_utf8_lossy(startup.value(b"user").unwrap_or_default());
    let role = plain_text::clean(&role);
    Refused::sign_in(
        Failure::sign_in(format!(
            "`{role}` isn't an Entra role: the server requires {what}"
        ))
        .hint("connect as a role that was created with `pgaadauth_create_principal`, or without the proxy"),
    )
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;
    use crate::handover::proxy::opening::Opening;

    const STARTUP: &[u8] = b"\0\0\0\x16\0\x03\0\0user\0Prod DB\0\0";

    /// Returns the result if the server sends these in turn, one after each message that it reads.
    fn begun(says: &[&[u8]]) -> (Result<Begun, Refused>, Vec<u8>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(async {
            let (mut ours, mut theirs) = duplex(4096);
            let Some(Opening::Startup(startup)) = Opening::read(STARTUP.to_vec()) else {
                panic!("no startup");
            };
            let token = Token::read("e30.e30.e30".to_owned()).unwrap();
            let server = async {
                let mut heard = Vec::new();
                for say in says {
                    let read = theirs.read_buf(&mut heard).await.unwrap();
                    assert!(read > 0);
                    theirs.write_all(say).await.unwrap();
                }
                drop(theirs);
                heard
            };
            tokio::join!(begin(&mut ours, &startup, &token), server)
        })
    }

    #[test]
    fn the_token_is_sent_where_it_is_asked_for_and_all_else_is_the_clients() {
        let negotiation = b"v\0\0\0\x0c\0\x03\0\0\0\0\0\0R\0\0\0\x08\0\0\0\x03";
        let (begun, heard) = begun(&[negotiation, b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"]);
        let Ok(Begun::Session(bytes)) = begun else {
            panic!("{begun:?}");
        };
        let expected = [&negotiation[..13], b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"].concat();
        assert_eq!(bytes, expected);
        assert_eq!(heard, [STARTUP, b"p\0\0\0\x10e30.e30.e30\0"].concat());
    }

    #[test]
    fn another_authentication_is_for_other_roles_and_gets_no_token() {
        for (asks, what) in [
            (
                &b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"[..],
                "a SCRAM password",
            ),
            (b"R\0\0\0\x0c\0\0\0\x05salt", "an MD5 password"),
            (b"R\0\0\0\x08\0\0\0\x07", "GSSAPI"),
        ] {
            let (begun, heard) = begun(&[asks]);
            let refused = begun.unwrap_err();
            assert_eq!(refused.state, "28000");
            let cause = format!("`Prod DB` isn't an Entra role: the server requires {what}");
            assert_eq!(refused.failure.cause(), cause);
            assert_eq!(heard, STARTUP);
        }
    }

    #[test]
    fn a_refusal_is_the_servers_own() {
        let refusal = b"E\0\0\0\x17SFATAL\0C57P03\0Mno\0\0";
        let (begun, _) = begun(&[&[refusal, &b"rest"[..]].concat()]);
        let Ok(Begun::Refused { bytes, is_only_now }) = begun else {
            panic!("{begun:?}");
        };
        assert_eq!((bytes.as_slice(), is_only_now), (&refusal[..], true));
    }

    #[test]
    fn whatever_else_comes_is_no_connection() {
        for says in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"S",
            b"",
            b"Z\0\0\0\x05I",
        ] {
            let (begun, _) = begun(&[says]);
            assert_eq!(begun.unwrap_err().state, "08001", "{says:?}");
        }
    }
}
