//! systemd, as far as a service speaks to it: sockets that it has opened, and being told when we are
//! ready and when we end (`sd_listen_fds` and `sd_notify`).

use crate::environment::Environment;

/// What the manager is told.
pub const READY: &str = "READY=1";
pub const STOPPING: &str = "STOPPING=1";

/// Tells the manager something, if there is one.
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
    // A manager that isn't there needs to hear nothing.
    let _ =
        UnixDatagram::unbound().and_then(|socket| socket.send_to_addr(state.as_bytes(), &address?));
}

/// Tells the manager something: there is none on this system.
#[cfg(not(target_os = "linux"))]
pub fn notify(_environment: &Environment, _state: &str) {}

/// The sockets that the manager has opened for us, to be listened to.
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
            // SAFETY: who set the variables for this process gave it these, and nobody else here
            // has them.
            let socket = unsafe { OwnedFd::from_raw_fd(number) };
            // The tools that we start have no use for it.
            let _ = fcntl(&socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
            socket
        })
        .collect()
}
