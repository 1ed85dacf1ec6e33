//! One at a time for each user: az loses its place in its token cache when several run at once, and who waits for
//! another's fetch need not make one.
//!
//! The turn is a lock on a file, which the system takes back from whoever dies with it.

use std::fs::File;

use crate::deadline::Deadline;
use crate::private_directory::PrivateDirectory;

/// Our turn, until it is dropped. Where no lock can be had there is no queue, and it is always our turn.
pub struct Turn {
    _lock: Option<File>,
}

/// The deadline passed while others had their turn.
#[derive(Debug)]
pub struct TimedOut;

impl Turn {
    /// Waits for our turn, with the lock `name` in `directory`.
    ///
    /// # Errors
    ///
    /// [`TimedOut`].
    pub fn take(
        directory: Option<&PrivateDirectory>,
        name: &str,
        deadline: Deadline,
    ) -> Result<Self, TimedOut> {
        let Some(file) = directory.and_then(|directory| directory.lock_file(name).ok()) else {
            return Ok(Self { _lock: None });
        };
        if file.try_lock().is_ok() {
            return Ok(Self { _lock: Some(file) });
        }
        // A lock can be waited for only without a limit, so somebody else does the waiting.
        let lock = deadline.wait_for(move || file.lock().is_ok().then_some(file));
        lock.map(|lock| Self { _lock: lock }).map_err(|_| TimedOut)
    }
}
