//! The few messages of PostgreSQL's protocol that come before a session.
//!
//! Documented at <https://www.postgresql.org/docs/current/protocol-message-formats.html>.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

const PROTOCOL_3: u32 = 3;
const CANCEL: u32 = 80_877_102;
const ENCRYPTION: u32 = 80_877_103;
const ENCRYPTION_BY_GSS: u32 = 80_877_104;

/// PostgreSQL accepts startup messages up to this many bytes.
const STARTUP_LIMIT: usize = 10_000;

/// PostgreSQL accepts passwords up to this many bytes.
const PASSWORD_LIMIT: usize = 65_535;

/// The first message of a client.
#[derive(Debug)]
pub(super) enum Opening {
    /// It requests TLS.
    Encryption,
    /// It requests encryption by Kerberos, which the gateway doesn't support.
    EncryptionByGss,
    /// It requests the end of another connection's query. This is the whole message.
    Cancel(Vec<u8>),
    /// It requests a session.
    Startup(Startup),
}

/// Which role requests a session, in which database.
#[derive(Debug)]
pub(super) struct Startup {
    /// The whole message, to be passed on unchanged.
    pub(super) message: Vec<u8>,
    pub(super) user: String,
    /// The user's name, if none is given.
    pub(super) database: String,
}

pub(super) async fn read_opening(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Opening> {
    let length = stream.read_u32().await?;
    let mut message = length.to_be_bytes().to_vec();
    let size = usize::try_from(length)
        .ok()
        .filter(|size| (8..=STARTUP_LIMIT).contains(size));
    message.resize(size.ok_or(io::ErrorKind::InvalidData)?, 0);
    stream.read_exact(&mut message[4..]).await?;
    let code = u32::from_be_bytes([message[4], message[5], message[6], message[7]]);
    match code {
        CANCEL => Ok(Opening::Cancel(message)),
        ENCRYPTION => Ok(Opening::Encryption),
        ENCRYPTION_BY_GSS => Ok(Opening::EncryptionByGss),
        version if version >> 16 == PROTOCOL_3 => startup(message).map(Opening::Startup),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn startup(message: Vec<u8>) -> io::Result<Startup> {
    let text = String::from_utf8_lossy(&message[8..]).into_owned();
    let words: Vec<&str> = text.split('\0').collect();
    let value = |name: &str| {
        words
            .chunks_exact(2)
            .find(|pair| pair[0] == name)
            .map(|pair| pair[1].to_owned())
            .filter(|value| !value.is_empty())
    };
    let user = value("user").ok_or(io::ErrorKind::InvalidData)?;
    let database = value("database").unwrap_or_else(|| user.clone());
    Ok(Startup {
        message,
        user,
        database,
    })
}

/// `AuthenticationCleartextPassword`.
pub(super) async fn ask_for_password(stream: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    stream.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]).await?;
    stream.flush().await
}

/// Returns the answer; `None` if the client closes the connection instead.
pub(super) async fn read_password(
    stream: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<String>> {
    match stream.read_u8().await {
        Ok(b'p') => {}
        Ok(_) => return Err(io::ErrorKind::InvalidData.into()),
        Err(_) => return Ok(None),
    }
    let length = usize::try_from(stream.read_u32().await?).unwrap_or(usize::MAX);
    if !(5..=PASSWORD_LIMIT).contains(&length) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut password = vec![0; length - 4];
    stream.read_exact(&mut password).await?;
    Ok(Some(
        String::from_utf8_lossy(password.strip_suffix(&[0]).unwrap_or(&password)).into_owned(),
    ))
}

/// `ErrorResponse`.
pub(super) async fn refuse(
    stream: &mut (impl AsyncWrite + Unpin),
    sqlstate: &str,
    text: &str,
) -> io::Result<()> {
    let mut fields = Vec::new();
    for (field, value) in [
        (b'S', "FATAL"),
        (b'V', "FATAL"),
        (b'C', sqlstate),
        (b'M', text),
    ] {
        fields.push(field);
        fields.extend_from_slice(value.as_bytes());
        fields.push(0);
    }
    fields.push(0);
    let length = u32::try_from(fields.len() + 4).map_err(|_| io::ErrorKind::InvalidData)?;
    stream.write_u8(b'E').await?;
    stream.write_u32(length).await?;
    stream.write_all(&fields).await?;
    stream.flush().await
}

#[cfg(test)]
mod tests {
    use super::{Opening, read_opening, refuse};

    fn message(code: u32, rest: &[u8]) -> Vec<u8> {
        let length = u32::try_from(rest.len() + 8).unwrap();
        [&length.to_be_bytes(), &code.to_be_bytes(), rest].concat()
    }

    #[tokio::test]
    async fn a_startup_names_a_user_and_perhaps_a_database() {
        for (parameters, database) in [
            (&b"user\0alice\0database\0app\0\0"[..], "app"),
            (b"database\0\0user\0alice\0\0", "alice"),
            (b"application_name\0user\0user\0alice\0\0", "alice"),
        ] {
            let bytes = message(3 << 16, parameters);
            let Ok(Opening::Startup(startup)) = read_opening(&mut bytes.as_slice()).await else {
                panic!()
            };
            assert_eq!(
                (startup.user.as_str(), startup.database.as_str()),
                ("alice", database)
            );
            assert_eq!(startup.message, bytes);
        }
    }

    #[tokio::test]
    async fn nonsense_is_no_opening() {
        for bytes in [
            message(3 << 16, b"database\0app\0\0"),
            message(2 << 16, b""),
            vec![0xff; 8],
            vec![0; 8],
        ] {
            assert!(
                read_opening(&mut bytes.as_slice()).await.is_err(),
                "{bytes:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_refusal_has_its_fields() {
        let mut bytes = Vec::new();
        refuse(&mut bytes, "28P01", "no").await.unwrap();
        assert_eq!(bytes, b"E\0\0\0\x1eSFATAL\0VFATAL\0C28P01\0Mno\0\0");
    }
}
