//! Checks things and judges none: programs, the network, TLS, a session. Every check is bounded.

pub mod network;
pub mod programs;
pub mod roots;
pub mod server;
pub mod session;
pub mod tls;

use std::time::Duration;

/// Writes how long something had, as a part of a sentence.
pub fn within(time: Duration) -> String {
    format!("within {}s", time.as_secs_f64())
}
