//! Serves a connection to other programs: a local listener that opens each connection to the server
//! with a token that is valid at that moment.
//!
//! `serving` opens each `door` and lets clients in until it is told to end. `connection` runs
//! one connection: `client` reads the request, `tokens` has the token, `server` connects,
//! `session` signs in, and `splice` passes the bytes on unread.

mod client;
mod connection;
mod door;
mod ending;
pub mod helper;
#[cfg(unix)]
mod leftovers;
mod limits;
pub mod messages;
pub mod opening;
mod password;
mod read_ahead;
mod refused;
pub mod scram;
mod server;
mod service_manager;
mod serving;
mod session;
mod settings;
mod signals;
#[cfg(unix)]
mod socket;
mod splice;
mod tls;
mod tokens;
mod workers;

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crate::cli::Listen;
use crate::failure::Failure;
use crate::libpq::target::Target;
use crate::libpq::{conninfo, files};
use crate::plain_text;
use crate::sign_in::signer::Signer;
use crate::system::private_directory::PrivateDirectory;
use crate::system::{ending_signals, platform, terminal, threads};

use super::{Course, Handover, say};
use connection::House;
use door::Door;
pub use ending::End;
#[cfg(unix)]
pub use leftovers::OwnDirectory;
use serving::Opening;
pub use serving::Place;
pub use settings::check;
use tokens::Tokens;
use workers::Workers;

/// How long open connections may continue after the proxy is told to end.
const TIME_TO_DRAIN: Duration = Duration::from_secs(30);

/// `--proxy`.
pub struct Proxy {
    listen: Listen,
}

impl Proxy {
    pub(super) fn new(listen: Listen) -> Result<Self, Failure> {
        terminal::check_output()?;
        Ok(Self { listen })
    }

    /// Refuses what can't be served, before signing in.
    pub(super) fn check(&self, target: &Target) -> Result<(), Failure> {
        let hosts = check(target)?;
        match &self.listen {
            Listen::Directory(directory) => {
                serving::check_directory(Path::new(directory), hosts[0].port)
            }
            Listen::Anywhere | Listen::Address(_) => Ok(()),
        }
    }

    /// Serves clients until the end.
    pub(super) fn hand_over(self, handover: &Handover<'_>) -> Result<i32, Failure> {
        if let Course::WithoutToken { why, .. } = &handover.course {
            return Err(Failure::sign_in(format!(
                "`--proxy` needs a server that requires an access token: {}",
                why.reason
            ))
            .hint("if the server requires one, add `--entra`"));
        }
        let service = Service {
            place: Place::Asked(self.listen),
            drain: handover.options.drain.unwrap_or(TIME_TO_DRAIN),
            end: End::OnSignal,
        };
        service.run(handover, |doors, role, database| {
            doors.iter().try_for_each(|door| {
                terminal::print(conninfo(door, role, database))?;
                advise(door, role);
                Ok(())
            })
        })
    }
}

/// Where to serve, and until when.
pub struct Service {
    pub place: Place,
    /// How long open connections may continue after the proxy is told to end.
    pub drain: Duration,
    pub end: End,
}

