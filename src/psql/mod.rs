//! psql: where it is, and what it would do with its command line, without our arguments.
//!
//! [`options`] is the table, [`getopt`] reads arguments as `getopt_long` would, [`settings`] has
//! the values that psql refuses, and [`command_line`] works out what psql's `main` would do next.
//! [`version`] reads psql's version. [`locate`] finds psql, and [`ourselves`] tells it from us.

pub mod command_line;
pub mod getopt;
pub mod locate;
pub mod options;
pub mod ourselves;
pub mod settings;
pub mod version;
