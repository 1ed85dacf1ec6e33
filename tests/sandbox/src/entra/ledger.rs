//! What an Entra has issued, and what happened to it.

use std::collections::{HashMap, HashSet};

/// Codes and refresh tokens. Those that another Entra with the same keys issued are not listed, and
/// are valid.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    redeemed: HashSet<String>,
    refresh_tokens: Vec<String>,
    revoked: HashSet<String>,
    polls: HashMap<String, u32>,
}

impl Ledger {
    /// Redeems a code, and returns whether this is the first time.
    pub(super) fn redeem(&mut self, code: &str) -> bool {
        self.redeemed.insert(code.to_owned())
    }

    /// Counts the questions about a device code, including this one.
    pub(super) fn poll(&mut self, device_code: &str) -> u32 {
        let polls = self.polls.entry(device_code.to_owned()).or_default();
        *polls += 1;
        *polls
    }

    pub(super) fn issue(&mut self, refresh_token: &str) {
        self.refresh_tokens.push(refresh_token.to_owned());
    }

    pub(super) fn issued(&self) -> Vec<String> {
        self.refresh_tokens.clone()
    }

    /// Revokes all that were issued so far.
    pub(super) fn revoke(&mut self) {
        self.revoked.extend(self.refresh_tokens.iter().cloned());
    }

    pub(super) fn is_revoked(&self, refresh_token: &str) -> bool {
        self.revoked.contains(refresh_token)
    }
}
