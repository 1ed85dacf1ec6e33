//! Judges what was seen: each function makes a finding of it, and does no I/O.

pub mod certificate;
pub mod firewall;
pub mod network;
pub mod programs;
pub mod refusal;
mod renewal;
pub mod role;
mod root;
pub mod session;
pub mod sql;
pub mod token;
