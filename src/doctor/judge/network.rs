//! Judges names, ports, and the way to a web service.

use std::net::IpAddr;

use crate::doctor::finding::{Finding, Link};
use crate::doctor::look::network::WebService;
use crate::doctor::look::server::{Name, Reached, Server};
use crate::doctor::look::within;

use super::firewall;

/// Judges the server's name.
pub fn name(server: &Server) -> Finding {
    let host = &server.host;
    match &server.name {
        Name::Socket => Finding::skip(Link::Name, "a local socket has no name to look up"),
        Name::Given(address) if address.to_string() == *host => {
            Finding::ok(Link::Name, format!("{address} is an address, so no name is looked up"))
        }
        Name::Given(address) => Finding::ok(
            Link::Name,
            format!("`{host}` is not looked up: `hostaddr` is {}", with_kind(address)),
        ),
        Name::Resolved(Ok(addresses)) => {
            Finding::ok(Link::Name, format!("`{host}` resolves to {}", listed(addresses)))
        }
        Name::Resolved(Err(why)) => {
            Finding::fail(Link::Name, format!("`{host}` cannot be resolved: {why}"))
                .remedy("check that the name is spelled as in the Azure portal, and that the server still exists")
                .remedy("if the server has private access, its name is known only in its network: connect to that network (VPN), and use its DNS")
        }
    }
}

/// Judges the server's port.
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
            Name::Socket => return Finding::skip(Link::Port, "a local socket has no port"),
            _ => return Finding::unchecked(Link::Port, "there is no address"),
        },
        Some(Reached::Open) => return Finding::ok(Link::Port, format!("{at} is open{beside}")),
        Some(Reached::NoPort) => {
            return Finding::fail(Link::Port, format!("`{}` is not a port", server.port))
                .remedy("set a number with `-p` or in `PGPORT`: PostgreSQL's default is 5432");
        }
        Some(Reached::Refused(why)) => Finding::fail(Link::Port, format!("{at} cannot be reached: {why}{beside}"))
            .remedy("check that the server is running, and that the port is right"),
        Some(Reached::Silent) => Finding::fail(Link::Port, format!("{at} did not answer {}{beside}", within(server.time)))
            .remedy("if the server has public access, allow this machine's address in its firewall rules, and check that this network lets the port out")
            .remedy("if the server has private access, connect to its network (VPN)")
            .remedies(firewall::silent(&server.host)),
    };
    let open = server.others.iter().find(|(_, is_open)| *is_open);
    match open {
        Some((port, _)) => finding.remedy(format!("port {port} is open: try `-p {port}`")),
        None => finding,
    }
}

/// Returns what a port is that only elastic clusters have.
fn elastic(port: u16) -> Option<&'static str> {
    match port {
        7432 => Some("balanced over an elastic cluster's nodes"),
        8432 => Some("balanced over an elastic cluster's nodes by PgBouncer"),
        _ => None,
    }
}

/// Judges the way to a web service.
pub fn web_service(link: Link, service: &WebService) -> Finding {
    let host = &service.host;
    let (first, remedy) = match &service.proxy {
        Some(proxy) => (
            format!(
                "the proxy for `{host}`, `{}` port {} (`{}`),",
                proxy.host, proxy.port, proxy.variable
            ),
            format!("correct `{}`, or unset it", proxy.variable),
        ),
        None => (
            format!("`{host}`"),
            format!(
                "check that this network allows HTTPS to `{host}`, or set `HTTPS_PROXY` if it has a proxy"
            ),
        ),
    };
    match (&service.addresses, &service.reached) {
        (Err(why), _) => {
            Finding::fail(link, format!("{first} cannot be resolved: {why}")).remedy(remedy)
        }
        (Ok(_), Err(why)) => {
            Finding::fail(link, format!("{first} cannot be reached: {why}")).remedy(remedy)
        }
        (Ok(_), Ok(())) if service.proxy.is_some() => {
            Finding::ok(link, format!("{first} accepts connections"))
        }
        (Ok(addresses), Ok(())) => Finding::ok(
            link,
            format!(
                "{first} resolves to {}, and accepts connections",
                listed(addresses)
            ),
        ),
    }
}

fn listed(addresses: &[IpAddr]) -> String {
    let shown: Vec<_> = addresses.iter().map(with_kind).collect();
    shown.join(", ")
}

/// Shows an address, and whether the internet leads there.
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
    use std::time::Duration;

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
            time: Duration::from_secs(30),
            name: Name::Given([10, 0, 0, 4].into()),
            reached: Some(Reached::Silent),
            others: vec![(5432, true)],
            tls: None,
        };
        let finding = port(&server);
        assert_eq!(
            finding.found,
            "`db` port 6432 did not answer within 30s (5432 is open)"
        );
        assert!(
            finding
                .remedies
                .contains(&"port 5432 is open: try `-p 5432`".to_owned())
        );
    }
}
