//! Becoming psql: finding it, and running it in our place.

pub mod exec;
pub mod locate;

use std::ffi::OsString;
use std::path::PathBuf;

use crate::environment::Environment;

/// A program that is about to take our place, as a value that can be looked at before it does.
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// Its words, without its own name.
    pub words: Vec<OsString>,
    /// Its variables; `None` is ours, untouched.
    pub environment: Option<Environment>,
}
