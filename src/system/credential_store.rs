//! The sign-ins of people, which are refresh tokens, in the operating system's credential store and
//! nowhere else: Secret Service, Keychain or Credential Manager.
//!
//! All of them are one text in it, a line for each account, so that signing out finds every one.
//! The text is cut into parts, since Windows takes 2560 bytes for an entry
//! (`CRED_MAX_CREDENTIAL_BLOB_SIZE`); a half-replaced text is at worst a refresh token that Entra
//! refuses. Two accounts that sign in at the same moment may lose one of them, whose owner signs in
//! once more.
//!
//! The store may be locked, or ask its owner, or never answer: who waits for it waits for so long
//! and no longer.

use std::fmt;
use std::io;
use std::time::Duration;

use keyring::{Entry, Error};
use oauth2::RefreshToken;
use zeroize::Zeroizing;

use crate::system::deadline::Deadline;
use crate::system::threads;
use crate::system::waiting::Waiting;

/// Under which our entries are in the store.
const SERVICE: &str = "entra-psql";

/// The name of our first entry; the others have a number behind it.
const ENTRY: &str = "sign-ins";

/// The bytes of one entry.
const LONGEST_PART: usize = 2560;

/// The threads that it takes to ask: the one that waits, and on Linux those of the crates `zbus`
/// and `async-io`, of which the latter panics where it gets none.
const THREADS: usize = if cfg!(target_os = "linux") { 3 } else { 1 };

/// More entries than these were not written by us.
const MOST_PARTS: usize = 99;

/// An account of a person: authority, tenant and application. What was kept is a text of one line.
#[derive(Debug, PartialEq, Eq)]
pub struct Account(String);

/// Why the store is of no use.
#[derive(Debug, PartialEq, Eq)]
pub enum StoreError {
    /// There is none that answers us.
    Absent(String),
    /// It is locked, and nobody unlocked it.
    Locked(String),
    /// It did not answer in time.
    Silent,
    /// It could not be asked.
    Unasked(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(why) => write!(f, "there is no credential store: {why}"),
            Self::Locked(why) => write!(f, "the credential store is locked: {why}"),
            Self::Silent => f.write_str("the credential store does not answer"),
            Self::Unasked(why) => write!(f, "the credential store cannot be asked: {why}"),
        }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        // Some errors carry the secret in their fields; what they display does not.
        match error {
            Error::NoStorageAccess(why) => Self::Locked(why.to_string()),
            other => Self::Absent(other.to_string()),
        }
    }
}

impl Account {
    /// The account of an application in a tenant.
    pub fn new(authority: &str, tenant: &str, client_id: &str) -> Self {
        Self(format!("{authority} {tenant} {client_id}"))
    }
}

/// The refresh token that is kept for an account.
pub fn recall(account: Account, limit: Duration) -> Result<Option<RefreshToken>, StoreError> {
    run_aside(limit, move || {
        let text = read()?;
        let found = lines(&text).find(|(known, _)| *known == account.0);
        Ok(found.map(|(_, token)| RefreshToken::new(token.to_owned())))
    })
}

/// Keeps a refresh token in the place of the account's last one; forgets that one where there is no
/// new one.
pub fn keep(
    account: Account,
    token: Option<RefreshToken>,
    limit: Duration,
) -> Result<(), StoreError> {
    run_aside(limit, move || {
        let token = token.as_ref().map(|token| token.secret().as_str());
        write(&replaced(&read()?, &account.0, token))
    })
}

/// Forgets all, and says how many there were.
pub fn forget_all(limit: Duration) -> Result<usize, StoreError> {
    run_aside(limit, || {
        let count = lines(&read()?).count();
        remove_from(1)?;
        Ok(count)
    })
}

/// Does the work aside, since the store may block for as long as it likes. Who is too slow is left
/// behind.
fn run_aside<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let unasked = |why: io::Error| match why.kind() {
        io::ErrorKind::TimedOut => StoreError::Silent,
        _ => StoreError::Unasked(why.to_string()),
    };
    threads::check(THREADS).map_err(unasked)?;
    let _waiting = Waiting::begin("the system's credential store");
    let done = Deadline::after(limit).wait_for(work);
    done.map_err(unasked)?
}

/// The entry with a number, counted from 1.
fn entry(number: usize) -> Result<Entry, StoreError> {
    if let Err(why) = Entry::store_status() {
        return Err(StoreError::Absent(why.to_string()));
    }
    let name = match number {
        1 => ENTRY.to_owned(),
        _ => format!("{ENTRY}-{number}"),
    };
    Ok(Entry::new(SERVICE, &name)?)
}

/// The text in the store; an empty one where there is none, or what is there was not written by us.
fn read() -> Result<Zeroizing<String>, StoreError> {
    let mut bytes = Zeroizing::new(Vec::new());
    for number in 1..=MOST_PARTS {
        match entry(number)?.get_secret().map(Zeroizing::new) {
            Ok(part) => bytes.extend_from_slice(&part),
            Err(Error::NoEntry) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Zeroizing::new(
        String::from_utf8(std::mem::take(&mut *bytes)).unwrap_or_default(),
    ))
}

fn write(text: &str) -> Result<(), StoreError> {
    let mut count = 0;
    for part in text.as_bytes().chunks(LONGEST_PART).take(MOST_PARTS) {
        count += 1;
        entry(count)?.set_secret(part)?;
    }
    remove_from(count + 1)
}

/// Removes the entries from this number on.
fn remove_from(first: usize) -> Result<(), StoreError> {
    for number in first..=MOST_PARTS {
        match entry(number)?.delete_credential() {
            Ok(()) => {}
            Err(Error::NoEntry) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Accounts and tokens: a tab is between them.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| line.split_once('\t'))
}

/// `text` with the account's line made anew, or left out. What would not be one line is not put in.
fn replaced(text: &str, account: &str, token: Option<&str>) -> Zeroizing<String> {
    let mut new = Zeroizing::new(String::with_capacity(text.len() + 4096));
    let others = lines(text).filter(|(known, _)| *known != account);
    let own = token.map(|token| (account, token)).filter(|line| {
        let is_plain = |part: &str| !part.chars().any(char::is_control);
        is_plain(line.0) && is_plain(line.1)
    });
    for (account, token) in others.chain(own) {
        for piece in [account, "\t", token, "\n"] {
            new.push_str(piece);
        }
    }
    new
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn each_account_has_one_line() {
        let text = replaced("", "a", Some("1"));
        let text = replaced(&text, "b", Some("2"));
        let text = replaced(&text, "a", Some("3"));
        assert_eq!(*text, "b\t2\na\t3\n");
        assert_eq!(*replaced(&text, "b", None), "a\t3\n");
        assert_eq!(*replaced(&text, "b", Some("4\n5")), "a\t3\n");
        assert_eq!(lines("what others wrote").count(), 0);
    }

    #[test]
    fn who_is_too_slow_is_left_behind() {
        let (sender, receiver) = channel::<()>();
        let late = run_aside(Duration::from_millis(10), move || {
            let _ = receiver.recv();
            Ok(())
        });
        assert_eq!(late, Err(StoreError::Silent));
        drop(sender);
    }
}
