//! Opens the doors, lets clients in, and ends when it is told to.

use std::future::ready;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::cli::Listen;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::system::private_directory::PrivateDirectory;

use super::connection::{self, House};
use super::door::{self, Client, Detached, Door};
use super::ending::End;
use super::limits;
use super::password::Password;
use super::service_manager;
use super::workers::Workers;

/// How long to wait before the next client if no file is left for one.
const PAUSE: Duration = Duration::from_millis(100);

/// Which doors to open.
pub struct Opening<'a> {
    pub place: Place,
    pub environment: &'a Environment,
    /// A directory of this user's only, which lasts as long as the login session.
    pub directory: Option<&'a PrivateDirectory>,
    /// Whether the password is kept for later runs.
    pub keeps: bool,
    /// The server's name and port, which name the socket.
    pub host: &'a str,
    pub port: u16,
}

/// Where to listen.
pub enum Place {
    /// Where the user asked for.
    Asked(Listen),
    /// At the first free one of these addresses, with a password of this run for this host name.
    FirstFree(Vec<SocketAddr>, String),
    /// At a socket in a directory of this run, which is removed with this.
    #[cfg(unix)]
    InOwn(super::OwnDirectory),
}

/// Never sent: a connection that ends drops its half of the channel.
enum Never {}

/// Serves clients until the end. `ready` is called once they can connect. Connections that are open
/// at the end may continue for at most `drain`. Returns the exit code.
pub async fn serve(
    opening: &Opening<'_>,
    house: Arc<House>,
    workers: Workers,
    end: End,
    drain: Duration,
    ready: impl FnOnce(&[Door]) -> Result<(), Failure>,
) -> Result<i32, Failure> {
    let is_service = matches!(end, End::OnSignal);
    let mut ending = end.watch().map_err(|why| {
        Failure::sign_in(format!("can't watch for signals: {why}")).hint("try again")
    })?;
    let doors = opening.doors().await?;
    ready(&doors)?;
    // The manager didn't start the helper.
    let notify = |state| {
        if is_service {
            service_manager::notify(opening.environment, state);
        }
    };
    notify(service_manager::READY);
    let (alive, mut all_ended) = mpsc::channel::<Never>(1);
    let (end, _) = watch::channel(false);
    let passwords: Vec<_> = doors
        .iter()
        .filter_map(|door| door.password.clone())
        .collect();
    let workers = Arc::new(workers);
    let mut admitting = JoinSet::new();
    for door in doors {
        admitting.spawn(admit(
            door,
            Arc::clone(&house),
            Arc::clone(&workers),
            end.subscribe(),
            alive.clone(),
        ));
    }
    drop(alive);
    ending.wait().await;
    notify(service_manager::STOPPING);
    // The tasks that let clients in close their doors.
    let _ = end.send(true);
    while admitting.join_next().await.is_some() {}
    house.limits.dismiss_silent();
    tokio::select! {
        _ = timeout(drain, all_ended.recv()) => {}
        () = ending.wait() => {}
    }
    for password in passwords {
        password.forget();
    }
    ending.outcome()
}

/// Lets clients in through one door.
async fn admit(
    door: Door,
    house: Arc<House>,
    workers: Arc<Workers>,
    mut end: watch::Receiver<bool>,
    alive: mpsc::Sender<Never>,
) {
    let mut reserve = Reserve::new();
    loop {
        let accepted = tokio::select! {
            accepted = door.accept() => accepted,
            _ = end.wait_for(|is_due| *is_due) => return,
        };
        match accepted {
            Ok(client) => {
                let (house, alive) = (Arc::clone(&house), alive.clone());
                let password = door.password.clone();
                let client = client.detach();
                workers.spawn(async move {
                    if let Ok(client) = client.and_then(Detached::attach) {
                        welcome(client, &house, password.as_deref()).await;
                    }
                    drop(alive);
                });
            }
            // The client has left already.
            Err(why) if why.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(why) => {
                if reserve.turn_away(&door).await {
                    connection::log(&format!("can't accept a client: {why}"));
                }
                sleep(PAUSE).await;
            }
        }
    }
}

