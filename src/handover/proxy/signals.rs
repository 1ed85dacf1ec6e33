//! The signals that end the proxy: each function has one body for Unix and one for Windows.

use std::io;

/// The signals that end the proxy.
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
    /// Starts to catch the signals. They no longer end the process by themselves.
    #[cfg(unix)]
    pub fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Starts to catch the signals. They no longer end the process by themselves.
    #[cfg(windows)]
    pub fn new() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c};

        Ok(Self {
            interrupt: ctrl_c()?,
            terminate: ctrl_break()?,
        })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Makes a write to a closed connection an error. By default it ends the process.
#[cfg(unix)]
#[expect(unsafe_code, reason = "actions are set by a raw call")]
pub fn ignore_broken_pipes() {
    use nix::sys::signal::{SigHandler, Signal, signal};

    // SAFETY: no handler is installed. Programs that entra-psql starts get the default again.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigIgn) };
}

/// Does nothing: on Windows a write to a closed connection is an error already.
#[cfg(windows)]
pub fn ignore_broken_pipes() {}
