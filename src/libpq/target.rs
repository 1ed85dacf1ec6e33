//! Settles what libpq would connect to, as its `connectOptions2` does.

use super::parameters::{Given, LibpqError, Origin, Parameters};
use super::passfile::{self, Lookup};

/// The port that libpq is built with.
const DEFAULT_PORT: &[u8] = b"5432";

/// The socket directory that Debian's libpq is built with, which a password file calls `localhost`.
/// Other builds have `/tmp`. A token is never sent to a socket, so the difference doesn't matter.
const DEFAULT_SOCKET_DIRECTORY: &[u8] = b"/var/run/postgresql";

/// One host of the connection. Empty fields were not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The host name, or the directory of a socket.
    pub name: Vec<u8>,
    /// The address that libpq connects to instead of the name.
    pub address: Vec<u8>,
    pub port: Vec<u8>,
}

impl Host {
    /// Returns whether libpq would open a socket of the file system, or of the abstract namespace.
    pub fn is_socket(&self) -> bool {
        self.address.is_empty()
            && (self.name.is_empty() || self.name.starts_with(b"/") || self.name.starts_with(b"@"))
    }

    fn name_in_passfile(&self) -> &[u8] {
        match self.name.as_slice() {
            b"" if self.address.is_empty() => b"localhost",
            b"" => &self.address,
            DEFAULT_SOCKET_DIRECTORY => b"localhost",
            name => name,
        }
    }
}

/// A connection that libpq would try.
pub struct Target {
    parameters: Parameters,
    hosts: Vec<Host>,
}

impl Target {
    /// Settles the hosts of `parameters`, which are complete except for libpq's own defaults. An
    /// error is what libpq refuses before it contacts any server.
    pub fn settle(parameters: Parameters) -> Result<Self, LibpqError> {
        let hosts = hosts(&parameters)?;
        check_words(&parameters)?;
        check_tls_versions(&parameters)?;
        Ok(Self { parameters, hosts })
    }

    /// Returns the hosts, at least one, in libpq's order.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Returns the user, if one is named. An empty name in a connection string, a service file or
    /// `PGUSER` is libpq's own default: the operating system's user.
    pub fn user(&self) -> Option<&Given> {
        self.parameters.get("user")
    }

    pub fn names_database(&self) -> bool {
        self.parameters.get("dbname").is_some()
    }

    /// Returns the user that libpq would sign in as. `system_user` is the operating system's user.
    pub fn user_or<'a>(&'a self, system_user: &'a [u8]) -> &'a [u8] {
        self.parameters.filled("user").unwrap_or(system_user)
    }

    /// Returns the database that libpq would open: the name of the user if none is given.
    pub fn database_or<'a>(&'a self, system_user: &'a [u8]) -> &'a [u8] {
        self.parameters
            .filled("dbname")
            .unwrap_or_else(|| self.user_or(system_user))
    }

    /// Returns the password, unless it's in a password file.
    pub fn password(&self) -> Option<&Given> {
        self.parameters.get("password")
    }

    /// Returns whether libpq would read a password file, because there's no other password.
    pub fn reads_passfile(&self) -> bool {
        self.parameters.filled("password").is_none()
    }

    /// Returns for each host whether the password file with this text has a password for it.
    pub fn passwords_in<'a>(
        &'a self,
        passfile: &'a [u8],
        system_user: &'a [u8],
    ) -> impl Iterator<Item = bool> + 'a {
        self.hosts.iter().map(move |host| {
            let lookup = Lookup {
                host: host.name_in_passfile(),
                port: if host.port.is_empty() {
                    DEFAULT_PORT
                } else {
                    &host.port
                },
                database: self.database_or(system_user),
                user: self.user_or(system_user),
            };
            passfile::has_password(passfile, lookup)
        })
    }

    /// Returns where the parameter `name` was set.
    pub fn origin(&self, name: &str) -> Option<Origin> {
        self.parameters.get(name).map(|given| given.origin)
    }
}

