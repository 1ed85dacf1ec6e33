//! One deadline for the whole sign-in: waiting for a lock, every az call, every retry.

use std::fmt;
use std::io;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::system::threads;

#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    start: Instant,
    total: Duration,
}

impl Deadline {
    pub fn after(total: Duration) -> Self {
        Self {
            start: Instant::now(),
            total,
        }
    }

    /// Returns the time left; zero after the deadline.
    pub fn remaining(&self) -> Duration {
        self.total.saturating_sub(self.start.elapsed())
    }

    /// Returns how far away the deadline was at first.
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
            // After the deadline nobody receives it.
            let _ = sender.send(work());
        })?;
        receiver.recv_timeout(self.remaining()).map_err(|_| {
            let why = format!("timed out after {self}");
            io::Error::new(io::ErrorKind::TimedOut, why)
        })
    }
}

/// Shows how far away it was at first, as `30s`.
impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.total.as_secs_f64())
    }
}
