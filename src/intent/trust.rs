//! Which hosts may be sent a token.

use std::ffi::OsStr;

use crate::cli::TRUSTED_HOSTS;
use crate::entra::cloud::{self, Cloud};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::libpq::target::{Host, Target};

/// What is to be thought of a connection's hosts together. One password goes to all of them.
#[derive(Debug, PartialEq, Eq)]
pub enum Trust {
    /// Every one may be sent a token.
    All {
        /// The first of them.
        host: String,
        /// The cloud that the names belong to; `None` where none says or they differ.
        cloud: Option<&'static Cloud>,
    },
    /// Some may.
    Some {
        /// The first that may not.
        stranger: String,
    },
    /// None may.
    None,
    /// No host is named at all.
    NoHost,
}

impl Trust {
    /// Whether at least one host may be sent a token.
    pub fn any(&self) -> bool {
        matches!(self, Self::All { .. } | Self::Some { .. })
    }

    /// Why no token is sent although one is due.
    pub fn refusal(&self) -> Failure {
        match self {
            Self::All { .. } | Self::None => {
                Failure::sign_in("the host is not known to be an Azure Database for PostgreSQL server")
                    .hint("if it is one, under another name, say so with `--entra`; a socket or a bare address never is")
            }
            Self::Some { stranger } => Failure::sign_in(format!(
                "one password goes to every host, and `{stranger}` is not known to want an Entra token"
            ))
            .hint("name hosts of one kind, or vouch for all of them with `--entra`"),
            Self::NoHost => Failure::usage("a token was asked for, but no host is named")
                .hint("name the server with `-h`, in a connection string or in `PGHOST`"),
        }
    }
}

/// Judges the hosts of `target`. `vouched` is `--entra`; `listed` are the names that stand to be
/// trusted.
pub fn judge(target: &Target, vouched: bool, listed: &[&str]) -> Trust {
    let hosts = target.hosts();
    if hosts
        .iter()
        .all(|host| host.name.is_empty() && host.address.is_empty())
    {
        return Trust::NoHost;
    }
    let trusted = |host: &Host| {
        !host.is_socket()
            && cloud::is_name(&host.name)
            && !cloud::is_ipv4_address(&host.name)
            && (vouched || cloud::of_host(&host.name).is_some() || is_listed(&host.name, listed))
    };
    let strangers: Vec<&Host> = hosts.iter().filter(|host| !trusted(host)).collect();
    match strangers.first() {
        Some(_) if strangers.len() == hosts.len() => Trust::None,
        Some(stranger) => Trust::Some {
            stranger: shown(stranger),
        },
        None => {
            let first = cloud::of_host(&hosts[0].name);
            let same = hosts.iter().all(|host| cloud::of_host(&host.name) == first);
            Trust::All {
                host: shown(&hosts[0]),
                cloud: first.filter(|_| same),
            }
        }
    }
}

/// The entries of [`TRUSTED_HOSTS`].
pub fn listed(environment: &Environment) -> Vec<&str> {
    environment
        .get(TRUSTED_HOSTS)
        .and_then(OsStr::to_str)
        .unwrap_or_default()
        .split([',', ' '])
        .filter(|entry| !entry.is_empty())
        .collect()
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

fn shown(host: &Host) -> String {
    let name = if host.name.is_empty() {
        &host.address
    } else {
        &host.name
    };
    match name.as_slice() {
        b"" => "the local socket".to_owned(),
        name => String::from_utf8_lossy(name).into_owned(),
    }
}
