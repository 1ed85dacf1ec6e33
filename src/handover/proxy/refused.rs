//! Why the proxy refuses a connection, as PostgreSQL reports it: an SQLSTATE, a cause and hints.

use std::io;

use crate::failure::Failure;

/// A refused connection.
#[derive(Clone, Debug)]
pub struct Refused {
    pub state: &'static str,
    pub failure: Failure,
}

impl Refused {
    /// The server can't be reached, or its certificate isn't valid.
    pub fn no_connection(failure: Failure) -> Self {
        Self {
            state: "08001",
            failure,
        }
    }

    /// Signing in failed, or the client may not connect.
    pub fn sign_in(failure: Failure) -> Self {
        Self {
            state: "28000",
            failure,
        }
    }

    /// Too many connections are open.
    pub fn limit(failure: Failure) -> Self {
        Self {
            state: "53300",
            failure,
        }
    }

    /// No more files may be open, which are needed to do `what`.
    pub fn no_files(what: &str) -> Self {
        let failure = Failure::sign_in(format!("too many files are open to {what}"))
            .hint("close connections, or raise the limit on open files (`ulimit -n`)");
        Self::limit(failure)
    }

    /// The client violated the protocol.
    pub fn protocol(cause: impl AsRef<str>) -> Self {
        Self {
            state: "08P01",
            failure: Failure::sign_in(cause),
        }
    }
}

/// Returns whether the system refused because too many files are open.
#[cfg(unix)]
pub fn is_out_of_files(why: &io::Error) -> bool {
    use nix::libc::{EMFILE, ENFILE};

    matches!(why.raw_os_error(), Some(EMFILE | ENFILE))
}

/// Returns false: on Windows, only memory limits how many files are open.
#[cfg(windows)]
pub fn is_out_of_files(_why: &io::Error) -> bool {
    false
}
