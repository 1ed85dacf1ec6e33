//! Client libraries through the proxy: connected by the socket and by the port, queries with
//! parameters, a cancel, errors, and connections that they make once the token has expired.
//!
//! They come from package registries, so `.ci/clients` installs them below `target` and runs these
//! tests. A library's program stands in `clients/`; it prints a line for each thing it did, waits
//! for a line, and prints what came of a new connection.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use sandbox::{Behaviour, Identity, TokenChanges};

use crate::proxy_support::{ALICE, HOST, Proxy, person};
use crate::support::{PROGRAM, User, tell};

/// Seconds for which the first token is good, in which all of them have connected.
const LIFETIME: u64 = 60;

const OTHER_ROLE: &str = "billing service";

/// What the server says of it to Alice.
const REFUSED: &str = "user token for role[billing service] is neither an AAD_AUTH_TOKENTYPE_APP nor an AAD_AUTH_TOKENTYPE_APP_USER token";

/// A library, and what is its own in what its program prints.
#[derive(Clone, Copy)]
struct Client {
    name: &'static str,
    program: &'static str,
    /// What its cancelled query ends with, where it can cancel one.
    cancelled: Option<&'static str>,
    has_parameters: bool,
    uses_sockets: bool,
    takes_uris: bool,
}

const CANCELLED: Option<&str> = Some("57014");

const fn client(name: &'static str, program: &'static str) -> Client {
    Client {
        name,
        program,
        cancelled: CANCELLED,
        has_parameters: true,
        uses_sockets: true,
        takes_uris: true,
    }
}

const CLIENTS: [Client; 8] = [
    client("psycopg 2", "psycopg2_client.py"),
    client("psycopg 3", "psycopg3_client.py"),
    Client {
        cancelled: Some("TimeoutError"),
        ..client("asyncpg", "asyncpg_client.py")
    },
    Client {
        cancelled: None,
        ..client("pg8000", "pg8000_client.py")
    },
    Client {
        cancelled: None,
        has_parameters: false,
        ..client("pgcli", "pgcli_client.sh")
    },
    client("node-postgres", "node_postgres.cjs"),
    client("postgres.js", "postgres_js.cjs"),
    Client {
        uses_sockets: false,
        takes_uris: false,
        ..client("pgJDBC", "Jdbc.java")
    },
];

/// Where `.ci/clients` has installed them.
pub fn place() -> PathBuf {
    let place = env::var_os("ENTRA_PSQL_CLIENTS");
    PathBuf::from(place.expect("`.ci/clients` sets ENTRA_PSQL_CLIENTS"))
}

/// Those that could be installed.
fn clients() -> impl Iterator<Item = Client> {
    let is_there = |client: &Client| {
        let needed = match Path::new(client.program)
            .extension()
            .and_then(|kind| kind.to_str())
        {
            Some("cjs") => "npm",
            Some("java") => "java",
            _ => "python",
        };
        place().join(needed).exists()
    };
    CLIENTS.into_iter().filter(is_there)
}

impl Client {
    /// The words with which its program is run.
    fn words(self) -> Vec<PathBuf> {
        let place = place();
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients");
        let program = here.join(self.program);
        let kind = program.extension().and_then(|kind| kind.to_str());
        let mut words = match kind {
            Some("py") => vec![place.join("python/bin/python")],
            Some("cjs") => vec!["node".into()],
            Some("java") => vec!["java".into(), "-cp".into(), place.join("java/*")],
            _ => vec!["sh".into()],
        };
        words.push(program.clone());
        if kind == Some("sh") {
            words.push(place.join("python/bin/pgcli"));
        }
        words
    }

    /// What its program is to print before it waits, and after.
    fn prints(self) -> (String, String) {
        let mut before = format!("who: {ALICE}|app\n");
        if self.has_parameters {
            before.push_str("parameters: 42 é\n");
        }
        if let Some(cancelled) = self.cancelled {
            let _ = writeln!(before, "cancelled: {cancelled}");
        }
        before.push_str(if self.has_parameters {
            "error: 42P01\n"
        } else {
            "error: relation \"missing\" does not exist\n"
        });
        let _ = writeln!(before, "refused: {REFUSED}");
        let still = if self.has_parameters {
            format!("still: {ALICE}|app\n")
        } else {
            String::new()
        };
        (before, format!("{still}again: {ALICE}|app\n"))
    }
}

/// The environment that programs run in, with nothing in it about a connection.
fn surrounded<'a>(command: &'a mut Command, home: &Path) -> &'a mut Command {
    let path = env::var_os("PATH").unwrap_or_default();
    command
        .env_clear()
        .env("PATH", path)
        .env("HOME", home)
        .env("LC_ALL", "C.UTF-8")
        .env("NODE_PATH", place().join("npm/node_modules"))
        .env(
            "JAVA_TOOL_OPTIONS",
            "-Dstdout.encoding=UTF-8 -Dfile.encoding=UTF-8",
        )
        .env("OTHER_ROLE", OTHER_ROLE)
}

/// A client's program at work.
struct Running {
    client: Client,
    door: &'static str,
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    fn start(client: Client, door: &'static str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|why| panic!("{}: {why}", client.name));
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        Self {
            client,
            door,
            child,
            stdout,
        }
    }

    /// What it prints before it waits.
    fn before(&mut self) -> String {
        let mut text = String::new();
        loop {
            let start = text.len();
            let read = self.stdout.read_line(&mut text).expect("text");
            if read == 0 {
                return text;
            }
            if &text[start..] == "ready\n" {
                text.truncate(start);
                return text;
            }
        }
    }

