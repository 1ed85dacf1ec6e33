//! Judges what was found out: each function makes a finding of it, and does no I/O.

pub mod certificate;
pub mod decision;
pub mod firewall;
pub mod identity;
pub mod network;
pub mod programs;
mod renewal;
mod root;
pub mod session;
pub mod sql;