/// Pairs host names, addresses and ports. There are as many addresses as names, and one port or as
/// many.
fn hosts(parameters: &Parameters) -> Result<Vec<Host>, LibpqError> {
    let list = |name| -> Option<Vec<Vec<u8>>> {
        let items = parameters.filled(name)?.split(|&b| b == b',');
        Some(items.map(<[u8]>::to_vec).collect())
    };
    let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
    let count = addresses.as_ref().or(names.as_ref()).map_or(1, Vec::len);
    let blank = || vec![Vec::new(); count];
    let names = names.unwrap_or_else(blank);
    if names.len() != count {
        return Err(LibpqError(format!(
            "could not match {} host names to {count} hostaddr values",
            names.len()
        )));
    }
    let ports = match ports {
        None => blank(),
        Some(ports) if ports.len() == 1 => vec![ports[0].clone(); count],
        Some(ports) if ports.len() == count => ports,
        Some(ports) => {
            return Err(LibpqError(format!(
                "could not match {} port numbers to {count} hosts",
                ports.len()
            )));
        }
    };
    Ok(names
        .into_iter()
        .zip(addresses.unwrap_or_else(blank))
        .zip(ports)
        .map(|((name, address), port)| Host {
            name,
            address,
            port,
        })
        .collect())
}

/// The choices of parameters that every version has. An empty value is refused too.
const WORDS: &[(&str, &[&str])] = &[
    (
        "sslmode",
        &[
            "disable",
            "allow",
            "prefer",
            "require",
            "verify-ca",
            "verify-full",
        ],
    ),
    ("channel_binding", &["disable", "prefer", "require"]),
    ("gssencmode", &["disable", "prefer", "require"]),
    (
        "target_session_attrs",
        &[
            "any",
            "read-write",
            "read-only",
            "primary",
            "standby",
            "prefer-standby",
        ],
    ),
];

/// The choices of parameters that came after libpq 13. Older versions don't read their variables,
/// so a wrong value is refused only in a connection string or a service file.
const LATER_WORDS: &[(&str, &[&str])] = &[
    ("sslcertmode", &["disable", "allow", "require"]),
    ("load_balance_hosts", &["disable", "random"]),
    ("sslnegotiation", &["postgres", "direct"]),
    ("min_protocol_version", PROTOCOL_VERSIONS),
    ("max_protocol_version", PROTOCOL_VERSIONS),
];

const PROTOCOL_VERSIONS: &[&str] = &["3.0", "3.2", "latest"];

fn check_words(parameters: &Parameters) -> Result<(), LibpqError> {
    for (name, given) in parameters.iter() {
        let known = |table: &'static [(&str, &'static [&str])]| {
            let row = table.iter().find(|(of, _)| *of == name);
            row.map(|(_, words)| *words)
        };
        let later = || known(LATER_WORDS).filter(|_| given.origin != Origin::Environment);
        let Some(words) = known(WORDS).or_else(later) else {
            continue;
        };
        if !words.iter().any(|word| word.as_bytes() == given.value) {
            return Err(LibpqError(format!(
                "invalid {name} value: \"{}\"",
                String::from_utf8_lossy(&given.value)
            )));
        }
    }
    Ok(())
}

/// Refuses unknown protocol versions, and a lower bound above the upper one.
fn check_tls_versions(parameters: &Parameters) -> Result<(), LibpqError> {
    const VERSIONS: [&str; 4] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
    let rank = |name| match parameters.filled(name) {
        None => Ok(None),
        Some(value) => VERSIONS
            .iter()
            .position(|version| version.as_bytes().eq_ignore_ascii_case(value))
            .map(Some)
            .ok_or_else(|| LibpqError(format!("invalid {name} value"))),
    };
    let lowest = match parameters.value("ssl_min_protocol_version") {
        // libpq's default.
        None => Some(2),
        Some(_) => rank("ssl_min_protocol_version")?,
    };
    match (lowest, rank("ssl_max_protocol_version")?) {
        (Some(lowest), Some(highest)) if lowest > highest => {
            Err(LibpqError("invalid SSL protocol version range".to_owned()))
        }
        _ => Ok(()),
    }
}
