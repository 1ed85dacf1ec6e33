//! Signs out: removes people's sign-ins from the credential store, and every cached token.

use std::time::Duration;

use crate::failure::Failure;
use crate::servers;
use crate::sign_in::{cache, groups};
use crate::system::credential_store::{self, StoreError};
use crate::system::private_directory::PrivateDirectory;
use crate::system::threads;

/// How long the credential store may take, since you may have to unlock it.
const STORE_TIME: Duration = Duration::from_secs(60);

/// Removes everything, and returns a report. A missing credential store holds nothing.
pub fn sign_out(directory: Option<&PrivateDirectory>) -> Result<String, Failure> {
    // Tokens go first, in case the store doesn't answer.
    let tokens = directory.map_or(0, cache::forget_all);
    if let Some(directory) = directory {
        groups::forget(directory);
        servers::forget(directory);
    }
    let sign_ins = match credential_store::forget_all(STORE_TIME) {
        Ok(count) => count,
        Err(StoreError::Absent(_)) => 0,
        Err(trouble) => {
            let hint = match trouble {
                StoreError::Unasked(_) => threads::REMEDY,
                StoreError::Absent(_) | StoreError::Locked(_) | StoreError::Silent => {
                    "unlock the credential store, and sign out again"
                }
            };
            return Err(Failure::sign_in(format!("not signed out: {trouble}")).hint(hint));
        }
    };
    if (tokens, sign_ins) == (0, 0) {
        return Ok("nothing to remove".to_owned());
    }
    Ok(format!(
        "removed {} from the system's credential store and {}",
        counted(sign_ins, "sign-in"),
        counted(tokens, "cached token")
    ))
}

fn counted(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}
