//! A program that is about to run in the place of entra-psql, as a value.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::environment::Environment;
use crate::psql::locate::REMEDY_FOR_PROGRAM;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// psql, which may turn out to be entra-psql under another name.
    Psql,
    /// The program of `--exec`.
    Program,
}

impl Role {
    /// Returns what to do if it cannot be run.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Psql => "install PostgreSQL's client, or name another psql with `--psql PATH`",
            Self::Program => REMEDY_FOR_PROGRAM,
        }
    }
}

pub struct Launch {
    pub program: PathBuf,
    /// Its arguments, without its own name.
    pub words: Vec<OsString>,
    /// Its environment; `None` is the inherited one, unchanged.
    pub environment: Option<Environment>,
    pub role: Role,
}
