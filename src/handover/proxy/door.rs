//! A door is where clients connect: a Unix socket that only this user can reach, or a port of a
//! loopback address, with a password that each client must prove.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};

use crate::failure::Failure;

use super::password::Password;

/// An open door.
pub struct Door {
    pub listener: Listener,
    /// The value of libpq's `host`.
    pub host: OsString,
    pub port: u16,
    /// The password that clients must prove.
    pub password: Option<Arc<Password>>,
}

/// What clients connect to.
pub enum Listener {
    #[cfg(unix)]
    Unix(super::socket::Socket),
    Tcp(TcpListener),
}

/// A client that has connected.
pub enum Client {
    #[cfg(unix)]
    Unix(tokio::net::UnixStream),
    Tcp(TcpStream),
}

impl Door {
    /// Makes a door of a TCP listener.
    pub fn tcp(listener: TcpListener, password: Password) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self {
            listener: Listener::Tcp(listener),
            host: address.ip().to_string().into(),
            port: address.port(),
            password: Some(Arc::new(password)),
        })
    }

    /// Waits for a client.
    pub async fn accept(&self) -> io::Result<Client> {
        match &self.listener {
            #[cfg(unix)]
            Listener::Unix(socket) => socket.accept().await.map(Client::Unix),
            Listener::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok(Client::Tcp(stream))
            }
        }
    }
}

/// A client between two threads: no scheduler waits for it.
pub enum Detached {
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixStream),
    Tcp(std::net::TcpStream),
}

/// Listens on a loopback address.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let taken = |why: &dyn std::fmt::Display| {
        Failure::sign_in(format!("can't listen on {address}: {why}"))
            .hint("name another port with `--proxy=PORT`, or 0 for a free one")
    };
    // Some systems let two programs listen on one port, and only one of them gets connections.
    if address.port() != 0 && TcpStream::connect(address).await.is_ok() {
        return Err(taken(&"another program listens there"));
    }
    TcpListener::bind(address).await.map_err(|why| taken(&why))
}

impl Client {
    /// Takes the client from this thread's scheduler.
    pub fn detach(self) -> io::Result<Detached> {
        match self {
            #[cfg(unix)]
            Self::Unix(stream) => stream.into_std().map(Detached::Unix),
            Self::Tcp(stream) => stream.into_std().map(Detached::Tcp),
        }
    }

    /// Sends `bytes` without waiting.
    pub fn say_at_once(&self, bytes: &[u8]) {
        let socket = match self {
            #[cfg(unix)]
            Self::Unix(stream) => SockRef::from(stream),
            Self::Tcp(stream) => SockRef::from(stream),
        };
        // Only what fits into the system's buffer is sent.
        let _ = socket.send(bytes);
    }
}

impl Detached {
    /// Gives the client to this thread's scheduler.
    pub fn attach(self) -> io::Result<Client> {
        match self {
            #[cfg(unix)]
            Self::Unix(stream) => tokio::net::UnixStream::from_std(stream).map(Client::Unix),
            Self::Tcp(stream) => TcpStream::from_std(stream).map(Client::Tcp),
        }
    }
}
