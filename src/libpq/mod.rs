//! What libpq would connect to: connection strings, service files, environment, defaults, password
//! file.
//!
//! [`keywords`] is the table of parameters, and [`parameters`] holds their values and where each
//! came from. [`conninfo`] and [`uri`] read connection strings, [`service`] and [`passfile`] read
//! the text of those files, and [`files`] finds them. [`resolve`] puts all of these in order.
//! [`target`] settles hosts, user and database as libpq's `connectOptions2` does. [`connection`]
//! writes all of it out again, for programs that read variables or a connection string.

pub mod connection;
pub mod conninfo;
pub mod files;
pub mod keywords;
pub mod parameters;
pub mod passfile;
pub mod resolve;
pub mod service;
pub mod target;
pub mod uri;
