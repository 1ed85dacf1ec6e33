//! Names in the DNS, ports, and the way to a web service.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use crate::environment::Environment;
use crate::system::deadline::Deadline;

use super::within;

/// Looks the addresses of a name up, or says why there are none.
pub fn resolve(name: &str, time: Duration) -> Result<Vec<IpAddr>, String> {
    let question = (name.to_owned(), 0);
    let found = Deadline::after(time).wait_for(move || question.to_socket_addrs());
    let mut addresses: Vec<IpAddr> = match found {
        Err(why) if why.kind() == ErrorKind::TimedOut => {
            return Err(format!("the DNS did not answer {}", within(time)));
        }
        Ok(Err(why)) | Err(why) => return Err(why.to_string()),
        Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
    };
    addresses.dedup();
    if addresses.is_empty() {
        return Err("the name has no address".to_owned());
    }
    Ok(addresses)
}

/// The result of an attempt to reach a port.
#[derive(Debug)]
pub enum Reach {
    Open(TcpStream),
    /// The connection was refused, for this reason.
    Refused(String),
    /// There was no answer.
    Silent,
}

/// Tries to reach `port` at the addresses, one after the other, as libpq does. Each gets its share
/// of `time`, since a later one may answer when an earlier one doesn't.
pub fn reach(addresses: &[IpAddr], port: u16, time: Duration) -> Reach {
    let deadline = Deadline::after(time);
    let mut last = Reach::Silent;
    for (address, others) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let share = deadline.remaining() / u32::try_from(others).unwrap_or(u32::MAX);
        if share.is_zero() {
            break;
        }
        last = match TcpStream::connect_timeout(&SocketAddr::new(*address, port), share) {
            Ok(stream) => return Reach::Open(stream),
            Err(why) if is_timeout(&why) => Reach::Silent,
            Err(why) => Reach::Refused(why.to_string()),
        };
    }
    last
}

/// Whether the error means that the time was over.
pub fn is_timeout(why: &io::Error) -> bool {
    matches!(why.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

/// What is known of the way to a web service.
#[derive(Debug)]
pub struct WebService {
    pub host: String,
    pub proxy: Option<Proxy>,
    /// The addresses of the proxy, or of the service if there is none; or why there are none.
    pub addresses: Result<Vec<IpAddr>, String>,
    /// Whether one of them took a connection, or why not.
    pub reached: Result<(), String>,
}

/// A proxy, without the name and password that may be in its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// The variable that names it.
    pub variable: &'static str,
    pub host: String,
    pub port: u16,
}

/// Checks the way to `address`: `https://HOST`, perhaps with a port and a path.
pub fn check_web_service(address: &str, environment: &Environment, time: Duration) -> WebService {
    let (host, port) = host_and_port(address, 443);
    let proxy = proxy(&host, environment);
    let (first, port) = match &proxy {
        Some(proxy) => (proxy.host.clone(), proxy.port),
        None => (host.clone(), port),
    };
    let addresses = resolve(&first, time);
    let reached = match &addresses {
        Err(why) => Err(why.clone()),
        Ok(addresses) => match reach(addresses, port, time) {
            Reach::Open(_) => Ok(()),
            Reach::Refused(why) => Err(why),
            Reach::Silent => Err(format!("there was no answer {}", within(time))),
        },
    };
    WebService {
        host,
        proxy,
        addresses,
        reached,
    }
}

/// Returns the proxy for a request to `host`, by the variables that curl reads.
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

/// Returns host and port of an address, without anything else in it.
fn host_and_port(address: &str, default: u16) -> (String, u16) {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name_and_port = authority.rsplit('@').next().unwrap_or_default();
    // An IPv6 address is in brackets.
    let split = name_and_port
        .rsplit_once(':')
        .filter(|(_, port)| !port.contains(']'));
    let (host, port) = match split {
        Some((host, port)) => (host, port.parse().unwrap_or(default)),
        None => (name_and_port, default),
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
    fn a_proxy_is_reported_without_its_password() {
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
