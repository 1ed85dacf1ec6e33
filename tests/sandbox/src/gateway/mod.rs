//! What Azure puts in front of PostgreSQL: TLS, and tokens as passwords.
//!
//! The gateway handles the start of the protocol. If the token is good, it sends the startup message
//! to the real PostgreSQL, which trusts the gateway, and then only passes bytes on.

mod access;
mod protocol;

use std::{
    future::pending,
    io,
    pin::pin,
    sync::{Arc, Mutex},
};

use anyhow::Result;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpStream, UnixStream},
    sync::watch,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    authority::Authority,
    clouds,
    directory::{HOME_TENANT_OF_GUEST, TENANT},
    keys::Keys,
    postgres::Server,
    runtime::{Listener, lock},
    token::now,
};
use access::Refusal;
use protocol::{Opening, Startup};

/// What is wrong with the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// Nothing.
    #[default]
    Genuine,
    /// Its certificate is for another host.
    WrongName,
    /// Its certificate expired yesterday.
    Expired,
    /// Its certificate is from an authority that nothing trusts.
    UnknownAuthority,
    /// Its certificate is of a root that newer systems have no more.
    RetiredAuthority,
    /// It knows nothing of the client's network, and refuses it.
    UnknownNetwork,
    /// It does not support TLS.
    Unencrypted,
    /// It accepts connections and never answers.
    Silent,
    /// Its clock is two hours ahead, so every token has expired.
    AheadOfTime,
    /// It is `otherdb`, which takes the tokens of the guest's home tenant.
    OfAnotherTenant,
}

/// A connection that named a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub user: String,
    /// The database, as PostgreSQL reads it.
    pub database: String,
    /// Whether it was inside TLS.
    pub encrypted: bool,
    /// The gateway's message, if it refused the connection.
    pub refusal: Option<String>,
}

/// A running gateway. Dropping it closes its port and all connections.
#[derive(Debug)]
pub struct Gateway {
    listener: Listener,
    sessions: Arc<Mutex<Vec<Session>>>,
    /// Whether it has stopped answering.
    is_silent: watch::Sender<bool>,
}

/// What its connections share.
#[derive(Debug)]
struct State {
    keys: Arc<Keys>,
    server: Server,
    /// How many seconds its clock is ahead.
    ahead: i64,
    knows_network: bool,
    /// The tenant that tokens have to be of.
    tenant: &'static str,
    sessions: Arc<Mutex<Vec<Session>>>,
}

impl Gateway {
    /// Starts a gateway in front of `server` that accepts the tokens that `keys` signed.
    ///
    /// `authority` signs its certificate. For [`Manner::UnknownAuthority`] and
    /// [`Manner::RetiredAuthority`] the caller passes one that nothing trusts.
    pub(crate) fn start(
        keys: &Arc<Keys>,
        authority: &Authority,
        server: &Server,
        manner: Manner,
    ) -> Result<Self> {
        let tls = match manner {
            Manner::Unencrypted => None,
            Manner::WrongName | Manner::OfAnotherTenant => {
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
            tenant: if manner == Manner::OfAnotherTenant {
                HOME_TENANT_OF_GUEST
            } else {
                TENANT
            },
            sessions: Arc::clone(&sessions),
        });
        let (is_silent, _) = watch::channel(manner == Manner::Silent);
        let silence = is_silent.clone();
        let listener = Listener::start(move |stream| {
            let (tls, state) = (tls.clone(), Arc::clone(&state));
            let mut silence = silence.subscribe();
            async move {
                // It holds the connection until it is dropped.
                let mut answers = pin!(open(stream, tls, &state));
                let falls_silent = async {
                    let _ = silence.wait_for(|is_silent| *is_silent).await;
                };
                tokio::select! {
                    biased;
                    () = falls_silent => pending().await,
                    // An error here means that the client's connection ended, which the client sees
                    // too.
                    _ = &mut answers => {}
                }
            }
        })?;
        Ok(Self {
            listener,
            sessions,
            is_silent,
        })
    }

    /// Keeps open and accepts connections, and neither reads nor answers from now on.
    pub fn stop_answering(&self) {
        self.is_silent.send_replace(true);
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.listener.port()
    }

    /// Returns every connection that has named a role, oldest first.
    pub fn sessions(&self) -> Vec<Session> {
        lock(&self.sessions).clone()
    }
}

/// Handles the part of a connection that may come before TLS.
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

/// Passes on a request to cancel. PostgreSQL answers by closing the connection.
async fn cancel(message: &[u8], state: &State) -> io::Result<()> {
    let mut server = UnixStream::connect(state.server.socket()).await?;
    server.write_all(message).await?;
    tokio::io::copy(&mut server, &mut tokio::io::sink()).await?;
    Ok(())
}

/// Asks for the password, which must be a token for `resource`, and refuses it or passes everything
/// on. Outside TLS there is no resource.
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
            // psql does this if it has no password, and then asks a person for one.
            return Ok(());
        };
        access::check(
            &state.keys,
            &state.server,
            state.tenant,
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
