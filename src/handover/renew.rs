//! `--renew`: runs psql or another program with a helper, which signs in for each connection.
//!
//! psql keeps the server's name and connects to an address of this machine. Another program gets a
//! socket's directory instead of the host, or a local port with its password.

use std::ffi::OsString;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::cli::Options;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::libpq::connection::{Connection, PASSWORD};
use crate::libpq::files;
use crate::libpq::target::Target;

use super::Handover;
use super::launch::Launch;
use super::proxy::{self, End, Place, Service};

use addresses::addresses;

/// How long the program's last messages may take to reach the server.
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
    #[cfg(unix)]
    Socket,
    Port,
    /// An address that stands for the server with this name and port.
    Name(String, u16),
}

/// Where the helper listens, with role and database. It has no `Debug`, which would show the
/// password.
#[derive(Clone)]
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
            #[cfg(unix)]
            Some(crate::cli::Renew::On) => Self::Socket,
            _ => Self::Port,
        })
    }
}

/// Runs the program that `launch` prepares, with a helper that runs `sign_in` and serves the
/// connection. Returns an exit code if entra-psql still runs after that.
pub fn run(
    way: &Way,
    environment: &Environment,
    sign_in: impl FnOnce(Serving<'_>) -> Result<i32, Failure>,
    launch: impl FnOnce(&Local) -> Result<Launch, Failure> + Send,
) -> Result<i32, Failure> {
    let work = |announcement: &mut proxy::helper::Announcement, program| {
        sign_in(Serving {
            way,
            announcement,
            program,
        })
    };
    proxy::helper::run(environment, work, launch)
}

/// The helper before it has a token.
pub struct Serving<'a> {
    way: &'a Way,
    announcement: &'a mut proxy::helper::Announcement,
    program: proxy::helper::Watched,
}

impl Serving<'_> {
    /// Serves until the program ends.
    pub fn serve(self, handover: &Handover<'_>) -> Result<i32, Failure> {
        let place = match self.way {
            Way::Name(host, _) => Place::FirstFree(addresses(self.way), host.clone()),
            Way::Port => Place::FirstFree(addresses(self.way), Ipv4Addr::LOCALHOST.to_string()),
            #[cfg(unix)]
            Way::Socket => Place::InOwn(own_directory().map_err(|why| impossible(&why))?),
        };
        let service = Service {
            place,
            drain: TIME_TO_DRAIN,
            end: End::With(self.program),
        };
        let announcement = self.announcement;
        service.run(handover, |doors, role, database| {
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
            announcement.ready(&local).map_err(|why| impossible(&why))
        })
    }
}

/// Creates a directory for the socket.
#[cfg(unix)]
fn own_directory() -> io::Result<proxy::OwnDirectory> {
    use crate::system::private_directory::PrivateDirectory;

    match PrivateDirectory::open().ok().flatten() {
        Some(ours) => proxy::OwnDirectory::create(&ours.path_of("")),
        None => proxy::OwnDirectory::create(&tempfile::env::temp_dir()),
    }
}

fn impossible(why: &io::Error) -> Failure {
    proxy::helper::impossible(why, "set `XDG_RUNTIME_DIR` to a directory of your own")
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

mod addresses {
    //! Loopback addresses to listen on.

    use std::net::{IpAddr, Ipv4Addr, SocketAddr};

    use ring::rand::{SecureRandom as _, SystemRandom};

    use super::Way;

    /// How many addresses are tried with the server's port.
    const TRIES: usize = 8;

    /// Returns the addresses to listen on, the best first. On Linux and Windows the whole loopback
    /// range is local, so one of its addresses can have the server's port.
    pub fn addresses(way: &Way) -> Vec<SocketAddr> {
        let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        let mut addresses = Vec::new();
        if let Way::Name(_, port) = way
            && cfg!(any(target_os = "linux", windows))
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
