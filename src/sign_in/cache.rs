//! Keeps access tokens, so only the first launch of an hour asks for one.
//!
//! A token's file is named by a digest of what was asked for and as whom. It also holds the
//! source's state ([`CacheKey`]): after `az logout`, `az login` as someone else, `az account set`,
//! `az cloud set` or with another secret, the state differs and the token is dropped. The file
//! holds the whole key, so two keys with the same digest never share a token. A file with any other
//! contents is a miss.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::entra::token::Token;
use crate::failure::Failure;
use crate::system::private_directory::{Exposed, PrivateDirectory};
use crate::token::CacheKey;

/// How far the issuer's clock may be ahead of ours.
const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// The cache entry of one token.
pub struct Cache<'a> {
    directory: &'a PrivateDirectory,
    key: CacheKey,
    place: String,
    /// Whether the role's name may have to be looked up too, which can fail by itself.
    wants_name: bool,
}

/// What an entry holds.
pub struct Kept {
    pub token: Token,
    /// The role's name in Microsoft Graph, if it was looked up.
    pub name: Option<String>,
}

/// Why an entry isn't used.
#[derive(Debug, PartialEq, Eq)]
pub enum Miss {
    /// It is under another key: the source's state has changed.
    OtherKey,
    /// It isn't what we wrote, or the token has too little time left, or its clock was ahead.
    Unusable,
}

impl Kept {
    /// Reads an entry under `key`.
    pub fn read(bytes: &[u8], key: &CacheKey, now: SystemTime) -> Result<Self, Miss> {
        let mut kept: Value = serde_json::from_slice(bytes).map_err(|_| Miss::Unusable)?;
        if !key.is_of(&kept) {
            return Err(Miss::OtherKey);
        }
        let Value::String(secret) = kept["token"].take() else {
            return Err(Miss::Unusable);
        };
        let token = Token::read(secret).map_err(|_| Miss::Unusable)?;
        let is_from_here = token
            .issued()
            .is_none_or(|issued| issued <= now + CLOCK_SKEW);
        if token.expires() < now + key.least_life || !is_from_here {
            return Err(Miss::Unusable);
        }
        let name = kept["name"].as_str().map(str::to_owned);
        Ok(Self { token, name })
    }
}

/// Reads a failure that was left under `key` in the time `waited`, in nanoseconds since 1970.
pub fn failure_in(bytes: &[u8], key: &CacheKey, waited: &RangeInclusive<u128>) -> Option<Failure> {
    let told: Value = serde_json::from_slice(bytes).ok()?;
    let at: u128 = told["at"].as_str()?.parse().ok()?;
    if !key.is_of(&told) || !waited.contains(&at) {
        return None;
    }
    let failure = Failure::sign_in(told["cause"].as_str()?);
    let hints = told["hints"].as_array()?.iter().filter_map(Value::as_str);
    Some(hints.fold(failure, Failure::hint))
}

impl From<Token> for Kept {
    fn from(token: Token) -> Self {
        Self { token, name: None }
    }
}

impl<'a> Cache<'a> {
    pub fn new(directory: &'a PrivateDirectory, key: CacheKey, wants_name: bool) -> Self {
        let mut hasher = DefaultHasher::new();
        key.identity.hash(&mut hasher);
        Self {
            directory,
            place: format!("token-{:016x}", hasher.finish()),
            key,
            wants_name,
        }
    }

    /// Returns the name of the lock for those who need the same token.
    pub fn lock(&self) -> String {
        format!("{}.lock", self.place)
    }

    /// Returns the cached token, if it is the one that would be asked for now and has enough time
    /// left. A file that others could have read or written is refused.
    pub fn recall(&self, now: SystemTime) -> Result<Option<Kept>, Exposed> {
        let Some(bytes) = self.directory.read(&self.place)? else {
            return Ok(None);
        };
        let kept = Kept::read(&bytes, &self.key, now);
        if matches!(kept, Err(Miss::OtherKey)) {
            self.directory.remove(&self.place);
        }
        Ok(kept.ok())
    }

    /// Replaces the entry, unless the key has changed since: then the source's state changed during
    /// the fetch.
    pub fn keep(&self, kept: &Kept, now: &CacheKey) {
        if *now != self.key {
            return;
        }
        let kept = json!({
            "identity": self.key.identity,
            "state": self.key.state,
            "token": kept.token.secret(),
            "name": kept.name,
        });
        // With a full disk the next launch is only slower.
        let _ = self
            .directory
            .replace(&self.place, kept.to_string().as_bytes());
    }

    /// Leaves a failure for those who waited meanwhile.
    pub fn tell(&self, failure: &Failure, now: SystemTime) {
        let told = json!({
            "identity": self.key.identity,
            "state": self.key.state,
            "at": nanoseconds(now).to_string(),
            "cause": failure.cause(),
            "hints": failure.hints(),
        });
        let _ = self
            .directory
            .replace(&self.place_of_failure(), told.to_string().as_bytes());
    }

    /// Returns the failure of someone who tried while we waited, from `then` to `now`. A later time
    /// comes from a clock that was ahead.
    pub fn told_between(&self, then: SystemTime, now: SystemTime) -> Option<Failure> {
        let bytes = self.directory.read(&self.place_of_failure()).ok()??;
        let waited = nanoseconds(then)..=nanoseconds(now);
        failure_in(&bytes, &self.key, &waited)
    }

    fn place_of_failure(&self) -> String {
        let what = if self.wants_name { "role" } else { "token" };
        format!("{}.{what}-failure", self.place)
    }
}

/// Removes every token and the failures beside it, and returns the number of tokens.
pub fn forget_all(directory: &PrivateDirectory) -> usize {
    let mut count = 0;
    for name in directory.names() {
        let (place, ending) = name.split_once('.').unwrap_or((&name, ""));
        // Someone may be waiting for a lock.
        if place.starts_with("token-") && !ending.starts_with("lock") {
            directory.remove(&name);
            count += usize::from(ending.is_empty());
        }
    }
    count
}

fn nanoseconds(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos()
}
