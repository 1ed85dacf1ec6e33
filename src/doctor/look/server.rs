//! Checks one server of the connection: its name, its port, its TLS.

use std::net::IpAddr;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use crate::libpq::target::Host;
use crate::system::deadline::Deadline;
use crate::system::threads;

use super::network::{self, Reach};
use super::tls::{self, Shown, TlsError};

/// How long a port that isn't the connection's own may take to answer.
const TIME_FOR_OTHERS: Duration = Duration::from_secs(3);

/// The ports of Azure's servers: PostgreSQL's own, and its PgBouncer's.
const PORTS_OF_AZURE: [u16; 4] = [5432, 6432, 7432, 8432];

/// What is known of a server.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its name, else its address; empty for the default socket.
    pub host: String,
    /// Its port, as it was given.
    pub port: String,
    /// How long each step had.
    pub time: Duration,
    /// Where its name leads.
    pub name: Name,
    /// The result for its own port; `None` if there is no address.
    pub reached: Option<Reached>,
    /// If that is not open: the other ports that Azure's servers have, and whether they are.
    pub others: Vec<(u16, bool)>,
    /// What it showed of TLS; nothing if that was not asked, or there is no connection.
    pub tls: Option<Result<Shown, TlsError>>,
}

/// Where a name leads.
#[derive(Clone, Debug)]
pub enum Name {
    /// It is a socket's directory, or nothing.
    Socket,
    /// An address is given beside it, or in its place.
    Given(IpAddr),
    /// The DNS was asked.
    Resolved(Result<Vec<IpAddr>, String>),
}

/// The result of an attempt to reach a port.
#[derive(Clone, Debug)]
pub enum Reached {
    Open,
    /// The connection was refused, for this reason.
    Refused(String),
    /// There was no answer.
    Silent,
    /// It is not a port.
    NoPort,
}

/// Checks `host`, and sends what is known of it after each step: its name, its port, its TLS. A
/// step has `time` to answer. `is_azure` is whether TLS and the other ports of Azure's servers
/// matter.
pub fn check(host: &Host, is_azure: bool, time: Duration, known: &Sender<Server>) {
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
        Name::Resolved(network::resolve(asked, time))
    };
    let mut server = Server {
        host: shown,
        port,
        time,
        name,
        reached: None,
        others: Vec::new(),
        tls: None,
    };
    // The receiver lives as long as the report, and if that has ended nobody needs the rest.
    let send = |server: &Server| drop(known.send(server.clone()));
    send(&server);
    let addresses = match &server.name {
        Name::Given(address) => vec![*address],
        Name::Resolved(Ok(addresses)) => addresses.clone(),
        Name::Socket | Name::Resolved(Err(_)) => return,
    };
    let Some(port) = server.port.trim().parse().ok().filter(|port| *port != 0) else {
        server.reached = Some(Reached::NoPort);
        return send(&server);
    };
    let (reached, stream) = match network::reach(&addresses, port, time) {
        Reach::Open(stream) => (Reached::Open, Some(stream)),
        Reach::Refused(why) => (Reached::Refused(why), None),
        Reach::Silent => (Reached::Silent, None),
    };
    if stream.is_none() && is_azure {
        server.others = check_other_ports(&addresses, port);
    }
    server.reached = Some(reached);
    send(&server);
    if let Some(stream) = stream.filter(|_| is_azure) {
        server.tls = Some(tls::look(stream, &server.host, Deadline::after(time)));
        send(&server);
    }
}

/// Checks which of the ports of Azure's servers are open besides `port`, which isn't.
fn check_other_ports(addresses: &[IpAddr], port: u16) -> Vec<(u16, bool)> {
    let others = PORTS_OF_AZURE.into_iter().filter(|other| *other != port);
    thread::scope(|scope| {
        let started = others.map(|other| {
            let is_open = move || {
                let reached = network::reach(addresses, other, TIME_FOR_OTHERS);
                matches!(reached, Reach::Open(_))
            };
            (other, threads::aside(scope, is_open))
        });
        let started: Vec<_> = started.collect();
        let answers = started.into_iter();
        answers
            .map(|(other, is_open)| (other, is_open.joined()))
            .collect()
    })
}
