//! Reports at a terminal what a long wait is for, in a line that is erased when the wait ends.
//!
//! It is one line without an animation. A thread and two escape sequences are enough for that;
//! libraries for progress bars bring clocks, templates and terminal state.

use std::io::{self, Write as _};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crate::plain_text;

use super::ending_signals::{ERASE_LINE, EndingSignals, HAS_LINE};
use super::{colour, terminal};

/// A shorter wait isn't reported.
const LONG: Duration = Duration::from_secs(1);

/// The line on the terminal. A second wait at the same time isn't reported.
static LINE: Mutex<Option<String>> = Mutex::new(None);

/// A wait for something. When it is dropped, its line is erased and its thread has ended, so
/// nothing is left that could write into psql's terminal.
pub struct Waiting {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _signals: EndingSignals,
}

impl Waiting {
    /// Begins a wait; `None` if nobody watches: standard error isn't a terminal that understands
    /// escape sequences, or we run in its background.
    pub fn begin(what: &str) -> Option<Self> {
        let stderr = io::stderr();
        let is_watched = colour::has_escapes(&stderr) && terminal::is_foreground(&stderr);
        if !is_watched || terminal::is_released() {
            return None;
        }
        let line = format!("waiting for {what} (Ctrl-C to cancel)");
        let line = format!("entra-psql: {}", plain_text::clean(&line));
        let (end, ended) = channel::<()>();
        let signals = EndingSignals::handle();
        let report = move || {
            if ended.recv_timeout(LONG) == Err(RecvTimeoutError::Timeout) && show(&line) {
                let _ = ended.recv();
                *erase() = None;
            }
        };
        // Without a thread the wait goes unreported.
        let thread = Builder::new().spawn(report).ok()?;
        Some(Self {
            end: Some(end),
            thread: Some(thread),
            _signals: signals,
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Writes something to the terminal, above the line about a wait if there is one.
pub fn write_above<T>(write: impl FnOnce() -> T) -> T {
    let line = erase();
    let written = write();
    if let Some(line) = &*line {
        draw(line);
    }
    written
}

fn show(text: &str) -> bool {
    let mut line = line();
    let is_free = line.is_none();
    if is_free {
        draw(text);
        *line = Some(text.to_owned());
    }
    is_free
}

/// Draws the line without wrapping it, since only one row is erased again.
fn draw(text: &str) {
    HAS_LINE.store(true, Ordering::SeqCst);
    let _ = write!(io::stderr(), "\x1b[?7l{text}\x1b[?7h");
}

fn erase() -> MutexGuard<'static, Option<String>> {
    let line = line();
    if line.is_some() {
        let _ = io::stderr().write_all(ERASE_LINE);
        HAS_LINE.store(false, Ordering::SeqCst);
    }
    line
}

fn line() -> MutexGuard<'static, Option<String>> {
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}