async fn welcome(client: Client, house: &House, password: Option<&Password>) {
    let waiting = house.limits.admit();
    match client {
        #[cfg(unix)]
        Client::Unix(mut stream) => {
            if super::socket::is_ours(&stream) {
                connection::serve(stream, house, waiting, None).await;
            } else {
                let failure = Failure::sign_in("only programs of this socket's owner may connect")
                    .hint("start a proxy of your own");
                let refused = super::refused::Refused::sign_in(failure);
                connection::refuse(&mut stream, &refused).await;
            }
        }
        Client::Tcp(stream) => {
            house.server.liveness.apply(&stream);
            let verifier = password.map(Password::verifier);
            connection::serve(stream, house, waiting, verifier).await;
        }
    }
}

/// An open file that is closed if no other is left, so a client can still be told.
struct Reserve(Option<std::fs::File>);

impl Reserve {
    fn new() -> Self {
        Self(limits::open_nothing().ok())
    }

    /// Returns whether a client was there: without a file for one, the system fails before it looks.
    async fn turn_away(&mut self, door: &Door) -> bool {
        drop(self.0.take());
        // Not for long: a connection may take the file.
        let accepted = tokio::select! {
            biased;
            accepted = door.accept() => Some(accepted),
            () = ready(()) => None,
        };
        let is_client_there = accepted.is_some();
        if let Some(Ok(client)) = accepted {
            let refused = super::refused::Refused::no_files("accept another client");
            client.say_at_once(&super::messages::error(&refused));
        }
        *self = Self::new();
        is_client_there
    }
}

/// Refuses a directory that can't hold a socket.
#[cfg(unix)]
pub fn check_directory(directory: &Path, port: u16) -> Result<(), Failure> {
    super::socket::check(directory, port)
}

/// Refuses every directory: there are no Unix sockets on Windows.
#[cfg(windows)]
pub fn check_directory(_directory: &Path, _port: u16) -> Result<(), Failure> {
    Err(no_sockets())
}

#[cfg(windows)]
fn no_sockets() -> Failure {
    Failure::usage("`--proxy` doesn't support Unix sockets on Windows")
        .hint("name a port: `--proxy=PORT`")
}

