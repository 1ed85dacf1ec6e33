//! One connection, from its first byte to its last.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use crate::failure::Failure;
use crate::plain_text;
use crate::sign_in::signer::SignedIn;
use crate::system::terminal;

use super::client::{self, Unheard, Wish};
use super::limits::{Limits, Waiting};
use super::messages;
use super::opening::Startup;
use super::refused::Refused;
use super::scram::Verifier;
use super::server::{Server, Stream};
use super::session::{self, Begun};
use super::splice::{self, ClientStream};
use super::tokens::Tokens;

/// How long a client may take to ask for something.
const TIME_TO_SPEAK: Duration = Duration::from_secs(60);

/// What all connections of a proxy share.
pub struct House {
    pub server: Server,
    pub tokens: Arc<Tokens>,
    pub limits: Arc<Limits>,
    /// This account's name in the operating system, libpq's default user and database.
    pub system_user: Vec<u8>,
    /// The database for clients that don't name one.
    pub database: Vec<u8>,
    pub is_verbose: bool,
    pub count: AtomicU64,
}

/// Serves one client. A client on TCP must prove that it knows the password.
pub async fn serve<C: ClientStream>(
    mut client: C,
    house: &House,
    waiting: Waiting,
    password: Option<&Verifier>,
) {
    let Some(wish) = heard(&mut client, waiting, password).await else {
        return;
    };
    match wish {
        Wish::Cancel(request) => {
            // The client that sent it expects no answer, only the end of the connection.
            if let Err(refused) = house.server.cancel(&request, client).await {
                log(&format!(
                    "a query could not be cancelled: {}",
                    refused.failure.cause()
                ));
            }
        }
        Wish::Session(startup) => match house.open(startup).await {
            Ok(mut session) => session.pass_on(&mut client, house).await,
            Err(Ended::Refused(refused)) => refuse(&mut client, &refused).await,
            Err(Ended::ByServer(bytes)) => say_last(&mut client, &bytes).await,
        },
    }
}

/// Sends a client the reason why it is refused, and writes it to standard error.
pub async fn refuse<C: ClientStream>(client: &mut C, refused: &Refused) {
    log(&format!("refused: {}", refused.failure.cause()));
    say_last(client, &messages::error(refused)).await;
}

async fn say_last<C: ClientStream>(client: &mut C, bytes: &[u8]) {
    // If the client is gone, there is nobody to tell.
    let said = async {
        client.write_all(bytes).await?;
        client.shutdown().await
    };
    if let Ok(Ok(())) = timeout(TIME_TO_SPEAK, said).await {
        splice::drain(client).await;
    }
}

/// Returns what a client asks for; `None` if it leaves or is refused first.
async fn heard<C: ClientStream>(
    client: &mut C,
    mut waiting: Waiting,
    password: Option<&Verifier>,
) -> Option<Wish> {
    let refused = tokio::select! {
        heard = timeout(TIME_TO_SPEAK, client::hear(client, password)) => match heard {
            Ok(Ok(wish)) => return Some(wish),
            Ok(Err(Unheard::Left)) => return None,
            Ok(Err(Unheard::Refused(refused))) => refused,
            Err(_) => Refused::protocol(format!(
                "a client sent nothing for {}s",
                TIME_TO_SPEAK.as_secs()
            )),
        },
        _ = &mut waiting.told_to_leave => {
            let failure = Failure::sign_in("too many clients are connected without sending anything")
                .hint("stop programs that open connections and don't use them");
            Refused::limit(failure)
        }
    };
    drop(waiting);
    refuse(client, &refused).await;
    None
}

/// An open session.
struct Session {
    server: Stream,
    for_client: Vec<u8>,
    number: u64,
    began: Instant,
    _counted: super::limits::Session,
}

enum Ended {
    Refused(Refused),
    /// The server refused, with this error message.
    ByServer(Vec<u8>),
}

impl From<Refused> for Ended {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl House {
    /// Opens the session that a client asks for.
    async fn open(&self, startup: Startup) -> Result<Session, Ended> {
        let counted = self.limits.begin()?;
        let signed_in = self.tokens.current().await.map_err(Refused::sign_in)?;
        let startup = self.assume_role(startup, &signed_in);
        let mut hosts = self.server.hosts.iter().peekable();
        let mut outcome = None;
        while let Some(host) = hosts.next() {
            let (mut server, address) = match self.server.connect(host).await {
                Ok(connected) => connected,
                Err(refused) if hosts.peek().is_some() => {
                    outcome = Some(Ended::Refused(refused));
                    continue;
                }
                Err(refused) => return Err(refused.into()),
            };
            let begun = timeout(
                self.server.patience,
                session::begin(&mut server, &startup, &signed_in.token),
            );
            let begun = begun.await.unwrap_or_else(|_| {
                let failure =
                    Failure::sign_in(format!("`{}` at {address} stopped answering", host.name))
                        .hint("try again, or run `entra-psql --doctor`");
                Err(Refused::no_connection(failure))
            })?;
            match begun {
                Begun::Session(for_client) => {
                    let number = self.count.fetch_add(1, Ordering::Relaxed);
                    if self.is_verbose {
                        let shown = |name| text(startup.value(name).unwrap_or_default());
                        log(&format!(
                            "connection {number}: `{}` to `{}` at `{}` ({address})",
                            shown(b"user"),
                            shown(b"database"),
                            host.name,
                        ));
                    }
                    return Ok(Session {
                        server,
                        for_client,
                        number,
                        began: Instant::now(),
                        _counted: counted,
                    });
                }
                Begun::Refused { bytes, is_only_now } => {
                    log(&format!("`{}` refused a connection", host.name));
                    outcome = Some(Ended::ByServer(bytes));
                    if !is_only_now {
                        break;
                    }
                }
            }
        }
        Err(outcome.unwrap_or_else(|| {
            Ended::Refused(Refused::no_connection(
                Failure::sign_in("no host is named").hint("name one with `-h`"),
            ))
        }))
    }

    /// If the client's user is the account's name, replaces it with the role that was worked out. A
    /// missing database, or one with the account's name, becomes the connection's.
    fn assume_role(&self, startup: Startup, signed_in: &SignedIn) -> Startup {
        let is_default = |value: Option<&[u8]>| value == Some(&self.system_user);
        if !is_default(startup.value(b"user")) {
            return startup;
        }
        let database = startup.value(b"database");
        let database = match database.filter(|_| !is_default(database)) {
            Some(database) => database.to_vec(),
            None => self.database.clone(),
        };
        let role = signed_in.role.name.as_encoded_bytes();
        startup.replace_values(&[(b"user", role), (b"database", &database)])
    }
}

impl Session {
    async fn pass_on<C: ClientStream>(&mut self, client: &mut C, house: &House) {
        let for_client = std::mem::take(&mut self.for_client);
        splice::splice(client, &mut self.server, for_client).await;
        if house.is_verbose {
            let lasted = self.began.elapsed().as_secs();
            log(&format!(
                "connection {}: ended after {lasted}s",
                self.number
            ));
        }
    }
}

/// Writes a line about a connection to standard error.
pub fn log(line: &str) {
    terminal::say(line);
}

fn text(bytes: &[u8]) -> String {
    plain_text::clean(&String::from_utf8_lossy(bytes))
}
