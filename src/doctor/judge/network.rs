//! Judges names and ports.

use std::net::IpAddr;

use crate::doctor::finding::{Finding, Link};
use crate::doctor::look::network::WebService;
use crate::doctor::look::server::{Name, Reached, Server};

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
    let at = format!("`{}` port {}", server.host, server.port);
    let others: Vec<String> = server
        .others
        .iter()
        .map(|(port, is_open)| format!("{port} is {}", if *is_open { "open" } else { "closed" }))
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
            .remedy("private access: connect to the server's own network (VPN)"),
    };
    let open = server.others.iter().find(|(_, is_open)| *is_open);
    match open {
        Some((port, _)) => finding.remedy(format!("port {port} is open: try `-p {port}`")),
        None => finding,
    }
}

/// Judges the way to a web service.
pub fn web_service(link: Link, service: &WebService) -> Finding {
    let host = &service.host;
    let (first, remedy) = match &service.proxy {
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
    match (&service.addresses, &service.reached) {
        (Err(why), _) => {
            Finding::fail(link, format!("{first}: the name cannot be resolved: {why}"))
                .remedy(remedy)
        }
        (Ok(_), Err(why)) => {
            Finding::fail(link, format!("{first}: cannot be connected to: {why}")).remedy(remedy)
        }
        (Ok(_), Ok(())) if service.proxy.is_some() => {
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
