//! systemd's protocols for services: sockets that it has opened, and messages about being ready and
//! ending (`sd_listen_fds` and `sd_notify`).

use crate::environment::Environment;

/// The messages to the manager.
pub const READY: &str = "READY=1";
pub const STOPPING: &str = "STOPPING=1";

/// Sends a message to the manager, if there is one.
#[cfg(target_os = "linux")]
pub fn notify(environment: &Environment, state: &str) {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    let Some(place) = environment.get_filled("NOTIFY_SOCKET") else {
        return;
    };
    let address = match place.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(place),
    };
    // If the manager is gone, there is nobody to tell.
    let _ = UnixDatagram::unbound().and_then(|socket| {
        socket.connect_addr(&address?)?;
        socket.send(state.as_bytes())
    });
}

/// Does nothing: this system has no such manager.
#[cfg(not(target_os = "linux"))]
pub fn notify(_environment: &Environment, _state: &str) {}

/// Returns the listening sockets that the manager has opened for this process.
#[cfg(unix)]
#[expect(unsafe_code, reason = "descriptors are taken over by their numbers")]
pub fn sockets(environment: &Environment) -> Vec<std::os::fd::OwnedFd> {
    use std::os::fd::{FromRawFd as _, OwnedFd};

    use nix::fcntl::{FcntlArg, FdFlag, fcntl};

    const FIRST: i32 = 3;
    let number = |name| -> Option<i32> { environment.get(name)?.to_str()?.parse().ok() };
    let is_for_us = number("LISTEN_PID") == i32::try_from(std::process::id()).ok();
    let count = number("LISTEN_FDS").filter(|_| is_for_us).unwrap_or(0);
    (FIRST..FIRST.saturating_add(count))
        .map(|number| {
            // SAFETY: the manager passed these descriptors to this process, and nothing else here
            // owns them.
            let socket = unsafe { OwnedFd::from_raw_fd(number) };
            // Programs that entra-psql starts don't need it.
            let _ = fcntl(&socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
            socket
        })
        .collect()
}
