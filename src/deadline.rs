//! One deadline for the whole of signing in: waiting for a turn, every az call, every retry.

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
}
