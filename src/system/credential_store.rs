//! People's sign-ins, which are refresh tokens, in the operating system's credential store and
//! nowhere else: Secret Service, Keychain or Credential Manager.
//!
//! They are one text with a line for each account, so signing out finds every one. The text is
//! split, since Windows limits an entry to 2560 bytes (`CRED_MAX_CREDENTIAL_BLOB_SIZE`). A
//! half-replaced text is at worst a refresh token that Entra refuses. If two accounts sign in at
//! the same moment, one of them may have to sign in again.
//!
//! The store may be locked, ask for a password, or never answer, so every call has a time limit.

use std::fmt;
use std::io;
use std::time::Duration;

use keyring::{Entry, Error};
use oauth2::RefreshToken;
use zeroize::Zeroizing;

use crate::system::deadline::Deadline;
use crate::system::threads;
use crate::system::waiting::Waiting;

/// The service of our entries.
const SERVICE: &str = "entra-psql";

/// The name of the first entry; the others have a number after it.
const ENTRY: &str = "sign-ins";

/// The most bytes of one entry.
const LONGEST_PART: usize = 2560;

/// The threads that one call needs: the one that waits, and on Linux those of the crates `zbus` and
/// `async-io`, which panics without one.
const THREADS: usize = if cfg!(target_os = "linux") { 3 } else { 1 };

/// The most entries that we write.
const MOST_PARTS: usize = 99;

/// A person's account: authority, tenant and application, in one line.
#[derive(Debug, PartialEq, Eq)]
pub struct Account(String);

#[derive(Debug, PartialEq, Eq)]
pub enum StoreError {
    /// There is none, or it can't be used.
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
            Self::Absent(why) => write!(f, "this system has no credential store: {why}"),
            Self::Locked(why) => write!(f, "the system's credential store is locked: {why}"),
            Self::Silent => f.write_str("the system's credential store does not answer"),
            Self::Unasked(why) => write!(f, "the system's credential store cannot be used: {why}"),
        }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        // Some errors carry the secret in their fields, but none displays it.
        match error {
            Error::NoStorageAccess(why) => Self::Locked(why.to_string()),
            other => Self::Absent(other.to_string()),
        }
    }
}

impl Account {
    pub fn new(authority: &str, tenant: &str, client_id: &str) -> Self {
        Self(format!("{authority} {tenant} {client_id}"))
    }
}

/// Returns the refresh token of an account.
pub fn recall(account: Account, limit: Duration) -> Result<Option<RefreshToken>, StoreError> {
    run_aside(limit, move || {
        let text = read()?;
        let found = lines(&text).find(|(known, _)| *known == account.0);
        Ok(found.map(|(_, token)| RefreshToken::new(token.to_owned())))
    })
}

/// Replaces an account's refresh token, or removes it if there is no new one.
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

/// Removes all refresh tokens, and returns their number.
pub fn forget_all(limit: Duration) -> Result<usize, StoreError> {
    run_aside(limit, || {
        let count = lines(&read()?).count();
        remove_from(1)?;
        Ok(count)
    })
}

/// Runs `work` on its own thread, since the store may block. If it takes longer, the thread is left
/// running.
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

/// Returns the entry with a number, counted from 1.
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

/// Returns the text in the store: empty if there is none, or if someone else wrote it.
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

/// Splits the text into accounts and tokens, which a tab separates.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| line.split_once('\t'))
}

/// Returns `text` with the account's line replaced or removed. A token that isn't one line is left
/// out.
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
