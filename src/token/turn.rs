//! One at a time for each user: az loses its place in its token cache when several run at once, and
//! who waits for another's fetch need not make one.
//!
//! The turn is a lock on a file, which the system takes back from whoever dies with it. From one
//! who was stopped with it (Ctrl-Z) it takes nothing back, so that the others go on without it
//! after a while: still one after the other, with the lock on a second file, and at last each by
//! itself.

use std::fs::{File, TryLockError};
use std::thread;
use std::time::Duration;

use crate::system::deadline::Deadline;
use crate::system::private_directory::PrivateDirectory;
use crate::system::waiting::Waiting;

/// How soon it is noticed that a turn is over. A lock can be waited for only without a limit.
const BETWEEN_TRIES: Duration = Duration::from_millis(5);

/// Our turn, until it is dropped. Where no lock can be had there is no queue, and it is always our
/// turn.
pub struct Turn {
    _lock: Option<File>,
}

impl Turn {
    /// Waits for our turn, with the lock `name` in `directory`. Half of the time is left at least
    /// for those who get the first lock, and a quarter for the others.
    pub fn take(directory: Option<&PrivateDirectory>, name: &str, deadline: Deadline) -> Self {
        let lock = directory.and_then(|directory| {
            let is_due = |part| deadline.remaining() <= deadline.total() / part;
            match lock(directory, name, || is_due(2)) {
                Locked::TooLate => lock(directory, &format!("{name}.2"), || is_due(4)).file(),
                locked => locked.file(),
            }
        });
        Self { _lock: lock }
    }
}

/// What came of waiting for a lock.
enum Locked {
    Ours(File),
    /// Somebody else has it still.
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

/// Waits for a lock until `is_due` to go on without it.
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
