//! `--renew`: runs psql or another program with a helper, which signs in for each connection.
//!
//! psql keeps the server's name and connects to an address of this machine. Another program gets a
//! socket's directory instead of the host, or a local port with its password.

use std::ffi::OsString;
#[cfg(unix)]
use std::net::Ipv4Addr;
#[cfg(unix)]
use std::time::Duration;

use zeroize::Zeroizing;

use crate::cli::{Options, Renew};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::libpq::connection::{Connection, PASSWORD};
use crate::libpq::files;
use crate::libpq::target::Target;

use super::Handover;
use super::proxy;

#[cfg(unix)]
use addresses::addresses;

/// How long the program's last messages may take to reach the server.
#[cfg(unix)]
const TIME_TO_DRAIN: Duration = Duration::from_secs(5);

/// Variables for TLS to the server and its passwords, which don't apply to the helper.
const ABOUT_SERVER: [&str; 15] = [
    "PGHOSTADDR",
    "PGSSLROOTCERT",
    "PGSSLNEGOTIATION",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGSSLCERTMODE",
    "PGSSLCRL",
    "PGSSLCRLDIR",
    "PGSSLSNI",
    "PGREQUIREAUTH",
    "PGREQUIREPEER",
    "PGCHANNELBINDING",
    "PGTARGETSESSIONATTRS",
    "PGLOADBALANCEHOSTS",
    PASSWORD,
];

/// How a program reaches the helper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    Socket,
    Port,
    /// An address that stands for the server with this name and port.
    Name(String, u16),
}

/// Where the helper listens, with role and database. It has no `Debug`, which would show the
/// password.
pub struct Local {
    /// A socket's directory, or an address.
    pub host: OsString,
    pub port: u16,
    pub user: OsString,
    pub database: OsString,
    /// The local password and its file, if there is one.
    pub password: Option<(Zeroizing<String>, OsString)>,
}

impl Way {
    /// Returns the way for psql.
    pub fn choose_for_psql(target: &Target) -> Result<Self, Failure> {
        let hosts = proxy::check(target)?;
        Ok(Self::Name(hosts[0].name.clone(), hosts[0].port))
    }

    /// Returns the way for another program.
    pub fn choose_for_program(target: &Target, options: &Options) -> Result<Self, Failure> {
        proxy::check(target)?;
        Ok(match options.renew {
            Some(Renew::Tcp) => Self::Port,
            _ => Self::Socket,
        })
    }
}

/// Starts the helper, which runs `sign_in` and serves the connection. Returns where it listens, or its
/// exit code if it failed and reported why.
#[cfg(unix)]
pub fn start(
    way: &Way,
    environment: &Environment,
    sign_in: impl FnOnce(Serving<'_>) -> Result<i32, Failure>,
) -> Result<Result<Local, i32>, Failure> {
    proxy::helper::start(environment, |announcement, program| {
        sign_in(Serving {
            way,
            announcement,
            program,
        })
    })
}

/// Refuses: there is no helper on Windows.
#[cfg(windows)]
pub fn start(
    _way: &Way,
    _environment: &Environment,
    _sign_in: impl FnOnce(Serving<'_>) -> Result<i32, Failure>,
) -> Result<Result<Local, i32>, Failure> {
    Err(Failure::usage("`--renew` isn't supported on Windows")
        .hint("use `--proxy` for connections that outlive the token"))
}

/// The helper before it has a token.
#[cfg(unix)]
pub struct Serving<'a> {
    way: &'a Way,
    announcement: &'a mut proxy::helper::Announcement,
    program: proxy::helper::Watched,
}

/// Never exists: there is no helper on Windows.
#[cfg(windows)]
pub struct Serving<'a>(std::marker::PhantomData<&'a ()>, std::convert::Infallible);

