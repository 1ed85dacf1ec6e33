//! The value of `--proxy`: where it listens.

use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Where programs connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A socket in a private directory; on Windows a port of the system's choice.
    Anywhere,
    /// A loopback address with a port; port 0 is the system's choice.
    Address(SocketAddr),
    /// A socket in this directory.
    Directory(OsString),
}

impl Listen {
    /// Reads a value of `--proxy`. A directory must contain a slash, so a misspelled port isn't one.
    pub fn read(value: &OsStr) -> Result<Self, String> {
        let text = value.to_string_lossy();
        if text.contains('/') || (cfg!(windows) && text.contains('\\')) {
            return Ok(Self::Directory(value.to_owned()));
        }
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let address = match (text.parse(), text.strip_prefix("localhost:")) {
            (Ok(port), _) => Some(SocketAddr::new(local, port)),
            (Err(_), Some(port)) => port.parse().ok().map(|port| SocketAddr::new(local, port)),
            (Err(_), None) => text.parse().ok(),
        };
        match address {
            Some(address) if address.ip().is_loopback() => Ok(Self::Address(address)),
            Some(_) => Err("isn't a loopback address such as 127.0.0.1".to_owned()),
            None => Err(
                "isn't a port, a loopback address with a port, or a directory with a `/` in it"
                    .to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_addresses_and_directories() {
        let read = |text: &str| Listen::read(text.as_ref());
        let address = |text: &str| Ok(Listen::Address(text.parse().unwrap()));
        assert_eq!(read("6432"), address("127.0.0.1:6432"));
        assert_eq!(read("0"), address("127.0.0.1:0"));
        assert_eq!(read("localhost:1"), address("127.0.0.1:1"));
        assert_eq!(read("127.0.0.2:1"), address("127.0.0.2:1"));
        assert_eq!(read("[::1]:1"), address("[::1]:1"));
        for directory in ["/run/x", "./x", "~/x"] {
            assert_eq!(read(directory), Ok(Listen::Directory(directory.into())));
        }
        for text in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "192.0.2.1:1"] {
            assert!(
                read(text)
                    .unwrap_err()
                    .starts_with("isn't a loopback address such as"),
                "{text}"
            );
        }
        for text in [
            "65536",
            "-1",
            "x",
            "localhost",
            "127.0.0.1",
            "::1",
            "mydb:1",
        ] {
            assert!(
                read(text).unwrap_err().starts_with("isn't a port"),
                "{text}"
            );
        }
    }
}
