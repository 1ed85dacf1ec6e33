//! Judges names and ports.

use std::net::IpAddr;

use crate::doctor::finding::{Finding, Link};
use crate::doctor::look::road::Road;
use crate::doctor::look::server::{Name, Reached, Server};

use super::firewall;

/// The server's name.
pub fn name(server: &Server) -> Finding {
    let host = &server.host;
    match &server.name {
        Name::Socket => Finding::skip(Link::Name, "a socket of this machine has no name to look up"),
        Name::Given(address) if address.to_string() == *host => {
            Finding::ok(Link::Name, format!("{address} is an address: no name is looked up"))
        }
        Name::Given(address) => Finding::ok(
            Link::Name,
            format!("hostaddr is given: `{host}` is not looked up, {} is used", with_kind(address)),
        ),
        Name::Resolved(Ok(addresses)) => {
            Finding::ok(Link::Name, format!("`{host}` is {}", listed(addresses)))
        }
        Name::Resolved(Err(why)) => {
            Finding::fail(Link::Name, format!("`{host}` cannot be resolved: {why}"))
                .remedy("is the server's name spelled as in the portal, and does the server exist still?")
                .remedy("a server with private access has a name inside its own network alone: connect to that network (VPN), and use its DNS")
        }
    }
}

/// The server's port.
pub fn port(server: &Server) -> Finding {
    let kind = server.port.trim().parse().ok().and_then(elastic);
    let kind = kind.map_or_else(String::new, |kind| format!(", {kind},"));
    let at = format!("`{}` port {}{kind}", server.host, server.port);
    let others: Vec<String> = server
        .others
        .iter()
        .filter_map(|(port, is_open)| match (elastic(*port), is_open) {
            // Few servers have them.
            (Some(_), false) => None,
            (Some(kind), true) => Some(format!("{port}, {kind}, is open")),
            (None, true) => Some(format!("{port} is open")),
            (None, false) => Some(format!("{port} is closed")),
        })
        .collect();
    let beside = if others.is_empty() {
        String::new()
    } else {
        format!(" ({})", others.join(", "))
    };
    let finding = match &server.reached {
        None => match server.name {
            Name::Socket => return Finding::skip(Link::Port, "a socket of this machine has no port to reach"),
            _ => return Finding::unchecked(Link::Port, "there is no address"),
        },
        Some(Reached::Open) => return Finding::ok(Link::Port, format!("{at} is open{beside}")),
        Some(Reached::NoPort) => {
            return Finding::fail(Link::Port, format!("`{}` is no port", server.port))
                .remedy("give a number with `-p` or in `PGPORT`: PostgreSQL's is 5432");
        }
        Some(Reached::Refused(why)) => Finding::fail(Link::Port, format!("{at} refuses: {why}{beside}"))
            .remedy("is the server started, and is the port right?"),
        Some(Reached::Silent) => Finding::fail(Link::Port, format!("{at} does not answer{beside}"))
            .remedy("public access: have this machine's address allowed in the server's firewall rules; and does the network here let the port out?")
            .remedy("private access: connect to the server's own network (VPN)")
            .remedies(firewall::silent(&server.host)),
    };
    let open = server.others.iter().find(|(_, is_open)| *is_open);
    match open {
        Some((port, _)) => finding.remedy(format!("port {port} is open: try `-p {port}`")),
        None => finding,
    }
}

/// What a port is that elastic clusters alone have.
fn elastic(port: u16) -> Option<&'static str> {
    match port {
        7432 => Some("balanced over an elastic cluster's nodes"),
        8432 => Some("balanced over an elastic cluster's nodes by PgBouncer"),
        _ => None,
    }
}

