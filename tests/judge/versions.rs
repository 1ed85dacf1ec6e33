//! What differs between the versions of psql and libpq from 13 on. Our reading is one for all and
//! takes what any of them takes; here stands which of them refuses more than that, so that the
//! judge allows it there and nowhere else.

use entra_psql::testing::libpq::parameters::Origin;
use entra_psql::testing::libpq::target::Target;
use entra_psql::testing::libpq::uri;
use entra_psql::testing::psql::command_line::Wanted;

use super::oracle::Connection;

/// A parameter that is not in every version.
pub struct Later {
    pub name: &'static str,
    /// The first version that has it.
    pub since: u32,
    /// The values that it takes; none stand for any.
    pub values: &'static [&'static str],
}

const fn later(name: &'static str, since: u32, values: &'static [&'static str]) -> Later {
    Later {
        name,
        since,
        values,
    }
}

const PROTOCOLS: &[&str] = &["3.0", "3.2", "latest"];

/// Parameters that came after libpq 13.
pub const PARAMETERS: &[Later] = &[
    later("sslcrldir", 14, &[]),
    later("sslsni", 14, &[]),
    later("gssdelegation", 16, &[]),
    later("load_balance_hosts", 16, &["disable", "random"]),
    later("require_auth", 16, &[]),
    later("sslcertmode", 16, &["disable", "allow", "require"]),
    later("sslnegotiation", 17, &["postgres", "direct"]),
    later("max_protocol_version", 18, PROTOCOLS),
    later("min_protocol_version", 18, PROTOCOLS),
    later("oauth_client_id", 18, &[]),
    later("oauth_client_secret", 18, &[]),
    later("oauth_issuer", 18, &[]),
    later("oauth_scope", 18, &[]),
    later("scram_client_key", 18, &[]),
    later("scram_server_key", 18, &[]),
    later("sslkeylogfile", 18, &[]),
    later("servicefile", 19, &[]),
];

/// Words for `target_session_attrs` that came with libpq 14.
const LATER_SESSIONS: &[&[u8]] = &[b"read-only", b"primary", b"standby", b"prefer-standby"];

/// Whether a host's name that begins with `@` is a socket's.
pub fn has_abstract_sockets(version: u32) -> bool {
    version / 10000 >= 14
}

/// Whether libpq is one that minds spaces in URIs, and this is a URI with some: it refuses those in
/// the middle of a value, and leaves out those at its ends.
pub fn minds_spaces(wanted: &Wanted, version: u32) -> bool {
    let word = wanted.database.as_deref().unwrap_or_default();
    let word = word.as_encoded_bytes();
    let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    version / 10000 >= 18 && uri::is_uri(word) && word.iter().any(is_space)
}

/// The printing parameter whose value is a number to psql 16 and later, and anything to older ones.
pub const LATER_NUMBER: &str = "pager_min_lines";

/// psql's special variables that came after psql 13.
pub const VARIABLES: &[&str] = &[
    "HIDE_TOAST_COMPRESSION",
    "SHOW_ALL_RESULTS",
    "WATCH_INTERVAL",
];

/// Whether libpq refused a line of a service file that is too long to libpq 13 alone.
pub fn has_short_lines(theirs: &Connection) -> bool {
    theirs.version / 10000 < 14 && theirs.message.contains("too long in service file")
}

/// Whether this version takes the root file's name for the system's roots, to which it changes the
/// default of `sslmode`.
pub fn has_system_roots(target: &Target, version: u32) -> bool {
    version / 10000 >= 16 && target.parameters().value("sslrootcert") == Some(b"system")
}

/// Whether a libpq of this version (as in 150018) refuses what we take.
pub fn refuses_more(target: &Target, version: u32) -> bool {
    let major = version / 10000;
    let parameters = target.parameters();
    let is = |name: &str, value: &[u8]| parameters.value(name) == Some(value);
    // An unknown parameter is an error, and its variable is nothing.
    let is_unknown = |later: &Later| {
        let is_given = match target.origin(later.name) {
            None | Some(Origin::Environment | Origin::OlderVariable) => false,
            // There it is our own note of the file in which the service was found.
            Some(Origin::Service) => later.name != "servicefile",
            Some(Origin::Option | Origin::ConnectionString) => true,
        };
        major < later.since && is_given
    };
    let is_wrong = |later: &Later| {
        let takes = |value| later.values.iter().any(|known| known.as_bytes() == value);
        let value = parameters.value(later.name);
        major >= later.since && !later.values.is_empty() && !value.is_none_or(takes)
    };
    let sessions = parameters.value("target_session_attrs");
    let is_later_session = || sessions.is_some_and(|value| LATER_SESSIONS.contains(&value));
    // The system's roots go with `verify-full` alone.
    let has_weak_roots = || {
        let mode = parameters.value("sslmode");
        has_system_roots(target, version) && mode.is_some_and(|mode| mode != b"verify-full")
    };
    let is_direct_without_tls = || {
        is("sslnegotiation", b"direct")
            && match parameters.value("sslmode") {
                None => !is("sslrootcert", b"system"),
                Some(mode) => matches!(mode, b"disable" | b"allow" | b"prefer"),
            }
    };
    let is_empty_range = || {
        let lowest = parameters.value("min_protocol_version");
        matches!(lowest, Some(b"3.2" | b"latest")) && is("max_protocol_version", b"3.0")
    };
    PARAMETERS
        .iter()
        .any(|later| is_unknown(later) || is_wrong(later))
        || (major < 14 && is_later_session())
        || has_weak_roots()
        || (major >= 17 && is_direct_without_tls())
        || (major >= 18 && is_empty_range())
}

/// The parameters that a libpq of this version has not yet.
pub fn unknown_to(version: u32) -> impl Iterator<Item = &'static str> {
    let is_later = move |later: &&Later| version / 10000 < later.since;
    PARAMETERS.iter().filter(is_later).map(|later| later.name)
}
