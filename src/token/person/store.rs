//! Keeps the refresh token in the system's credential store, until that fails.

use std::time::Duration;

use oauth2::RefreshToken;

use crate::plain_text;
use crate::system::credential_store::{self, Account, StoreError};
use crate::system::deadline::Deadline;
use crate::system::terminal;

use super::Person;

/// How long the credential store may take, since it may ask for a password: at most a third of the
/// whole time.
const STORE_TIME: Duration = Duration::from_secs(20);

pub(super) struct Store<'a> {
    person: &'a Person,
    limit: Duration,
    is_of_use: bool,
}

impl<'a> Store<'a> {
    pub(super) fn for_person(person: &'a Person, deadline: Deadline) -> Self {
        Self {
            person,
            limit: STORE_TIME.min(deadline.total() / 3),
            is_of_use: person.keeps,
        }
    }

    pub(super) fn recall(&mut self) -> Option<RefreshToken> {
        let found = credential_store::recall(self.account()?, self.limit);
        self.noted(found).flatten()
    }

    pub(super) fn keep(&mut self, token: Option<RefreshToken>) {
        if let Some(account) = self.account() {
            let kept = credential_store::keep(account, token, self.limit);
            self.noted(kept);
        }
    }

    fn account(&self) -> Option<Account> {
        let Person {
            authority,
            tenant,
            client_id,
            ..
        } = self.person;
        self.is_of_use
            .then(|| Account::new(authority, tenant, client_id))
    }

    fn noted<T>(&mut self, outcome: Result<T, StoreError>) -> Option<T> {
        outcome
            .inspect_err(|trouble| {
                self.is_of_use = false;
                if self.person.is_verbose {
                    let trouble = plain_text::clean(&trouble.to_string());
                    terminal::say(&format!("the sign-in is not kept: {trouble}"));
                }
            })
            .ok()
    }
}
