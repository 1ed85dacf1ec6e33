//! The operating system: processes, files that are ours alone, terminals, threads, deadlines.
//! Nothing here knows Entra, psql or our options.

pub mod colour;
pub mod credential_store;
pub mod deadline;
mod ending_signals;
pub mod ownership;
pub mod plain_file;
pub mod platform;
pub mod private_directory;
pub mod process;
pub mod terminal;
pub mod threads;
pub mod waiting;
