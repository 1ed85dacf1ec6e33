//! Our own command line.
//!
//! `table.rs` lists it, `description.rs` describes it to clap, [`values`] checks what is given,
//! `options.rs` holds the result, [`help`] prints it, and [`completions`] are the scripts for
//! shells. [`nearest`] finds what was misspelled.

pub mod completions;
mod description;
pub mod help;
pub mod method;
pub mod nearest;
mod options;
mod table;
pub mod values;

pub use options::{Auth, Format, Options, WhichShell};
pub use table::{CACHE, Group, OPTIONS, OwnOption, TRUSTED_HOSTS, VARIABLES, Value, is_own};
