//! The server's side: its hosts, and a verified connection to one of them.

use std::future::{Future as _, poll_fn};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::failure::Failure;
use crate::plain_text;

use super::opening::SSL_REQUEST;
use super::read_ahead::ReadAhead;
use super::refused::{self, Refused};

/// How long the client of a cancel request waits for other hosts after one has answered.
const TIME_FOR_OTHERS: Duration = Duration::from_secs(1);

/// A connection to the server after TLS, with its certificate checked.
pub type Stream = TlsStream<ReadAhead<TcpStream>>;

/// One host of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub name: String,
    /// The address to connect to instead of the name's.
    pub address: Option<String>,
    pub port: u16,
}

/// Keepalives, which detect a dead peer.
#[derive(Clone, Debug)]
pub struct Liveness(pub Option<TcpKeepalive>);

/// The server, for all connections.
pub struct Server {
    pub hosts: Vec<Host>,
    pub tls: TlsConnector,
    /// Whether TLS begins without PostgreSQL's request for it.
    pub is_direct: bool,
    /// The timeout for connecting to one address.
    pub patience: Duration,
    pub liveness: Liveness,
}

impl Liveness {
    /// Sets up a socket: messages are sent at once, and a dead peer is detected.
    pub fn apply(&self, stream: &TcpStream) {
        // If the system can't, the connection works anyway.
        let _ = stream.set_nodelay(true);
        if let Some(keepalive) = &self.0 {
            let _ = SockRef::from(stream).set_tcp_keepalive(keepalive);
        }
    }
}

impl Server {
    /// Connects to a host. Its name is resolved each time, since fail-over moves it.
    pub async fn connect(&self, host: &Host) -> Result<(Stream, SocketAddr), Refused> {
        let name = ServerName::try_from(host.name.clone()).map_err(|_| {
            let cause = format!("`{}` can't be the name in a certificate", host.name);
            unreachable(cause, "check the host's name")
        })?;
        let addresses = self.addresses(host).await?;
        let mut last = None;
        for address in addresses {
            let connecting = self.connect_to(host, name.clone(), address);
            match timeout(self.patience, connecting).await {
                Ok(Ok(stream)) => return Ok((stream, address)),
                Ok(Err(refused)) => last = Some(refused),
                Err(_) => {
                    let cause = format!(
                        "{} did not answer within {}s",
                        shown(host, address),
                        self.patience.as_secs()
                    );
                    last = Some(unreachable(
                        cause,
                        "check the server's firewall and your network, or run `entra-psql --doctor`",
                    ));
                }
            }
        }
        Err(last.unwrap_or_else(|| {
            let cause = format!("the host name `{}` has no address", host.name);
            unreachable(cause, "check the host's name and the DNS")
        }))
    }

    async fn addresses(&self, host: &Host) -> Result<Vec<SocketAddr>, Refused> {
        let named = host.address.as_deref().unwrap_or(&host.name);
        if let Ok(address) = named.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, host.port)]);
        }
        let unresolved = |why: &dyn std::fmt::Display| {
            let cause = format!("the host name `{named}` can't be resolved: {why}");
            unreachable(cause, "check the host's name and the DNS")
        };
        let found = timeout(self.patience, tokio::net::lookup_host((named, host.port)));
        match found.await {
            Ok(Ok(addresses)) => Ok(addresses.collect()),
            Ok(Err(why)) => Err(unresolved(&why)),
            Err(_) => Err(unresolved(&"the DNS didn't answer")),
        }
    }

    async fn connect_to(
        &self,
        host: &Host,
        name: ServerName<'static>,
        address: SocketAddr,
    ) -> Result<Stream, Refused> {
        let mut stream = TcpStream::connect(address).await.map_err(|why| {
            if refused::is_out_of_files(&why) {
                return Refused::no_files("connect to the server");
            }
            let cause = format!("can't connect to {}: {why}", shown(host, address));
            unreachable(
                cause,
                "check that the server runs and that its firewall admits this machine",
            )
        })?;
        self.liveness.apply(&stream);
        let broken = |why: std::io::Error| {
            let cause = format!("{} ended the connection: {why}", shown(host, address));
            unreachable(cause, "check host and port, or run `entra-psql --doctor`")
        };
        if !self.is_direct {
            stream.write_all(&SSL_REQUEST).await.map_err(broken)?;
            let answer = stream.read_u8().await.map_err(broken)?;
            if answer != b'S' {
                let cause = format!(
                    "{} doesn't support TLS, and an access token is sent only over TLS",
                    shown(host, address)
                );
                return Err(unreachable(cause, "check host and port"));
            }
        }
        self.tls
            .connect(name, ReadAhead::new(stream))
            .await
            .map_err(|why| {
                let why = plain_text::clean(&why.to_string());
                let cause = format!("can't set up TLS with {}: {why}", shown(host, address));
                unreachable(
                    cause,
                    "run `entra-psql --doctor`, which checks the server's certificate",
                )
            })
    }

    /// Forwards a cancel request to every host, since it doesn't name one. A host ignores the key of
    /// another host's session. Drops `client`, which waits for that, soon after the first answer.
    pub async fn cancel<C>(&self, request: &[u8], client: C) -> Result<(), Refused> {
        let mut client = Some(client);
        let asked = self.hosts.iter().map(|host| self.cancel_at(host, request));
        let mut asked: Vec<_> = asked.map(Box::pin).collect();
        let (mut outcome, mut is_answered) = (Ok(()), false);
        while !asked.is_empty() {
            let next = poll_fn(|context| {
                for (at, host) in asked.iter_mut().enumerate() {
                    if let Poll::Ready(ended) = host.as_mut().poll(context) {
                        return Poll::Ready((at, ended));
                    }
                }
                Poll::Pending
            });
            let patience = match client {
                Some(_) if is_answered => TIME_FOR_OTHERS,
                _ => Duration::MAX,
            };
            let Ok((at, ended)) = timeout(patience, next).await else {
                client = None;
                continue;
            };
            drop(asked.swap_remove(at));
            match ended {
                Ok(()) => is_answered = true,
                Err(refused) => outcome = Err(refused),
            }
        }
        outcome
    }

    async fn cancel_at(&self, host: &Host, request: &[u8]) -> Result<(), Refused> {
        let (mut stream, _) = self.connect(host).await?;
        // The server answers by ending the connection.
        let sent = async {
            stream.write_all(request).await?;
            stream.flush().await?;
            let mut rest = [0; 64];
            while stream.read(&mut rest).await? > 0 {}
            std::io::Result::Ok(())
        };
        let _ = timeout(self.patience, sent).await;
        Ok(())
    }
}

/// Makes a TLS connector.
pub fn connector(config: rustls::ClientConfig) -> TlsConnector {
    TlsConnector::from(Arc::new(config))
}

fn shown(host: &Host, address: SocketAddr) -> String {
    format!("`{}` at {address}", host.name)
}

fn unreachable(cause: String, remedy: &str) -> Refused {
    Refused::no_connection(Failure::sign_in(cause).hint(remedy))
}
