//! A program that is about to take our place, as a value.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::environment::Environment;
use crate::psql::locate::REMEDY_FOR_PROGRAM;

/// What a program is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// psql, which may turn out to lead back to us.
    Psql,
    /// The program of `--exec`.
    Program,
}

impl Role {
    /// What to do where it cannot be run.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Psql => "install PostgreSQL's client, or name another psql with `--psql PATH`",
            Self::Program => REMEDY_FOR_PROGRAM,
        }
    }
}

/// A program that is about to take our place, as a value that can be looked at before it does.
pub struct Launch {
    pub program: PathBuf,
    /// Its words, without its own name.
    pub words: Vec<OsString>,
    /// Its variables; `None` is ours, untouched.
    pub environment: Option<Environment>,
    /// What it is to us.
    pub role: Role,
}
