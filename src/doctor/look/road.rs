//! The road to a web service: through the proxy that the variables name, or through the DNS.

use std::net::IpAddr;
use std::time::Duration;

use crate::environment::Environment;
use crate::system::deadline::Deadline;

use super::network::{self, Reach};
use super::shorten;

/// How long each step may take.
const STEP: Duration = Duration::from_secs(3);

/// What was seen of the road.
#[derive(Debug)]
pub struct Road {
    /// The service's host.
    pub host: String,
    /// The proxy on the way.
    pub proxy: Option<Proxy>,
    /// The addresses of the first host on the way, or why there are none.
    pub addresses: Result<Vec<IpAddr>, String>,
    /// Whether that host took a connection, or why not.
    pub reached: Result<(), String>,
}

/// A proxy. The name and password that may stand before it are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// The variable that names it.
    pub variable: &'static str,
    pub host: String,
    pub port: u16,
}

/// Looks at the road to `address`: `https://HOST`, perhaps with a port and a path.
pub fn look(address: &str, environment: &Environment, deadline: Deadline) -> Road {
    let (host, port) = host_and_port(address, 443);
    let proxy = proxy(&host, environment);
    let (first, port) = match &proxy {
        Some(proxy) => (proxy.host.clone(), proxy.port),
        None => (host.clone(), port),
    };
    let addresses = network::resolve(&first, shorten(deadline, STEP));
    let reached = match &addresses {
        Err(why) => Err(why.clone()),
        Ok(addresses) => match network::reach(addresses, port, shorten(deadline, STEP)) {
            Reach::Open(_) => Ok(()),
            Reach::Refused(why) => Err(why),
            Reach::Silent => Err("no answer".to_owned()),
        },
    };
    Road {
        host,
        proxy,
        addresses,
        reached,
    }
}

/// The proxy that a request to `host` would take, as the variables of curl's tradition have it.
fn proxy(host: &str, environment: &Environment) -> Option<Proxy> {
    const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let is_set = |name: &&str| environment.get_filled(name).is_some();
    let variable = VARIABLES.into_iter().find(|name| is_set(name))?;
    let excepted = ["NO_PROXY", "no_proxy"]
        .into_iter()
        .find_map(|name| environment.get_filled(name)?.to_str());
    let is_excepted = |entry: &str| {
        let entry = entry
            .trim()
            .trim_start_matches("*.")
            .trim_start_matches('.');
        entry == "*"
            || (!entry.is_empty() && (host == entry || host.ends_with(&format!(".{entry}"))))
    };
    if excepted.is_some_and(|list| list.split(',').any(is_excepted)) {
        return None;
    }
    let address = environment.get(variable)?.to_string_lossy().into_owned();
    let default = if address.starts_with("https:") {
        443
    } else {
        80
    };
    let (host, port) = host_and_port(&address, default);
    Some(Proxy {
        variable,
        host,
        port,
    })
}

/// Host and port of an address, without anything else in it.
fn host_and_port(address: &str, default: u16) -> (String, u16) {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let place = authority.rsplit('@').next().unwrap_or_default();
    // An address of IP version 6 stands in brackets.
    let split = place
        .rsplit_once(':')
        .filter(|(_, port)| !port.contains(']'));
    let (host, port) = match split {
        Some((host, port)) => (host, port.parse().unwrap_or(default)),
        None => (place, default),
    };
    (host.trim_matches(['[', ']']).to_owned(), port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(host: &str, variables: &[(&str, &str)]) -> Option<(String, u16)> {
        let environment = variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let proxy = proxy(host, &environment)?;
        Some((proxy.host, proxy.port))
    }

    #[test]
    fn a_proxy_is_told_without_its_password() {
        let proxy = [("HTTPS_PROXY", "http://me:secret@proxy.example:8080/")];
        let there = Some(("proxy.example".to_owned(), 8080));
        assert_eq!(through("login.example", &proxy), there);
        assert_eq!(through("login.example", &[]), None);
        let except = |list| [proxy[0], ("NO_PROXY", list)];
        assert_eq!(through("login.example", &except("a, .example")), None);
        assert_eq!(through("login.example", &except("login.example")), None);
        assert_eq!(through("login.example", &except("*")), None);
        assert_eq!(through("login.example", &except("in.example")), there);
    }

    #[test]
    fn hosts_and_ports() {
        for (address, host, port) in [
            ("https://login.example", "login.example", 443),
            ("https://login.example:8443/path?x", "login.example", 8443),
            ("proxy", "proxy", 443),
            ("http://[::1]:3128", "::1", 3128),
            ("http://[::1]", "::1", 443),
        ] {
            assert_eq!(host_and_port(address, 443), (host.to_owned(), port));
        }
    }
}
