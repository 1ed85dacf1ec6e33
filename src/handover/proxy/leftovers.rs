//! A directory for one run's socket, and the removal of what killed processes left behind.
//!
//! Each process holds a lock on what it has for one run, so a lock that is free has lost its process.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ring::rand::{SecureRandom as _, SystemRandom};

use crate::system::private_directory::PrivateDirectory;

use super::password::OF_THIS_RUN;

/// How a directory's name begins.
const DIRECTORY: &str = "renew-";

/// How long a process may take to lock what it has just created.
const TIME_TO_LOCK: Duration = Duration::from_secs(60);

/// A directory that only this account may enter. Dropping it removes it.
pub struct OwnDirectory {
    path: PathBuf,
    lock: File,
}

impl OwnDirectory {
    pub fn create(parent: &Path) -> io::Result<Self> {
        let mut random = [0; 8];
        let filled = SystemRandom::new().fill(&mut random);
        filled.map_err(|_| io::Error::other("the system returned no random numbers"))?;
        let path = parent.join(format!("{DIRECTORY}{:016x}", u64::from_ne_bytes(random)));
        DirBuilder::new().mode(0o700).create(&path)?;
        let lock = File::open(&path)?;
        Ok(Self { path, lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Locks the directory until the end. Opening the socket needs the lock before.
    pub fn lock(&self) -> io::Result<()> {
        self.lock.lock()
    }
}

impl Drop for OwnDirectory {
    fn drop(&mut self) {
        remove_directory(&self.path);
    }
}

/// Removes the password files and directories of processes that have ended.
pub fn remove(directory: &PrivateDirectory) {
    for name in directory.names() {
        let path = directory.path_of(&name);
        if name.starts_with(OF_THIS_RUN) && is_left(&path) {
            directory.remove(&name);
        } else if name.starts_with(DIRECTORY) && is_left(&path) {
            remove_directory(&path);
        }
    }
}

fn is_left(path: &Path) -> bool {
    let left = || -> io::Result<bool> {
        let file = File::open(path)?;
        let age = file.metadata()?.modified()?.elapsed();
        Ok(age.is_ok_and(|age| age > TIME_TO_LOCK) && file.try_lock().is_ok())
    };
    left().unwrap_or(false)
}

/// Removes a directory and its files.
fn remove_directory(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        let _ = fs::remove_file(entry.path());
    }
    // What can't be removed is tried again the next time.
    let _ = fs::remove_dir(path);
}
