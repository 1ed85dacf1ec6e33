//! A helper serves a program's connections for as long as the program runs. On Unix it is another
//! process beside the program; on Windows it is entra-psql itself, which waits for the program there.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::io;

use crate::failure::Failure;

#[cfg(unix)]
pub use unix::{Announcement, Watched, Watching, run};
#[cfg(windows)]
pub use windows::{Announcement, Watched, Watched as Watching, run};

pub fn impossible(why: &io::Error, remedy: &str) -> Failure {
    Failure::sign_in(format!("`--renew` can't start its helper: {why}")).hint(remedy)
}