    /// What it prints once it goes on, and what went wrong.
    fn after(mut self) -> (String, String) {
        // One that has failed doesn't read it.
        let _ = self.child.stdin.take().expect("a pipe").write_all(b"\n");
        let (mut text, mut said) = (String::new(), String::new());
        self.stdout.read_to_string(&mut text).expect("text");
        let mut stderr = self.child.stderr.take().expect("a pipe");
        stderr.read_to_string(&mut said).expect("text");
        self.child.wait().expect("its end");
        let said = said.lines().filter(|line| !line.starts_with("Picked up "));
        (text, said.collect::<Vec<_>>().join("\n"))
    }
}

/// Lets all of them go on after the first token's end, once `renew` has seen to others, and holds what they print against what they
/// are to print.
fn check(mut running: Vec<Running>, expiry: SystemTime, renew: impl FnOnce()) {
    let befores: Vec<String> = running.iter_mut().map(Running::before).collect();
    if let Ok(left) = expiry.duration_since(SystemTime::now()) {
        thread::sleep(left + Duration::from_secs(1));
    }
    renew();
    let mut wrong = String::new();
    for (running, before) in running.into_iter().zip(befores) {
        let (client, door) = (running.client, running.door);
        let printed = (before, running.after());
        let (expected_before, expected_after) = client.prints();
        let expected = (expected_before, (expected_after, String::new()));
        let cancel = client.cancelled.map_or("has none", |_| "cancelled");
        let outcome = if printed == expected {
            format!("connected, refused, {cancel}, and connected after expiry")
        } else {
            let _ = writeln!(wrong, "{} by {door}: {printed:#?}", client.name);
            "FAILED".to_owned()
        };
        tell(&format!("{:14} {door:8} {outcome}", client.name));
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Gives out tokens that all end at the time that is returned.
fn short_lived(user: &User) -> SystemTime {
    let lifetime = i64::try_from(LIFETIME).expect("a small number");
    let tokens = TokenChanges::none().expires_in(lifetime);
    user.entra.behave(Behaviour::tokens(tokens));
    SystemTime::now() + Duration::from_secs(LIFETIME)
}

#[test]
#[ignore = "`.ci/clients` installs what it needs"]
fn libraries_connect_through_the_proxy_before_and_after_expiry() {
    let user = person(Identity::Alice).args(["-d", "app"]);
    let by_socket = user.args(["--proxy"]);
    let expiry = short_lived(&by_socket);
    let socket = Proxy::start(&by_socket);
    let by_port = person(Identity::Alice).args(["-d", "app", "--proxy=0"]);
    by_port.entra.behave(Behaviour::default());
    let later_expiry = short_lived(&by_port);
    let port = Proxy::start(&by_port);
    let passfile = fs::read_to_string(port.value("passfile")).expect("a password file");
    let password = passfile.trim_end().rsplit(':').next().expect("a password");

    let mut running = Vec::new();
    for client in clients() {
        for (door, proxy) in [("socket", &socket), ("port", &port)] {
            if door == "socket" && !client.uses_sockets {
                continue;
            }
            let words = client.words();
            let mut command = Command::new(&words[0]);
            surrounded(&mut command, by_socket.home.path())
                .args(&words[1..])
                .env("PGHOST", proxy.value("host"))
                .env("PGPORT", proxy.value("port"))
                .env("PGUSER", ALICE)
                .env("PGDATABASE", "app");
            if door == "port" {
                command.env("PGPASSWORD", password);
            }
            running.push(Running::start(client, door, &mut command));
        }
    }
    check(running, expiry.max(later_expiry), || {
        by_socket.entra.behave(Behaviour::default());
        by_port.entra.behave(Behaviour::default());
    });
    for (user, proxy) in [(&by_socket, &socket), (&by_port, &port)] {
        assert!(user.az_calls().len() > 1, "no other token was had");
        let said = proxy.said();
        let refused = format!("entra-psql: `{HOST}` refused a connection");
        assert!(said.lines().all(|line| line == refused), "{said}");
    }
}

/// Libraries that take a URI as `--url` gives it for a socket.
const URI_OF_A_SOCKET: [&str; 5] = [
    "psycopg 2",
    "psycopg 3",
    "asyncpg",
    "pgcli",
    "node-postgres",
];

#[test]
#[ignore = "`.ci/clients` installs what it needs"]
fn libraries_connect_by_renew_with_a_uri_or_variables() {
    let mut running = Vec::new();
    let mut users = Vec::new();
    let mut expiry = SystemTime::now();
    for client in clients() {
        let ways = [
            ("variables", &["--renew=tcp"][..], !client.takes_uris),
            ("port URI", &["--renew=tcp", "--url"], client.takes_uris),
            (
                "socket URI",
                &["--renew", "--url"],
                URI_OF_A_SOCKET.contains(&client.name),
            ),
        ];
        for (door, words, _) in ways.into_iter().filter(|(_, _, fits)| *fits) {
            let user = person(Identity::Alice).args(["-d", "app"]).args(words);
            let user = user.args(["--exec"]).args(client.words());
            expiry = short_lived(&user);
            let mut command = user.command_of(PROGRAM);
            let path = env::var_os("PATH").unwrap_or_default();
            let own = env::join_paths(
                [user.home.path().join("bin")]
                    .into_iter()
                    .chain(env::split_paths(&path)),
            );
            command
                .env("PATH", own.expect("a path"))
                .env("NODE_PATH", place().join("npm/node_modules"))
                .env(
                    "JAVA_TOOL_OPTIONS",
                    "-Dstdout.encoding=UTF-8 -Dfile.encoding=UTF-8",
                )
                .env("OTHER_ROLE", OTHER_ROLE);
            running.push(Running::start(client, door, &mut command));
            users.push(user);
        }
    }
    check(running, expiry, || {
        for user in &users {
            user.entra.behave(Behaviour::default());
        }
    });
}
