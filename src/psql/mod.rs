//! psql's command line: what psql would make of it, and our own words cut out of it.
//!
//! [`options`] is the table, [`getopt`] reads words as `getopt_long` would, [`settings`] knows which
//! values psql refuses, and [`command_line`] puts them together into what psql's `main` would do next. [`version`] reads what
//! psql says of itself.

pub mod command_line;
pub mod getopt;
pub mod options;
pub mod settings;
pub mod version;
