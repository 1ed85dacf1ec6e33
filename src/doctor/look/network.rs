//! Names in the DNS, and ports.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};

use crate::system::deadline::Deadline;

/// The addresses of a name.
///
/// # Errors
///
/// The system's words, or that it gave no answer in time.
pub fn resolve(name: &str, deadline: Deadline) -> Result<Vec<IpAddr>, String> {
    let question = (name.to_owned(), 0);
    let found = deadline.wait_for(move || question.to_socket_addrs());
    let mut addresses: Vec<IpAddr> = match found {
        Err(why) if why.kind() == ErrorKind::TimedOut => {
            return Err("the DNS gave no answer in time".to_owned());
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

/// What came of a try to reach a port.
#[derive(Debug)]
pub enum Reach {
    /// It is open.
    Open(TcpStream),
    /// Somebody said no.
    Refused(String),
    /// Nobody said anything.
    Silent,
}

/// Tries to reach `port` at the addresses, one after the other, as libpq does.
pub fn reach(addresses: &[IpAddr], port: u16, deadline: Deadline) -> Reach {
    let mut last = Reach::Silent;
    for address in addresses {
        let left = deadline.remaining();
        if left.is_zero() {
            break;
        }
        last = match TcpStream::connect_timeout(&SocketAddr::new(*address, port), left) {
            Ok(stream) => return Reach::Open(stream),
            Err(why) if is_timeout(&why) => Reach::Silent,
            Err(why) => Reach::Refused(why.to_string()),
        };
    }
    last
}

/// Whether the error says that the time was over.
pub fn is_timeout(why: &io::Error) -> bool {
    matches!(why.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}
