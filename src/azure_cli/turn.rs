//! One az at a time for each user: az loses its place in the token cache when several run at once.
//!
//! The turn is a lock on a file, which the system takes back from whoever dies with it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;

use crate::deadline::Deadline;

/// Our turn, until it is dropped. Where no lock can be had there is no queue, and it is always our turn.
pub struct Turn {
    _lock: Option<File>,
}

/// The deadline passed while others had their turn.
#[derive(Debug)]
pub struct TimedOut;

impl Turn {
    /// Waits for our turn, with the lock in `directory`. It is made where it is missing.
    ///
    /// # Errors
    ///
    /// [`TimedOut`].
    pub fn take(directory: Option<&Path>, deadline: Deadline) -> Result<Self, TimedOut> {
        let Some(file) = directory.and_then(|directory| lock_file(directory).ok()) else {
            return Ok(Self { _lock: None });
        };
        if file.try_lock().is_ok() {
            return Ok(Self { _lock: Some(file) });
        }
        // A lock can be waited for only without a limit, so somebody else does the waiting.
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let locked = file.lock().is_ok().then_some(file);
            let _ = sender.send(locked);
        });
        match receiver.recv_timeout(deadline.remaining()) {
            Ok(lock) => Ok(Self { _lock: lock }),
            Err(_) => Err(TimedOut),
        }
    }
}

fn lock_file(directory: &Path) -> io::Result<File> {
    make_private_directory(directory)?;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    private(&mut options);
    options.open(directory.join("az.lock"))
}

#[cfg(unix)]
fn make_private_directory(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}

#[cfg(windows)]
fn make_private_directory(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)
}

/// For the owner alone, and never through a link that somebody else put there.
#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options
        .mode(0o600)
        .custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits());
}

/// The user's own directory protects what is in it.
#[cfg(windows)]
fn private(_options: &mut OpenOptions) {}
