//! Looks at things, and judges nothing: programs, the network, TLS, a session. Every look is
//! bounded.

pub mod az;
pub mod network;
pub mod psql;
pub mod road;
pub mod roots;
pub mod server;
pub mod session;
pub mod tls;

use std::time::Duration;

use crate::system::deadline::Deadline;

/// A deadline this far away, or `deadline` where that is nearer.
pub fn shorten(deadline: Deadline, bound: Duration) -> Deadline {
    Deadline::after(deadline.remaining().min(bound))
}
