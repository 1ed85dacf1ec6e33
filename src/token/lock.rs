//! A lock on fetching a token: az loses races for its own token cache when several run at once, and
//! a launch that waits for another's fetch can use its token.
//!
//! It is a lock on a file, which the system releases when its owner dies. An owner that was stopped
//! (Ctrl-Z) keeps it, so the others go on without it after a while: first one after the other, with
//! a second lock, and at last each alone.

use std::fs::{File, TryLockError};
use std::thread;
use std::time::Duration;

use crate::system::deadline::Deadline;
use crate::system::private_directory::PrivateDirectory;
use crate::system::waiting::Waiting;

/// How soon a release is noticed. The system can only wait for a lock without a limit.
const BETWEEN_TRIES: Duration = Duration::from_millis(5);

/// Held until it is dropped. If the system has no locks, everyone fetches at once.
pub struct FetchLock {
    _file: Option<File>,
}

impl FetchLock {
    /// Waits for the lock `name` in `directory`. That takes at most half of the time, and at most
    /// another quarter for the second lock.
    pub fn acquire(directory: Option<&PrivateDirectory>, name: &str, deadline: Deadline) -> Self {
        let file = directory.and_then(|directory| {
            let is_due = |part| deadline.remaining() <= deadline.total() / part;
            match lock(directory, name, || is_due(2)) {
                Locked::TooLate => lock(directory, &format!("{name}.2"), || is_due(4)).file(),
                locked => locked.file(),
            }
        });
        Self { _file: file }
    }
}

/// The outcome of waiting for a lock.
enum Locked {
    Ours(File),
    /// Someone else still holds it.
    TooLate,
    /// There are no locks here.
    Never,
}

impl Locked {
    fn file(self) -> Option<File> {
        match self {
            Self::Ours(file) => Some(file),
            Self::TooLate | Self::Never => None,
        }
    }
}

/// Waits for a lock until it `is_due` to go on without it.
fn lock(directory: &PrivateDirectory, name: &str, is_due: impl Fn() -> bool) -> Locked {
    let Ok(file) = directory.lock_file(name) else {
        return Locked::Never;
    };
    let mut waiting = None;
    loop {
        match file.try_lock() {
            Ok(()) => return Locked::Ours(file),
            Err(TryLockError::Error(_)) => return Locked::Never,
            Err(TryLockError::WouldBlock) if is_due() => return Locked::TooLate,
            Err(TryLockError::WouldBlock) => {
                waiting.get_or_insert_with(|| Waiting::begin("another entra-psql to sign in"));
                thread::sleep(BETWEEN_TRIES);
            }
        }
    }
}
