//! Signs out: forgets what was kept of people's sign-ins, and every remembered token.

use std::time::Duration;

use crate::failure::Failure;
use crate::sign_in::cache;
use crate::system::credential_store::{self, StoreError};
use crate::system::private_directory::PrivateDirectory;
use crate::system::threads;

/// How long the credential store may take; its owner may have to unlock it.
const STORE_TIME: Duration = Duration::from_secs(60);

/// Forgets all, and says what that was. Where there is no credential store, nothing is kept in it.
pub fn sign_out(directory: Option<&PrivateDirectory>) -> Result<String, Failure> {
    // The tokens first: they are forgotten even where the store does not answer.
    let tokens = directory.map_or(0, cache::forget_all);
    let sign_ins = match credential_store::forget_all(STORE_TIME) {
        Ok(count) => count,
        Err(StoreError::Absent(_)) => 0,
        Err(trouble) => {
            let hint = match trouble {
                StoreError::Unasked(_) => threads::REMEDY,
                StoreError::Absent(_) | StoreError::Locked(_) | StoreError::Silent => {
                    "unlock it, and sign out again"
                }
            };
            return Err(Failure::sign_in(format!("not signed out: {trouble}")).hint(hint));
        }
    };
    if (tokens, sign_ins) == (0, 0) {
        return Ok("nothing was kept".to_owned());
    }
    Ok(format!(
        "forgotten: {} in the system's credential store, {}",
        counted(sign_ins, "sign-in"),
        counted(tokens, "remembered token")
    ))
}

fn counted(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}