/// The road to a web service.
pub fn road(link: Link, road: &Road) -> Finding {
    let host = &road.host;
    let (first, remedy) = match &road.proxy {
        Some(proxy) => (
            format!(
                "`{host}` is reached through the proxy `{}` port {} (`{}`)",
                proxy.host, proxy.port, proxy.variable
            ),
            format!("is `{}` right?", proxy.variable),
        ),
        None => (
            format!("`{host}`"),
            "does the network here let HTTPS out? behind a proxy, set `HTTPS_PROXY`".to_owned(),
        ),
    };
    match (&road.addresses, &road.reached) {
        (Err(why), _) => {
            Finding::fail(link, format!("{first}: the name cannot be resolved: {why}"))
                .remedy(remedy)
        }
        (Ok(_), Err(why)) => {
            Finding::fail(link, format!("{first}: cannot be connected to: {why}")).remedy(remedy)
        }
        (Ok(_), Ok(())) if road.proxy.is_some() => {
            Finding::ok(link, format!("{first}, which takes connections"))
        }
        (Ok(addresses), Ok(())) => Finding::ok(
            link,
            format!("{first} is {}, and takes connections", listed(addresses)),
        ),
    }
}

fn listed(addresses: &[IpAddr]) -> String {
    let shown: Vec<_> = addresses.iter().map(with_kind).collect();
    shown.join(", ")
}

/// An address, and whether the internet leads there.
fn with_kind(address: &IpAddr) -> String {
    let kind = match address {
        address if address.is_loopback() => "this machine",
        IpAddr::V4(address) if address.is_private() || address.is_link_local() => "private",
        IpAddr::V6(address) if address.is_unique_local() || address.is_unicast_link_local() => {
            "private"
        }
        _ => "public",
    };
    format!("{address} ({kind})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_addresses() {
        for (address, kind) in [
            ("127.0.0.1", "this machine"),
            ("10.0.0.4", "private"),
            ("172.32.0.1", "public"),
            ("20.1.2.3", "public"),
            ("fd00::1", "private"),
            ("2603::1", "public"),
        ] {
            let shown = with_kind(&address.parse().unwrap());
            assert_eq!(shown, format!("{address} ({kind})"));
        }
    }

    #[test]
    fn the_ports_of_elastic_clusters_are_told_where_they_are_open() {
        let mut server = Server {
            host: "db".to_owned(),
            port: "5432".to_owned(),
            name: Name::Given([10, 0, 0, 4].into()),
            reached: Some(Reached::Open),
            others: vec![(6432, true), (7432, true), (8432, false)],
            tls: None,
        };
        assert_eq!(
            port(&server).found,
            "`db` port 5432 is open (6432 is open, 7432, balanced over an elastic cluster's nodes, is open)"
        );
        server.port = "8432".to_owned();
        server.others = vec![(5432, false), (7432, false)];
        assert_eq!(
            port(&server).found,
            "`db` port 8432, balanced over an elastic cluster's nodes by PgBouncer, is open (5432 is closed)"
        );
    }

    #[test]
    fn a_silent_port_may_be_a_closed_firewall() {
        let server = Server {
            host: "mydb.postgres.database.azure.com".to_owned(),
            port: "5432".to_owned(),
            name: Name::Given([10, 0, 0, 4].into()),
            reached: Some(Reached::Silent),
            others: Vec::new(),
            tls: None,
        };
        let remedies = port(&server).remedies;
        let rule = "az postgres flexible-server firewall-rule create --resource-group GROUP --server-name mydb --name NAME --start-ip-address ADDRESS --end-ip-address ADDRESS";
        assert!(
            remedies.iter().any(|remedy| remedy.contains(rule)),
            "{remedies:#?}"
        );
    }

    #[test]
    fn an_open_port_of_azures_is_pointed_out() {
        let server = Server {
            host: "db".to_owned(),
            port: "6432".to_owned(),
            name: Name::Given([10, 0, 0, 4].into()),
            reached: Some(Reached::Silent),
            others: vec![(5432, true)],
            tls: None,
        };
        let finding = port(&server);
        assert_eq!(
            finding.found,
            "`db` port 6432 does not answer (5432 is open)"
        );
        assert!(
            finding
                .remedies
                .contains(&"port 5432 is open: try `-p 5432`".to_owned())
        );
    }
}
