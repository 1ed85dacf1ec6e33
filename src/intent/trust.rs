//! Which hosts may be sent a token.

use std::ffi::OsStr;

use crate::cli::TRUSTED_HOSTS;
use crate::entra::cloud::{self, Cloud};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::libpq::target::{Host, Target};

/// The verdict on all hosts of a connection together, because one password goes to all of them.
#[derive(Debug, PartialEq, Eq)]
pub enum Trust {
    /// Every host may be sent a token.
    All {
        /// The first host.
        host: String,
        /// The cloud that the names belong to, if they all belong to the same.
        cloud: Option<&'static Cloud>,
    },
    Some {
        /// The first host that may not.
        stranger: String,
    },
    None,
    /// No host is named.
    NoHost,
}

impl Trust {
    /// Returns whether at least one host may be sent a token.
    pub fn any(&self) -> bool {
        matches!(self, Self::All { .. } | Self::Some { .. })
    }

    /// Returns why no token is sent to `target` although one is due.
    pub fn refusal(&self, target: &Target) -> Failure {
        match self {
            Self::All { .. } | Self::None => {
                let first = &target.hosts()[0];
                let failure = Failure::sign_in(format!(
                    "{} is not known to use Entra authentication",
                    quote(first)
                ));
                if first.is_socket() {
                    failure.hint("name the server with `-h`: a token never goes to a socket")
                } else if !is_plain_name(first) {
                    failure.hint("name the server by its host name: a token never goes to an address")
                } else {
                    failure.hint("if it uses Entra authentication, add `--entra`")
                }
            }
            Self::Some { stranger } => Failure::sign_in(format!(
                "the token would go to every host, and {stranger} is not known to use Entra authentication"
            ))
            .hint("name only servers that use it, or add `--entra` if all of these do"),
            Self::NoHost => Failure::usage("a token was asked for, but no host is named")
                .hint("name the server with `-h`, in a connection string or in `PGHOST`"),
        }
    }
}

/// Judges the hosts of `target`. `vouched` is `--entra`, and `listed` are the permanently trusted
/// names.
pub fn judge(target: &Target, vouched: bool, listed: &[&str]) -> Trust {
    let hosts = target.hosts();
    if hosts
        .iter()
        .all(|host| host.name.is_empty() && host.address.is_empty())
    {
        return Trust::NoHost;
    }
    let trusted = |host: &Host| {
        !host.is_socket() && is_plain_name(host) && (vouched || is_known(&host.name, listed))
    };
    let strangers: Vec<&Host> = hosts.iter().filter(|host| !trusted(host)).collect();
    match strangers.first() {
        Some(_) if strangers.len() == hosts.len() => Trust::None,
        Some(stranger) => Trust::Some {
            stranger: quote(stranger),
        },
        None => {
            let first = cloud::of_host(&hosts[0].name);
            let same = hosts.iter().all(|host| cloud::of_host(&host.name) == first);
            Trust::All {
                host: show(&hosts[0]),
                cloud: first.filter(|_| same),
            }
        }
    }
}

/// Returns the entries of [`TRUSTED_HOSTS`].
pub fn listed(environment: &Environment) -> Vec<&str> {
    environment
        .get(TRUSTED_HOSTS)
        .and_then(OsStr::to_str)
        .unwrap_or_default()
        .split([',', ' '])
        .filter(|entry| !entry.is_empty())
        .collect()
}

fn is_plain_name(host: &Host) -> bool {
    cloud::is_name(&host.name) && !cloud::is_ipv4_address(&host.name)
}

/// Returns whether a name is that of an Azure server, or among those that are `listed`.
pub fn is_known(host: &[u8], listed: &[&str]) -> bool {
    cloud::of_host(host).is_some() || is_listed(host, listed)
}

fn is_listed(host: &[u8], listed: &[&str]) -> bool {
    listed.iter().any(|entry| {
        if entry.starts_with('.') {
            cloud::is_name_under(host, entry.as_bytes())
        } else {
            host.eq_ignore_ascii_case(entry.as_bytes())
        }
    })
}

fn show(host: &Host) -> String {
    let name = if host.name.is_empty() {
        &host.address
    } else {
        &host.name
    };
    String::from_utf8_lossy(name).into_owned()
}

fn quote(host: &Host) -> String {
    match show(host) {
        name if name.is_empty() => "the local socket".to_owned(),
        name => format!("`{name}`"),
    }
}
