//! Looks at one server of the connection: its name, its port, its TLS.

use std::net::IpAddr;
use std::thread;
use std::time::Duration;

use crate::libpq::target::Host;
use crate::system::deadline::Deadline;
use crate::system::threads;

use super::network::{self, Reach};
use super::shorten;
use super::tls::{self, Shown, TlsError};

/// How long each step may take: together less than a token may, so that the doctor is not slower
/// for it.
const STEP: Duration = Duration::from_secs(3);

/// The ports of Azure's servers: PostgreSQL's own, and its PgBouncer's; and both of an elastic
/// cluster's nodes, where the first two are its coordinator's.
const PORTS_OF_AZURE: [u16; 4] = [5432, 6432, 7432, 8432];

/// What was seen of a server.
#[derive(Debug)]
pub struct Server {
    /// Its name, else its address; empty for the default socket.
    pub host: String,
    /// Its port, as it was given.
    pub port: String,
    /// Where its name leads.
    pub name: Name,
    /// What came of its own port; nothing where there is no address.
    pub reached: Option<Reached>,
    /// The other ports that Azure's servers have, and whether they are open.
    pub others: Vec<(u16, bool)>,
    /// What it showed of TLS; nothing where that was not asked, or there is no connection.
    pub tls: Option<Result<Shown, TlsError>>,
}

/// Where a name leads.
#[derive(Debug)]
pub enum Name {
    /// It is a socket's directory, or nothing.
    Socket,
    /// An address is given beside it, or in its place.
    Given(IpAddr),
    /// The DNS was asked.
    Resolved(Result<Vec<IpAddr>, String>),
}

/// What came of a try to reach a port.
#[derive(Debug)]
pub enum Reached {
    /// It is open.
    Open,
    /// Somebody said no.
    Refused(String),
    /// Nobody said anything.
    Silent,
    /// It is no port.
    NoPort,
}

/// Looks at `host`. `is_azure` is whether TLS and the other ports of Azure's servers matter.
pub fn look(host: &Host, is_azure: bool, deadline: Deadline) -> Server {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let port = text(if host.port.is_empty() {
        b"5432"
    } else {
        &host.port
    });
    let address = text(&host.address);
    let shown = text(if host.name.is_empty() {
        &host.address
    } else {
        &host.name
    });
    let name = if host.is_socket() {
        Name::Socket
    } else if let Ok(address) = if address.is_empty() { &shown } else { &address }.parse() {
        Name::Given(address)
    } else {
        let asked = if address.is_empty() { &shown } else { &address };
        Name::Resolved(network::resolve(asked, shorten(deadline, STEP)))
    };
    let mut server = Server {
        host: shown,
        port,
        name,
        reached: None,
        others: Vec::new(),
        tls: None,
    };
    let addresses = match &server.name {
        Name::Given(address) => vec![*address],
        Name::Resolved(Ok(addresses)) => addresses.clone(),
        Name::Socket | Name::Resolved(Err(_)) => return server,
    };
    let Some(port) = server.port.trim().parse().ok().filter(|port| *port != 0) else {
        server.reached = Some(Reached::NoPort);
        return server;
    };
    thread::scope(|scope| {
        let others = PORTS_OF_AZURE
            .into_iter()
            .filter(|other| is_azure && *other != port);
        let others: Vec<_> = others
            .map(|other| {
                let addresses = &addresses;
                let is_open = move || {
                    let reached = network::reach(addresses, other, shorten(deadline, STEP));
                    matches!(reached, Reach::Open(_))
                };
                (other, threads::aside(scope, is_open))
            })
            .collect();
        server.reached = Some(
            match network::reach(&addresses, port, shorten(deadline, STEP)) {
                Reach::Open(stream) => {
                    let host = &server.host;
                    let shown = is_azure.then(|| tls::look(stream, host, shorten(deadline, STEP)));
                    server.tls = shown;
                    Reached::Open
                }
                Reach::Refused(why) => Reached::Refused(why),
                Reach::Silent => Reached::Silent,
            },
        );
        for (other, is_open) in others {
            server.others.push((other, is_open.joined()));
        }
    });
    server
}
