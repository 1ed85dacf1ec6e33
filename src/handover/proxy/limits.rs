//! How many connections there may be: as many as there are files for. Clients that have said nothing
//! yet have a part of their own, so that they never keep others out.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::failure::Failure;

use super::refused::Refused;

/// Files that are not connections: listeners, the runtime's, and those of the tool that gets tokens.
const OTHER_FILES: usize = 64;

/// More clients than that have no reason to be silent.
const MOST_SILENT: usize = 2000;

/// A session has a file for the client, and one for the server.
const FILES_PER_SESSION: usize = 2;

/// How many clients there are, of how many.
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

/// A client that hasn't said what it wants. It is told to leave when there are too many of them and
/// it has waited longest.
pub struct Waiting {
    limits: Arc<Limits>,
    number: u64,
    pub told_to_leave: oneshot::Receiver<()>,
}

/// A session, which counts until it is dropped.
pub struct Session {
    limits: Arc<Limits>,
}

impl Limits {
    /// The limits where so many files may be open.
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

    /// Lets a client in, and tells the one that has been silent longest to leave if there are too
    /// many.
    pub fn admit(self: &Arc<Self>) -> Waiting {
        let (sender, told_to_leave) = oneshot::channel();
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        let number = silent.next;
        silent.next += 1;
        silent.clients.insert(number, sender);
        if silent.clients.len() > self.most_silent
            && let Some((_, oldest)) = silent.clients.pop_first()
        {
            // It may be leaving just now.
            let _ = oldest.send(());
        }
        Waiting {
            limits: Arc::clone(self),
            number,
            told_to_leave,
        }
    }

    /// Tells everyone to leave who hasn't said yet what they want.
    pub fn dismiss_silent(&self) {
        let silent = self.silent.lock();
        let mut silent = silent.unwrap_or_else(PoisonError::into_inner);
        for (_, client) in std::mem::take(&mut silent.clients) {
            // It may be leaving just now.
            let _ = client.send(());
        }
    }

    /// Begins a session.
    pub fn begin(self: &Arc<Self>) -> Result<Session, Refused> {
        let others = self.sessions.fetch_add(1, Ordering::Relaxed);
        let session = Session {
            limits: Arc::clone(self),
        };
        if others < self.most_sessions {
            return Ok(session);
        }
        let cause = format!("{others} connections are open, and no more are possible");
        let failure = Failure::sign_in(cause).hint(
            "close connections, or start the proxy with a higher limit of open files (`ulimit -n`)",
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

/// Raises the number of files that may be open to what the system allows, and returns it.
#[cfg(unix)]
pub fn raise_files() -> usize {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};

    let resource = Resource::RLIMIT_NOFILE;
    let Ok((soft, hard)) = getrlimit(resource) else {
        return 1024;
    };
    let raised = setrlimit(resource, hard, hard).map_or(soft, |()| hard);
    usize::try_from(raised).unwrap_or(usize::MAX)
}

/// Returns how many files may be open, of which Windows has no small number.
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