impl Opening<'_> {
    async fn doors(&self) -> Result<Vec<Door>, Failure> {
        let inherited = self.inherited()?;
        if !inherited.is_empty() {
            return Ok(inherited);
        }
        let listen = match &self.place {
            Place::Asked(listen) => listen,
            Place::FirstFree(addresses, name) => {
                return Ok(vec![self.first_free(addresses, name).await?]);
            }
            #[cfg(unix)]
            Place::InOwn(directory) => {
                let door = self.socket(directory.path())?;
                directory.lock().map_err(|why| unusable(&why))?;
                return Ok(vec![door]);
            }
        };
        let door = match listen {
            Listen::Address(address) => self.tcp(*address).await?,
            Listen::Directory(directory) => self.socket(Path::new(directory))?,
            Listen::Anywhere if cfg!(windows) => {
                self.tcp(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0))
                    .await?
            }
            Listen::Anywhere => {
                let directory = self.directory.ok_or_else(|| {
                    Failure::sign_in("no private directory is available for the socket")
                        .hint("name one with `--proxy=DIRECTORY`, or set `XDG_RUNTIME_DIR`")
                })?;
                self.socket(&directory.path_of(self.host))?
            }
        };
        Ok(vec![door])
    }

    async fn first_free(&self, addresses: &[SocketAddr], name: &str) -> Result<Door, Failure> {
        let mut last = None;
        for address in addresses {
            match door::listen(*address).await {
                Ok(listener) => {
                    let password = Password::of_this_run(self.directory, name)?;
                    return Door::tcp(listener, password).map_err(|why| unusable(&why));
                }
                Err(failure) => last = Some(failure),
            }
        }
        Err(last.unwrap_or_else(|| {
            Failure::sign_in("there is no address to listen on").hint("try again")
        }))
    }

    async fn tcp(&self, address: SocketAddr) -> Result<Door, Failure> {
        let listener = door::listen(address).await?;
        self.with_password(listener)
    }

    fn with_password(&self, listener: tokio::net::TcpListener) -> Result<Door, Failure> {
        let address = listener.local_addr().map_err(|why| unusable(&why))?;
        let address = address.ip().to_string();
        let state = if self.keeps {
            PrivateDirectory::open_state().map_err(|exposed| {
                Failure::sign_in(format!("the local password can't be kept: {}", exposed.0))
                    .hint("correct that directory, or set `ENTRA_PSQL_CACHE=off`")
            })?
        } else {
            None
        };
        let password = match &state {
            Some(directory) => Password::kept(directory, &address)?,
            None => Password::of_this_run(self.directory, &address)?,
        };
        Door::tcp(listener, password).map_err(|why| unusable(&why))
    }

    #[cfg(unix)]
    fn socket(&self, directory: &Path) -> Result<Door, Failure> {
        use super::socket::Socket;

        Ok(Door {
            listener: door::Listener::Unix(Socket::open(directory, self.port)?),
            host: std::path::absolute(directory)
                .unwrap_or_else(|_| directory.to_owned())
                .into_os_string(),
            port: self.port,
            password: None,
        })
    }

    #[cfg(windows)]
    fn socket(&self, directory: &Path) -> Result<Door, Failure> {
        check_directory(directory, self.port)?;
        Err(no_sockets())
    }

    /// Returns the doors that the service manager has opened.
    #[cfg(unix)]
    fn inherited(&self) -> Result<Vec<Door>, Failure> {
        let sockets = service_manager::sockets(self.environment);
        sockets
            .into_iter()
            .map(|socket| self.door_of(socket))
            .collect()
    }

    /// Returns no doors: Windows has no such service manager.
    #[cfg(windows)]
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "one signature on every system"
    )]
    fn inherited(&self) -> Result<Vec<Door>, Failure> {
        Ok(Vec::new())
    }

    #[cfg(unix)]
    fn door_of(&self, socket: std::os::fd::OwnedFd) -> Result<Door, Failure> {
        use std::net::TcpListener;
        use std::os::unix::net::UnixListener;

        let wrong = |what: &str| {
            Failure::usage(format!("the socket from systemd can't be used: {what}"))
                .hint("correct `ListenStream=` in the socket unit: a loopback address with a port, or a path that ends in `/.s.PGSQL.PORT`")
        };
        let unusable = |why: io::Error| wrong(&why.to_string());
        let address = socket2::SockRef::from(&socket).local_addr();
        if let Some(address) = address.map_err(unusable)?.as_socket() {
            if !address.ip().to_canonical().is_loopback() {
                return Err(wrong(&format!(
                    "`{}` isn't a loopback address",
                    address.ip()
                )));
            }
            let listener = TcpListener::from(socket);
            listener.set_nonblocking(true).map_err(unusable)?;
            let listener = tokio::net::TcpListener::from_std(listener).map_err(unusable)?;
            return self.with_password(listener);
        }
        let listener = UnixListener::from(socket);
        let address = listener.local_addr().map_err(unusable)?;
        let place = address.as_pathname().and_then(super::socket::place);
        let (host, port) = place.ok_or_else(|| wrong("libpq can't find its path"))?;
        listener.set_nonblocking(true).map_err(unusable)?;
        let listener = tokio::net::UnixListener::from_std(listener).map_err(unusable)?;
        Ok(Door {
            listener: door::Listener::Unix(super::socket::Socket::inherited(listener)),
            host,
            port,
            password: None,
        })
    }
}

fn unusable(why: &io::Error) -> Failure {
    Failure::sign_in(format!("the place for connections can't be used: {why}"))
        .hint("name another port or directory with `--proxy`")
}
