//! The client's side up to the startup packet: reads what the client asks for, and checks whether
//! it may connect.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::failure::Failure;

use super::messages::{self, Read};
use super::opening::{self, Opening, Startup};
use super::refused::Refused;
use super::scram::{self, Verifier, Wrong};

/// A client may ask for TLS and GSSAPI in any order and more than once, but not forever.
const MOST_ASKED: usize = 8;

/// Any message of SCRAM is shorter.
const LONGEST_PROOF: usize = 1024;

/// What a client asks for.
#[derive(Debug)]
pub enum Wish {
    Session(Startup),
    Cancel(Vec<u8>),
}

/// Why a client is not served.
#[derive(Debug)]
pub enum Unheard {
    /// The client closed the connection before it asked for anything.
    Left,
    Refused(Refused),
}

impl From<io::Error> for Unheard {
    fn from(_: io::Error) -> Self {
        Self::Left
    }
}

/// Reads what a client asks for. If there is a password, a client that asks for a session must first
/// prove that it knows it.
pub async fn hear<S>(stream: &mut S, password: Option<&Verifier>) -> Result<Wish, Unheard>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    for _ in 0..MOST_ASKED {
        match read(stream).await? {
            Opening::Encryption => stream.write_all(b"N").await?,
            Opening::Cancel(request) => return Ok(Wish::Cancel(request)),
            Opening::Startup(startup) => {
                if let Some(verifier) = password {
                    prove(stream, verifier).await?;
                }
                return Ok(Wish::Session(startup));
            }
        }
    }
    Err(nonsense())
}

/// Reads one packet.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Opening, Unheard> {
    let mut first = [0; 4];
    stream.read_exact(&mut first).await?;
    let length = opening::length(first).ok_or_else(nonsense)?;
    let mut packet = first.to_vec();
    packet.resize(length, 0);
    stream.read_exact(&mut packet[4..]).await?;
    Opening::read(packet).ok_or_else(nonsense)
}

fn nonsense() -> Unheard {
    Unheard::Refused(Refused::protocol(
        "a client sent something other than a startup packet of protocol 3",
    ))
}

/// Makes the client prove by SCRAM that it knows the password.
async fn prove<S>(stream: &mut S, verifier: &Verifier) -> Result<(), Unheard>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let offered = [scram::MECHANISM.as_bytes(), b"\0\0"].concat();
    stream.write_all(&messages::request(10, &offered)).await?;
    let first = answer(stream).await?;
    let (exchange, said) = first_message(&first)
        .and_then(|message| verifier.begin(message))
        .map_err(wrong)?;
    stream
        .write_all(&messages::request(11, said.as_bytes()))
        .await?;
    let last = answer(stream).await?;
    let ours = exchange.finish(&last).map_err(wrong)?;
    // The server itself sends the end of the authentication.
    stream
        .write_all(&messages::request(12, ours.as_bytes()))
        .await?;
    Ok(())
}

/// Reads the body of the client's answer.
async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, Unheard> {
    let mut bytes = vec![0; 5];
    stream.read_exact(&mut bytes).await?;
    if let Read::Nonsense = messages::read(&bytes) {
        return Err(wrong(Wrong::Message));
    }
    let length = u32::from_be_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if bytes[0] != b'p' || length > LONGEST_PROOF {
        return Err(wrong(Wrong::Message));
    }
    let mut body = vec![0; length - 4];
    stream.read_exact(&mut body).await?;
    Ok(body)
}

/// Returns the text of the message that begins SCRAM, after the mechanism's name and a length.
fn first_message(body: &[u8]) -> Result<&[u8], Wrong> {
    let rest = body.strip_prefix(scram::MECHANISM.as_bytes());
    let rest = rest.and_then(|rest| rest.strip_prefix(b"\0"));
    let (length, text) = rest
        .and_then(|rest| rest.split_first_chunk::<4>())
        .ok_or(Wrong::Message)?;
    let length = usize::try_from(u32::from_be_bytes(*length));
    (length == Ok(text.len()))
        .then_some(text)
        .ok_or(Wrong::Message)
}

fn wrong(why: Wrong) -> Unheard {
    Unheard::Refused(match why {
        Wrong::Message => Refused::protocol("a client violated SCRAM-SHA-256"),
        Wrong::Proof => {
            Refused::sign_in(Failure::sign_in("the local password is wrong").hint(
                "use the `passfile` of the connection string that `entra-psql --proxy` printed",
            ))
        }
    })
}
