//! Checks things and judges none: programs, the network, TLS, a session. Every check is bounded.

pub mod network;
pub mod programs;
pub mod roots;
pub mod server;
pub mod session;
pub mod tls;