impl Service {
    /// Serves until the end. `ready` is called with the open doors, the role and the database.
    pub fn run(
        self,
        handover: &Handover<'_>,
        ready: impl FnOnce(&[Door], &OsStr, &OsStr) -> Result<(), Failure>,
    ) -> Result<i32, Failure> {
        let Course::WithToken {
            plan,
            settings,
            signed_in,
        } = &handover.course
        else {
            return Err(Failure::sign_in("no access token is due").hint("add `--entra`"));
        };
        let environment = handover.environment;
        signals::ignore_broken_pipes();
        let files = limits::raise_files();
        let variable = |name| {
            let mut variables = settings.variables();
            variables
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value)
        };
        let mode = variable("PGSSLMODE").and_then(OsStr::to_str);
        let server = settings::server(
            handover.target,
            mode.unwrap_or_default(),
            roots(handover, variable("PGSSLROOTCERT")).as_deref(),
        )?;
        let directory = PrivateDirectory::open().ok().flatten();
        #[cfg(unix)]
        if let Some(directory) = &directory {
            leftovers::remove(directory);
        }
        let signer = Signer::new(plan, environment, directory.as_ref())?.unattended();
        let (tokens, asked) = Tokens::new(Arc::clone(signed_in), signer.key());
        let tokens = Arc::new(tokens);
        // The connection holds the first token, which isn't kept longer than it is used.
        let database = handover.connection().database().map(OsStr::to_owned);
        let database = database.unwrap_or_default();
        let opening = Opening {
            place: self.place,
            environment,
            directory: directory.as_ref(),
            keeps: plan.keeps_token,
            host: &server.hosts[0].name.clone(),
            port: server.hosts[0].port,
        };
        let house = Arc::new(House {
            server,
            tokens: Arc::clone(&tokens),
            limits: limits::Limits::new(files),
            system_user: platform::user_name().unwrap_or_default(),
            database: database.as_encoded_bytes().to_vec(),
            is_verbose: plan.options.verbose,
            count: AtomicU64::new(1),
        });
        say(handover.options, || handover.report(settings.variables()));
        let unusable =
            |why| Failure::sign_in(format!("`--proxy` can't start: {why}")).hint(threads::REMEDY);
        let workers = Workers::start().map_err(unusable)?;
        let runtime = workers::runtime().map_err(unusable)?;
        let ready = |doors: &[Door]| ready(doors, &signed_in.role.name, &database);
        std::thread::scope(|scope| {
            let warn = |failure: &Failure| {
                terminal::warn(&format!(
                    "can't get the next access token: {}",
                    failure.cause()
                ));
            };
            let (tokens, signer) = (&tokens, &signer);
            scope.spawn(move || tokens.serve_from(asked, signer, warn));
            let serving = serving::serve(&opening, house, workers, self.end, self.drain, ready);
            let outcome = runtime.block_on(serving);
            runtime.shutdown_background();
            if !tokens.end()
                && let Ok(code) = outcome
            {
                // A fetch that is still running is ended, not waited for.
                drop(opening);
                ending_signals::end_groups();
                std::process::exit(code);
            }
            outcome
        })
    }
}

/// Returns the root file that psql would use: the added one, the one that the parameters name, or
/// the user's own.
fn roots(handover: &Handover<'_>, added: Option<&OsStr>) -> Option<OsString> {
    let named = handover.target.parameters().filled("sslrootcert");
    added
        .map(OsStr::to_owned)
        .or_else(|| named.map(platform::os_string))
        .or_else(|| files::own_roots(handover.environment).map(Into::into))
}

/// Returns the connection string with which a program connects.
fn conninfo(door: &Door, role: &OsStr, database: &OsStr) -> Vec<u8> {
    let port = door.port.to_string();
    let mut words = vec![
        ("host", door.host.as_os_str()),
        ("port", port.as_ref()),
        ("user", role),
        ("dbname", database),
    ];
    if let Some(password) = &door.password {
        // Only the connection to the server uses TLS.
        words.push(("sslmode", "disable".as_ref()));
        words.push(("passfile", password.path().as_os_str()));
    }
    let words = words.into_iter().map(|(name, value)| {
        let value = conninfo::escaped(value.as_encoded_bytes());
        [name.as_bytes(), b"=", &value].concat()
    });
    words.collect::<Vec<_>>().join(&b' ')
}

/// Explains at a terminal how programs without connection strings connect.
fn advise(door: &Door, role: &OsStr) {
    if !io::stderr().is_terminal() {
        return;
    }
    let (host, role) = (
        door.host.display(),
        plain_text::clean(&role.to_string_lossy()),
    );
    let port = door.port;
    terminal::say(
        &match door.password.as_deref().map(password::Password::path) {
            None => format!(
                "connect to host `{host}`, port {port}, as user `{role}`, without a password"
            ),
            Some(file) => format!(
                "connect to host `{host}`, port {port}, as user `{role}`, without TLS; the password is at the end of `{}`",
                Path::display(file)
            ),
        },
    );
}
