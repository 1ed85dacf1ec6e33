//! Our own command line: `table.rs` lists it, `description.rs` tells clap of it, [`values`] checks
//! what is given, `options.rs` holds what it comes to, and [`completions`] are the scripts for
//! shells.

pub mod completions;
mod description;
pub mod listen;
pub mod method;
mod options;
pub mod renew;
mod table;
pub mod values;

pub use description::command;
pub use listen::Listen;
pub use options::{Auth, Format, Options, WhichShell};
pub use renew::Renew;
pub use table::{CACHE, OPTIONS, OwnOption, TRUSTED_HOSTS, Value, is_own};
