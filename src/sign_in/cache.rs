//! Keeps tokens, so that only the first launch of an hour asks for one.
//!
//! A token has a place by what was asked for and as whom, and beside it stands the state that it
//! was got in: each source says both ([`CacheKey`]). After `az logout`, `az login` as somebody
//! else, `az account set` or `az cloud set`, and with another secret, the state differs, and the
//! token is forgotten. The place is a file named by a short digest; the file holds the whole key,
//! so that two that share a digest never get each other's token. Anything there that is not exactly
//! what was written is a miss.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::entra::token::Token;
use crate::failure::Failure;
use crate::system::private_directory::{Exposed, PrivateDirectory};
use crate::system::terminal;
use crate::token::CacheKey;

/// How far ahead of ours the clock may be that a token was issued by.
const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// The place of one token.
pub struct Cache<'a> {
    directory: &'a PrivateDirectory,
    key: CacheKey,
    place: String,
    /// Whether the role's name may have to be looked up too, which can fail by itself.
    wants_name: bool,
}

/// What is kept.
pub struct Kept {
    pub token: Token,
    /// The role's name in Graph, where it was looked up.
    pub name: Option<String>,
}

/// Why a file that was kept is not used.
#[derive(Debug, PartialEq, Eq)]
pub enum Miss {
    /// It stands under another key: the source is in another state now.
    OtherKey,
    /// It isn't what we wrote, or the token has too little life left, or is of a clock that is
    /// ahead.
    Unusable,
}

impl Kept {
    /// Reads what was kept under `key`.
    ///
    /// # Errors
    ///
    /// [`Miss`].
    pub fn read(bytes: &[u8], key: &CacheKey, now: SystemTime) -> Result<Self, Miss> {
        let mut kept: Value = serde_json::from_slice(bytes).map_err(|_| Miss::Unusable)?;
        if !is_under(&kept, key) {
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

/// Reads a failure that was told under `key`, in the time `waited`, in nanoseconds since 1970.
pub fn failure_in(bytes: &[u8], key: &CacheKey, waited: &RangeInclusive<u128>) -> Option<Failure> {
    let told: Value = serde_json::from_slice(bytes).ok()?;
    let at: u128 = told["at"].as_str()?.parse().ok()?;
    if !is_under(&told, key) || !waited.contains(&at) {
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
    /// The place of what is kept under `key`.
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

    /// The name of the lock for those who want the same token.
    pub fn lock(&self) -> String {
        format!("{}.lock", self.place)
    }

    /// The token, if it is the one that would be asked for now and has enough life left.
    ///
    /// A file that others could have read or written is not used, which is said.
    pub fn recall(&self, now: SystemTime) -> Option<Kept> {
        let bytes = match self.directory.read(&self.place) {
            Ok(bytes) => bytes?,
            Err(Exposed(why)) => {
                terminal::warn(&format!("the remembered token is not used: {why}"));
                return None;
            }
        };
        match Kept::read(&bytes, &self.key, now) {
            Ok(kept) => Some(kept),
            Err(Miss::OtherKey) => {
                self.directory.remove(&self.place);
                None
            }
            Err(Miss::Unusable) => None,
        }
    }

    /// Keeps a token, in the place of the one before. Where that cannot be, or the key is `now`
    /// another one, nothing is kept: the state changed while the token was got.
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
        // A full disk makes the next launch slower, and no more.
        let _ = self
            .directory
            .replace(&self.place, kept.to_string().as_bytes());
    }

    /// Leaves a failure for those who waited while we tried.
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

    /// The failure of somebody who tried while we waited, from `then` to `now`. What is of later
    /// than now was told by a clock that was ahead.
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

/// Forgets every token, with the failures that stand beside it, and says how many tokens there
/// were.
pub fn forget_all(directory: &PrivateDirectory) -> usize {
    let mut count = 0;
    for name in directory.names() {
        let (place, ending) = name.split_once('.').unwrap_or((&name, ""));
        // Somebody may be waiting for a lock.
        if place.starts_with("token-") && !ending.starts_with("lock") {
            directory.remove(&name);
            count += usize::from(ending.is_empty());
        }
    }
    count
}

/// Whether what was read stands under `key`.
fn is_under(read: &Value, key: &CacheKey) -> bool {
    let is = |name: &str, value: &str| read[name].as_str() == Some(value);
    is("identity", &key.identity) && is("state", &key.state)
}

fn nanoseconds(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos()
}
