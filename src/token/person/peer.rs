//! Finds out whose connection to this machine's loopback address it is, if the system shows that.

use tokio::net::TcpStream;

/// Returns whether the other end of `stream` belongs to another user of this machine.
///
/// If the peer hung up, the answer is yes: its owner is unknown by then, and a browser waits for
/// its page.
#[cfg(target_os = "linux")]
pub fn is_strangers(stream: &TcpStream) -> bool {
    use nix::unistd::{geteuid, getuid};

    let (Ok(own), Ok(peer)) = (stream.local_addr(), stream.peer_addr()) else {
        return true;
    };
    let verdict = tables::look_up(own, peer);
    // Root's connections are relays of containers and WSL for the person's browser. Root has no
    // need for this attack.
    let ours = [0, geteuid().as_raw(), getuid().as_raw()];
    match verdict {
        tables::Owner::User(uid) => !ours.contains(&uid),
        tables::Owner::Gone => true,
        // A connection that was reset meanwhile is in no table either.
        tables::Owner::Unknown => stream.peer_addr().is_err(),
    }
}

/// Returns `false`: this system doesn't show the owner.
#[cfg(not(target_os = "linux"))]
pub fn is_strangers(_stream: &TcpStream) -> bool {
    false
}

#[cfg(target_os = "linux")]
mod tables {
    //! Reads the kernel's tables of TCP sockets (`/proc/net/tcp`, in proc(5)).

    use std::fs::File;
    use std::io::{BufRead, BufReader};
    use std::net::{IpAddr, SocketAddr};

    /// The state in which both ends are open.
    const ESTABLISHED: &str = "01";

    #[derive(Debug, PartialEq, Eq)]
    pub enum Owner {
        /// The user with this id.
        User(u32),
        /// Nobody any more: the owner closed it.
        Gone,
        /// The tables don't show it, for example because a relay in the kernel is between.
        Unknown,
    }

    /// Returns the owner of the end `peer` of the connection to `own`.
    pub fn look_up(own: SocketAddr, peer: SocketAddr) -> Owner {
        // An IPv6 socket may be connected over IPv4.
        let lines = ["/proc/net/tcp", "/proc/net/tcp6"]
            .into_iter()
            .filter_map(|table| File::open(table).ok())
            .flat_map(|table| BufReader::new(table).lines().map_while(Result::ok));
        owner(lines, own, peer)
    }

    fn owner(lines: impl Iterator<Item = String>, own: SocketAddr, peer: SocketAddr) -> Owner {
        let mut is_half_closed = false;
        for line in lines {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [_, local, remote, state, _, _, _, uid, _, inode, ..] = fields[..] else {
                continue;
            };
            let ends = (address(local), address(remote));
            if ends == (Some(peer), Some(own)) {
                // The kernel shows a socket that nobody has open as root's, without an inode.
                return match uid.parse() {
                    Ok(uid) if inode != "0" => Owner::User(uid),
                    _ => Owner::Gone,
                };
            }
            if ends == (Some(own), Some(peer)) {
                is_half_closed = state != ESTABLISHED;
            }
        }
        if is_half_closed {
            Owner::Gone
        } else {
            Owner::Unknown
        }
    }

    /// Parses an address: words in the machine's byte order, then the port.
    fn address(text: &str) -> Option<SocketAddr> {
        let (address, port) = text.split_once(':')?;
        let words = address.as_bytes().chunks(8).map(|word| {
            let word = std::str::from_utf8(word).ok()?;
            Some(u32::from_str_radix(word, 16).ok()?.to_ne_bytes())
        });
        let bytes = words.collect::<Option<Vec<_>>>()?.concat();
        let address = match bytes.len() {
            4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
            16 => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical(),
            _ => return None,
        };
        Some(SocketAddr::new(
            address,
            u16::from_str_radix(port, 16).ok()?,
        ))
    }

    #[cfg(all(test, target_endian = "little"))]
    mod tests {
        use super::*;

        const HEADING: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

        /// A row of a table on a little-endian machine.
        fn row(local: &str, remote: &str, state: &str, uid: u32, inode: u32) -> String {
            format!(
                "   1: {local} {remote} {state} 00000000:00000000 00:00000000 00000000  {uid}        0 {inode} 1 ffff 20 4 30 10 -1"
            )
        }

        fn owner_in(rows: &[String]) -> Owner {
            let lines = std::iter::once(HEADING.to_owned()).chain(rows.iter().cloned());
            let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
            owner(lines, at(8080), at(40_000))
        }

        #[test]
        fn owners() {
            let (own, peer) = ("0100007F:1F90", "0100007F:9C40");
            let mapped = |end: &str| format!("0000000000000000FFFF0000{end}");
            let ours = row(own, peer, "01", 1000, 7);
            let other = row(own, "0100007F:9C41", "01", 1000, 7);
            let theirs = |uid, inode| row(peer, own, "01", uid, inode);
            for (rows, found) in [
                (vec![ours.clone(), theirs(1001, 8)], Owner::User(1001)),
                (vec![theirs(0, 8), ours.clone()], Owner::User(0)),
                (vec![ours.clone(), theirs(0, 0)], Owner::Gone),
                (
                    vec![row(&mapped(peer), &mapped(own), "01", 1001, 8)],
                    Owner::User(1001),
                ),
                (vec![row(own, peer, "08", 1000, 7)], Owner::Gone),
                (vec![ours], Owner::Unknown),
                (vec![other, "?".to_owned()], Owner::Unknown),
            ] {
                assert_eq!(owner_in(&rows), found, "{rows:#?}");
            }
        }
    }
}
