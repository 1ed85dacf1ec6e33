//! How many connections may be open: as many as the limit of open files allows. Silent clients have
//! a share of their own, so they never keep others out.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::failure::Failure;

use super::refused::{self, Refused};

/// Files other than connections: listeners, the runtime's, and those of the tool that gets tokens.
const OTHER_FILES: usize = 64;

/// The most silent clients, however many files may be open.
const MOST_SILENT: usize = 2000;

/// A session needs one file for the client and one for the server.
const FILES_PER_SESSION: usize = 2;

/// Counts clients and sessions against their limits.
pub struct Limits {
    most_sessions: usize,
    most_silent: usize,
    sessions: AtomicUsize,
    silent: Mutex<Silent>,
}

#[derive(Default)]
struct Silent {
    next: u64,
    clients: BTreeMap<u64, oneshot::Sender<()>>,
}

/// A client that hasn't asked for anything yet. If there are too many, the one that has waited
/// longest is told to leave.
pub struct Waiting {
    limits: Arc<Limits>,
    number: u64,
    pub told_to_leave: oneshot::Receiver<()>,
}

/// A session. It counts until it is dropped.
pub struct Session {
    limits: Arc<Limits>,
}

impl Limits {
    /// Returns the limits if this many files may be open.
    pub fn new(files: usize) -> Arc<Self> {
        let files = files.saturating_sub(OTHER_FILES).max(8);
        let most_silent = (files / 4).min(MOST_SILENT);
        Arc::new(Self {
            most_sessions: (files - most_silent) / FILES_PER_SESSION,
            most_silent,
            sessions: AtomicUsize::new(0),
            silent: Mutex::default(),
        })
    }

    /// Lets a client in. If there are too many silent clients, tells the oldest one to leave.
    pub fn admit(self: &Arc<Self>) -> Waiting {
        let (sender, told_to_leave) = oneshot::channel();
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        let number = silent.next;
        silent.next += 1;
        silent.clients.insert(number, sender);
        if silent.clients.len() > self.most_silent
            && let Some((_, oldest)) = silent.clients.pop_first()
        {
            // It may have left already.
            let _ = oldest.send(());
        }
        Waiting {
            limits: Arc::clone(self),
            number,
            told_to_leave,
        }
    }

    /// Tells every silent client to leave.
    pub fn dismiss_silent(&self) {
        let silent = self.silent.lock();
        let mut silent = silent.unwrap_or_else(PoisonError::into_inner);
        for (_, client) in std::mem::take(&mut silent.clients) {
            // It may have left already.
            let _ = client.send(());
        }
    }

    /// Counts a new session, or refuses it.
    pub fn begin(self: &Arc<Self>) -> Result<Session, Refused> {
        let others = self.sessions.fetch_add(1, Ordering::Relaxed);
        let session = Session {
            limits: Arc::clone(self),
        };
        // Without one, the files of the tool that gets tokens couldn't be read either.
        if open_nothing().is_err_and(|why| refused::is_out_of_files(&why)) {
            return Err(Refused::no_files("connect to the server"));
        }
        if others < self.most_sessions {
            return Ok(session);
        }
        let cause = format!("{others} connections are open, which is the limit");
        let failure = Failure::sign_in(cause).hint(
            "close connections, or restart the proxy with a higher limit on open files (`ulimit -n`)",
        );
        Err(Refused::limit(failure))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let silent = self.limits.silent.lock();
        let mut silent = silent.unwrap_or_else(PoisonError::into_inner);
        silent.clients.remove(&self.number);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.limits.sessions.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Opens a file that holds nothing, which fails if too many are open.
pub fn open_nothing() -> io::Result<File> {
    File::open(if cfg!(windows) { "NUL" } else { "/dev/null" })
}

/// Raises the limit on open files to what the system allows, and returns it.
#[cfg(unix)]
pub fn raise_files() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: maximum,
        maximum,
    };
    let raised = setrlimit(Resource::Nofile, most).map_or(current, |()| maximum);
    let raised = raised.and_then(|raised| usize::try_from(raised).ok());
    raised.unwrap_or(usize::MAX)
}

/// Returns the limit on open files. Windows has none that matters here.
#[cfg(windows)]
pub fn raise_files() -> usize {
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_silent_longest_makes_room() {
        let limits = Limits::new(OTHER_FILES + 16);
        let mut clients: Vec<_> = (0..5).map(|_| limits.admit()).collect();
        assert!(clients[0].told_to_leave.try_recv().is_ok());
        assert!(clients[1].told_to_leave.try_recv().is_err());
        clients.remove(2);
        clients.push(limits.admit());
        assert!(clients[1].told_to_leave.try_recv().is_err());
        clients.push(limits.admit());
        assert!(clients[1].told_to_leave.try_recv().is_ok());
    }

    #[test]
    fn a_session_that_ends_makes_room() {
        let limits = Limits::new(OTHER_FILES + 8);
        let mut sessions: Vec<_> = (0..3).map(|_| limits.begin().ok()).collect();
        assert!(sessions.iter().all(Option::is_some));
        let refused = limits.begin().err().map(|refused| refused.state);
        assert_eq!(refused, Some("53300"));
        sessions.pop();
        assert!(limits.begin().is_ok());
    }
}
