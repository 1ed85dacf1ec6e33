//! Our own command line.
//!
//! `table.rs` lists it, `description.rs` describes it to clap, [`values`] checks what is given,
//! `options.rs` holds the result, [`help`] prints it, and [`completions`] are the scripts for
//! shells. [`profile`] reads some of the options in a service file. [`nearest`] finds what was
//! misspelled.

pub mod completions;
mod description;
pub mod help;
pub mod listen;
pub mod method;
pub mod nearest;
mod options;
mod profile;
pub mod renew;
mod table;
pub mod values;

pub use listen::Listen;
pub use options::{Auth, Format, Options, WhichShell};
pub use profile::Profile;
pub use renew::Renew;
pub use table::{CACHE, Group, OPTIONS, OwnOption, TRUSTED_HOSTS, VARIABLES, Value, is_own};
