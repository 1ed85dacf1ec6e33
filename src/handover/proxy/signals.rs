//! The signals that tell the proxy to end: one function each, with two bodies.

use std::io;

/// Waits for the signals that tell us to end.
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
    #[cfg(windows)]
    terminate: tokio::signal::windows::CtrlBreak,
}

impl Signals {
    /// From now on, they no longer end the process by themselves.
    #[cfg(unix)]
    pub fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// From now on, they no longer end the process by themselves.
    #[cfg(windows)]
    pub fn new() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c};

        Ok(Self {
            interrupt: ctrl_c()?,
            terminate: ctrl_break()?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Has a write to a closed connection be an error, and not the end of the process.
#[cfg(unix)]
#[expect(unsafe_code, reason = "actions are set by a raw call")]
pub fn ignore_broken_pipes() {
    use nix::sys::signal::{SigHandler, Signal, signal};

    // SAFETY: no handler is installed. The tools that we start get the default back.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigIgn) };
}

/// Has a write to a closed connection be an error, which it is on Windows.
#[cfg(windows)]
pub fn ignore_broken_pipes() {}