impl Serving<'_> {
    /// Serves until the program ends.
    #[cfg(unix)]
    pub fn serve(self, handover: &Handover<'_>) -> Result<i32, Failure> {
        use crate::cli::Listen;
        use crate::system::private_directory::PrivateDirectory;
        use proxy::{End, OwnDirectory, Place, Service};

        let impossible = |why: std::io::Error| {
            Failure::sign_in(format!("`--renew` can't start its helper: {why}"))
                .hint("set `XDG_RUNTIME_DIR` to a directory of your own")
        };
        let mut directory = None;
        let place = match self.way {
            Way::Name(name, _) => Place::FirstFree(addresses(self.way), name.clone()),
            Way::Port => {
                let addresses = addresses(self.way);
                Place::FirstFree(addresses, Ipv4Addr::LOCALHOST.to_string())
            }
            Way::Socket => {
                let made = match PrivateDirectory::open().ok().flatten() {
                    Some(ours) => OwnDirectory::create(&ours.path_of("")),
                    None => OwnDirectory::create(&tempfile::env::temp_dir()),
                };
                let made = made.map_err(impossible)?;
                let place = Place::Asked(Listen::Directory(made.path().into()));
                directory = Some(made);
                place
            }
        };
        let service = Service {
            place,
            drain: TIME_TO_DRAIN,
            end: End::With(self.program),
        };
        let announcement = self.announcement;
        let locked = |directory: &OwnDirectory| directory.lock().map_err(impossible);
        let outcome = service.run(handover, |doors, role, database| {
            directory.as_ref().map_or(Ok(()), locked)?;
            let door = &doors[0];
            let password = door.password.as_ref().map(|password| {
                let secret = Zeroizing::new(password.secret().to_owned());
                (secret, password.path().as_os_str().to_owned())
            });
            let local = Local {
                host: door.host.clone(),
                port: door.port,
                user: role.to_owned(),
                database: database.to_owned(),
                password,
            };
            announcement.ready(&local).map_err(impossible)
        });
        drop(directory);
        outcome
    }

    /// Is never called on Windows.
    #[cfg(windows)]
    pub fn serve(self, _handover: &Handover<'_>) -> Result<i32, Failure> {
        match self.1 {}
    }
}

impl Local {
    /// Returns the connection to the helper, in place of the one to `target`.
    fn connection(&self, target: &Target) -> Connection {
        let mut connection = Connection::new(target);
        for variable in ABOUT_SERVER {
            connection.forget(variable);
        }
        connection.put("PGPORT", self.port.to_string());
        connection.put("PGUSER", self.user.clone());
        connection.put("PGDATABASE", self.database.clone());
        connection.put("PGSSLMODE", "disable");
        connection
    }

    /// Returns psql's arguments with one connection string for the whole connection, in the place of
    /// the database's name. `word` is that place.
    pub fn words(
        &self,
        mut words: Vec<OsString>,
        word: Option<&(usize, OsString)>,
        target: &Target,
    ) -> Result<Vec<OsString>, Failure> {
        let mut connection = self.connection(target);
        let name = &target.hosts()[0].name;
        connection.put("PGHOST", crate::system::platform::os_string(name));
        connection.put("PGHOSTADDR", self.host.clone());
        if let Some((_, file)) = &self.password {
            connection.put("PGPASSFILE", file.clone());
        }
        let conninfo = connection.conninfo().map_err(|name| {
            Failure::usage(format!("the value of `{name}` contains a line break"))
                .hint("connect without `--renew`")
        })?;
        let conninfo = crate::system::platform::os_string(&conninfo);
        match word {
            Some((at, before)) => {
                let mut word = before.clone();
                word.push(conninfo);
                words[*at] = word;
            }
            None => drop(words.splice(0..0, ["-d".into(), conninfo])),
        }
        Ok(words)
    }

    /// Returns psql's variables: all but the overridden password and what libpq would refuse without
    /// TLS. Its service file is named, as beside a token: `PGSERVICE` is still looked up.
    pub fn psql_variables(target: &Target, environment: &Environment) -> Environment {
        let mut variables = environment.without(PASSWORD);
        if let Some(file) = files::named_service_file(target) {
            variables.set("PGSERVICEFILE", file);
        }
        variables.forget_ready_token();
        for name in ["PGREQUIREAUTH", "PGSSLNEGOTIATION", "PGCHANNELBINDING"] {
            variables.remove(name);
        }
        if variables
            .get("PGSSLROOTCERT")
            .is_some_and(|file| file == "system")
        {
            variables.remove("PGSSLROOTCERT");
        }
        variables
    }

