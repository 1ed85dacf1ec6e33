//! Keeps the list of servers for a day, with az's state, and the names for completion.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::system::private_directory::PrivateDirectory;
use crate::token::CacheKey;

use super::server::Server;

const LIST: &str = "servers.json";

/// A line for each server, its host and its name, which shells read for completion.
const NAMES: &str = "servers.txt";

const A_DAY: Duration = Duration::from_secs(86_400);

/// Returns the list, if it was asked for in the same state of az within a day.
pub fn recall(
    directory: &PrivateDirectory,
    key: &CacheKey,
    now: SystemTime,
) -> Option<Vec<Server>> {
    let bytes = directory.read(LIST).ok()??;
    let kept: Value = serde_json::from_slice(&bytes).ok()?;
    if !key.is_of(&kept) {
        return None;
    }
    // A time that is still to come is from a clock that was ahead.
    let at = UNIX_EPOCH.checked_add(Duration::from_secs(kept["at"].as_u64()?))?;
    if now.duration_since(at).ok()? >= A_DAY {
        return None;
    }
    kept["servers"]
        .as_array()?
        .iter()
        .map(Server::kept)
        .collect()
}

pub fn keep(directory: &PrivateDirectory, key: &CacheKey, servers: &[Server], now: SystemTime) {
    let at = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let list = json!({
        "identity": key.identity,
        "state": key.state,
        "at": at,
        "servers": servers.iter().map(Server::as_json).collect::<Vec<_>>(),
    });
    let mut names = String::new();
    let is_plain = |server: &&Server| !server.name.contains(char::is_control);
    for server in servers.iter().filter(is_plain) {
        let _ = writeln!(names, "{}\t{}", server.host, server.name);
    }
    // With a full disk the next list is only slower.
    let _ = directory.replace(LIST, list.to_string().as_bytes());
    let _ = directory.replace(NAMES, names.as_bytes());
}

/// Removes what was kept.
pub fn forget(directory: &PrivateDirectory) {
    for name in [LIST, NAMES] {
        directory.remove(name);
    }
}
