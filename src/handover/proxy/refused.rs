//! Why a connection is refused here, as PostgreSQL says such things: an SQLSTATE, a cause and
//! remedies.

use crate::failure::Failure;

/// A refusal.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The SQLSTATE.
    pub state: &'static str,
    pub failure: Failure,
}

impl Refused {
    /// The server can't be reached, or doesn't prove who it is.
    pub fn no_connection(failure: Failure) -> Self {
        Self {
            state: "08001",
            failure,
        }
    }

    /// Signing in failed, or the client isn't let in.
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

    /// The client doesn't keep to the protocol.
    pub fn protocol(cause: impl AsRef<str>) -> Self {
        Self {
            state: "08P01",
            failure: Failure::sign_in(cause),
        }
    }
}
