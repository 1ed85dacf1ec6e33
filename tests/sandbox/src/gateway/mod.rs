//! What stands in front of PostgreSQL at Azure: TLS, and tokens for passwords.
//!
//! A connection is taken through the start of the protocol here. Once the token is found good, the
//! startup message goes to the real PostgreSQL, which trusts the gateway, and from then on bytes
//! are only passed on.

mod access;
mod protocol;

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::Result;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    authority::Authority,
    clouds,
    keys::Keys,
    postgres::Server,
    runtime::{Listener, lock},
    token::now,
};
use access::Refusal;
use protocol::{Opening, Startup};

/// In what way the server is not as it should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// It is as it should be.
    #[default]
    Genuine,
    /// Its certificate is for another host.
    WrongName,
    /// Its certificate expired yesterday.
    Expired,
    /// Its certificate is of an authority that nobody trusts.
    UnknownAuthority,
    /// Its certificate is of a root that newer systems have no more.
    RetiredAuthority,
    /// It knows nothing of the client's network, and refuses it.
    UnknownNetwork,
    /// It does not speak TLS.
    Unencrypted,
    /// It takes connections and says nothing.
    Silent,
    /// Its clock is two hours ahead, so that every token has expired.
    AheadOfTime,
}

/// A connection that got as far as naming a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The role, as it came.
    pub user: String,
    /// The database, as PostgreSQL will take it.
    pub database: String,
    /// Whether it was inside TLS.
    pub encrypted: bool,
    /// The message with which it was refused here.
    pub refusal: Option<String>,
}

/// A running gateway. Dropping it closes its port and all connections.
#[derive(Debug)]
pub struct Gateway {
    listener: Listener,
    sessions: Arc<Mutex<Vec<Session>>>,
}

/// What its connections share.
#[derive(Debug)]
struct State {
    keys: Arc<Keys>,
    server: Server,
    /// How many seconds its clock is ahead.
    ahead: i64,
    knows_network: bool,
    sessions: Arc<Mutex<Vec<Session>>>,
}

impl Gateway {
    /// Starts a gateway in front of `server`, which takes the tokens that `keys` signed.
    ///
    /// `authority` signs its certificate; for [`Manner::UnknownAuthority`] and
    /// [`Manner::RetiredAuthority`] the caller gives one that nobody trusts.
    pub(crate) fn start(
        keys: &Arc<Keys>,
        authority: &Authority,
        server: &Server,
        manner: Manner,
    ) -> Result<Self> {
        let tls = match manner {
            Manner::Unencrypted => None,
            Manner::WrongName => {
                Some(authority.acceptor(&["otherdb.postgres.database.azure.com"])?)
            }
            Manner::Expired => Some(authority.expired_acceptor(&clouds::servers())?),
            _ => Some(authority.acceptor(&clouds::servers())?),
        };
        let sessions = Arc::default();
        let state = Arc::new(State {
            keys: Arc::clone(keys),
            server: server.clone(),
            ahead: if manner == Manner::AheadOfTime {
                7200
            } else {
                0
            },
            knows_network: manner != Manner::UnknownNetwork,
            sessions: Arc::clone(&sessions),
        });
        let listener = Listener::start(move |stream| {
            let (tls, state) = (tls.clone(), Arc::clone(&state));
            async move {
                if manner == Manner::Silent {
                    // Longer than any client waits.
                    tokio::time::sleep(Duration::from_secs(3600)).await;
                }
                // An error here is the client's end of the connection, and the client sees it too.
                let _ = open(stream, tls, &state).await;
            }
        })?;
        Ok(Self { listener, sessions })
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.listener.port()
    }

    /// Everyone who named a role so far, oldest first.
    #[must_use]
    pub fn sessions(&self) -> Vec<Session> {
        lock(&self.sessions).clone()
    }
}

/// The part of a connection that may come before TLS.
async fn open(mut stream: TcpStream, tls: Option<TlsAcceptor>, state: &State) -> io::Result<()> {
    loop {
        match protocol::read_opening(&mut stream).await? {
            Opening::EncryptionByGss => stream.write_all(b"N").await?,
            Opening::Encryption => {
                let Some(tls) = &tls else {
                    stream.write_all(b"N").await?;
                    continue;
                };
                stream.write_all(b"S").await?;
                let mut stream = tls.accept(stream).await?;
                let resource = clouds::resource_of(stream.get_ref().1.server_name());
                return match protocol::read_opening(&mut stream).await? {
                    Opening::Startup(startup) => {
                        sign_in(stream, startup, Some(resource), state).await
                    }
                    Opening::Cancel(message) => cancel(&message, state).await,
                    _ => Err(io::ErrorKind::InvalidData.into()),
                };
            }
            Opening::Startup(startup) => return sign_in(stream, startup, None, state).await,
            Opening::Cancel(message) => return cancel(&message, state).await,
        }
    }
}

/// Passes a request to cancel on. PostgreSQL answers by closing the connection.
async fn cancel(message: &[u8], state: &State) -> io::Result<()> {
    let mut server = UnixStream::connect(state.server.socket()).await?;
    server.write_all(message).await?;
    tokio::io::copy(&mut server, &mut tokio::io::sink()).await?;
    Ok(())
}

/// Asks for the password, which is to be a token for `resource`, and refuses or passes everything
/// on. Outside TLS there is none.
async fn sign_in<S>(
    mut stream: S,
    startup: Startup,
    resource: Option<&str>,
    state: &State,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let outcome = if resource.is_some() && !state.knows_network {
        Err(Refusal::unknown_network(&startup.user, &startup.database))
    } else if let Some(resource) = resource {
        protocol::ask_for_password(&mut stream).await?;
        let Some(password) = protocol::read_password(&mut stream).await? else {
            // As when psql has no password to give, and will ask a person for one.
            return Ok(());
        };
        access::check(
            &state.keys,
            &state.server,
            resource,
            &startup.user,
            &password,
            now() + state.ahead,
        )
        .await
    } else {
        Err(Refusal::unencrypted(&startup.user, &startup.database))
    };
    let refusal = outcome.as_ref().err();
    lock(&state.sessions).push(Session {
        user: startup.user.clone(),
        database: startup.database.clone(),
        encrypted: resource.is_some(),
        refusal: refusal.map(|refusal| refusal.message.clone()),
    });
    if let Some(refusal) = refusal {
        protocol::refuse(&mut stream, refusal.sqlstate, &refusal.message).await?;
        return stream.shutdown().await;
    }
    let mut server = UnixStream::connect(state.server.socket()).await?;
    server.write_all(&startup.message).await?;
    copy_bidirectional(&mut stream, &mut server).await?;
    Ok(())
}