    /// Returns another program's variables, with the connection as a URI in the variable `url`.
    pub fn program_variables(
        &self,
        target: &Target,
        environment: &Environment,
        url: Option<&str>,
    ) -> Environment {
        let mut connection = self.connection(target);
        connection.put("PGHOST", self.host.clone());
        connection.put("PGGSSENCMODE", "disable");
        if let Some((password, _)) = &self.password {
            connection.put(PASSWORD, password.as_str());
        }
        let mut variables = connection.in_environment(environment);
        variables.forget_ready_token();
        if let Some(name) = url {
            variables.set(name, self.uri());
        }
        variables
    }

    /// Returns the connection to the helper as a URI.
    fn uri(&self) -> String {
        let coded = |text: &std::ffi::OsStr| percent_encoded(text.as_encoded_bytes());
        let (user, database) = (coded(&self.user), coded(&self.database));
        let host = coded(&self.host);
        match &self.password {
            Some((password, _)) => format!(
                "postgresql://{user}:{}@{host}:{}/{database}?sslmode=disable",
                password.as_str(),
                self.port
            ),
            None => format!(
                "postgresql://{user}@/{database}?host={host}&port={}",
                self.port
            ),
        }
    }
}

#[cfg(unix)]
mod addresses {
    //! Loopback addresses to listen on.

    use std::net::{IpAddr, Ipv4Addr, SocketAddr};

    use ring::rand::{SecureRandom as _, SystemRandom};

    use super::Way;

    /// How many addresses are tried with the server's port.
    const TRIES: usize = 8;

    /// Returns the addresses to listen on, the best first. On Linux the whole loopback range is
    /// local, so one of its addresses can have the server's port.
    pub fn addresses(way: &Way) -> Vec<SocketAddr> {
        let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        let mut addresses = Vec::new();
        if let Way::Name(_, port) = way
            && cfg!(target_os = "linux")
        {
            let mut random = [0; TRIES * 3];
            if SystemRandom::new().fill(&mut random).is_ok() {
                let own = random.as_chunks::<3>().0.iter().map(|&[a, b, c]| {
                    let own = Ipv4Addr::new(127, a | 1, b, c.clamp(1, 254));
                    SocketAddr::new(IpAddr::V4(own), *port)
                });
                addresses.extend(own);
            }
        }
        addresses.push(any);
        addresses
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_servers_port_is_kept_where_an_address_is_free() {
            let addresses = super::addresses(&Way::Name("x".to_owned(), 5432));
            let (last, own) = addresses.split_last().unwrap();
            assert_eq!(*last, "127.0.0.1:0".parse().unwrap());
            for address in own {
                let ip = address.ip();
                assert!(ip.is_loopback() && address.port() == 5432, "{address}");
            }
            assert_eq!(super::addresses(&Way::Port), [*last]);
        }
    }
}

/// Escapes everything that a URI doesn't allow everywhere.
fn percent_encoded(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    let mut text = String::new();
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_holds_every_name() {
        let mut local = Local {
            host: "/run/user/1000/x".into(),
            port: 5432,
            user: "Prod DB@é".into(),
            database: "a/b".into(),
            password: None,
        };
        let socket =
            "postgresql://Prod%20DB%40%C3%A9@/a%2Fb?host=%2Frun%2Fuser%2F1000%2Fx&port=5432";
        assert_eq!(local.uri(), socket);
        local.host = "127.0.0.1".into();
        local.password = Some((Zeroizing::new("secret".to_owned()), "file".into()));
        let port = "postgresql://Prod%20DB%40%C3%A9:secret@127.0.0.1:5432/a%2Fb?sslmode=disable";
        assert_eq!(local.uri(), port);
    }
}
