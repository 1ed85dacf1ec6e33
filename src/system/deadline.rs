//! One deadline for the whole of signing in: waiting for a turn, every az call, every retry.

use std::fmt;
use std::io;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::system::threads;

/// A point in time, and how long it was away when it was set.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    start: Instant,
    total: Duration,
}

impl Deadline {
    /// A deadline `total` from now.
    pub fn after(total: Duration) -> Self {
        Self {
            start: Instant::now(),
            total,
        }
    }

    /// What is left; nothing once it has passed.
    pub fn remaining(&self) -> Duration {
        self.total.saturating_sub(self.start.elapsed())
    }

    /// How long it was away when it was set.
    pub fn total(&self) -> Duration {
        self.total
    }

    /// Runs `work` on its own thread. If the deadline passes first, the thread is left running.
    pub fn wait_for<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        let (sender, receiver) = channel();
        threads::start(move || {
            // After the deadline nobody is there to take it.
            let _ = sender.send(work());
        })?;
        receiver.recv_timeout(self.remaining()).map_err(|_| {
            let why = format!("it did not end within {self}");
            io::Error::new(io::ErrorKind::TimedOut, why)
        })
    }
}

/// How long it was away when it was set, as `30 s`.
impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.total.as_secs_f64())
    }
}
