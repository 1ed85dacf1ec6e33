//! One deadline for the whole of signing in: waiting for a turn, every az call, every retry.

use std::fmt;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// A point in time, and how long it was away when it was set.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    start: Instant,
    total: Duration,
}

impl Deadline {
    /// A deadline `total` from now.
    #[must_use]
    pub fn after(total: Duration) -> Self {
        Self {
            start: Instant::now(),
            total,
        }
    }

    /// What is left; nothing once it has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.total.saturating_sub(self.start.elapsed())
    }

    /// How long it was away when it was set.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.total
    }

    /// What `work` comes to; `None` where it is not done by then. It has no bound of its own, so that a thread does it which
    /// nobody waits for once the time is over.
    pub fn wait_for<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = channel();
        thread::spawn(move || sender.send(work()));
        receiver.recv_timeout(self.remaining()).ok()
    }
}

/// How long it was away when it was set, as `30 s`.
impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.total.as_secs_f64())
    }
}
