//! Why the proxy refuses a connection, as PostgreSQL reports it: an SQLSTATE, a cause and hints.

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

    /// The client violated the protocol.
    pub fn protocol(cause: impl AsRef<str>) -> Self {
        Self {
            state: "08P01",
            failure: Failure::sign_in(cause),
        }
    }
}
