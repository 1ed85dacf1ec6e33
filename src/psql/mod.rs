//! psql: where it is, what it would make of its command line, and our own words cut out of it.
//!
//! [`options`] is the table, [`getopt`] reads words as `getopt_long` would, [`settings`] knows
//! which values psql refuses, and [`command_line`] puts them together into what psql's `main` would
//! do next. [`version`] reads what psql says of itself. [`locate`] finds psql, and [`ourselves`]
//! tells it from us.

pub mod command_line;
pub mod getopt;
pub mod locate;
pub mod options;
pub mod ourselves;
pub mod settings;
pub mod version;
