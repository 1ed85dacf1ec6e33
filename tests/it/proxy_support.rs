//! A running `--proxy`, and clients for it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sandbox::{Identity, Sandbox};

use crate::support::{PROGRAM, User, heeding_signals};

pub const HOST: &str = "mydb.postgres.database.azure.com";
pub const GROUP: &str = "Prod DB Readonly";
pub const ALICE: &str = "alice@contoso.example";

/// A proxy that is ready. Dropping it kills it.
pub struct Proxy {
    child: Child,
    /// The connection string that it printed.
    pub conninfo: String,
    said: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

/// Returns someone whose environment names the server.
pub fn person(identity: Identity) -> User {
    User::signed_in(identity).var("PGHOST", HOST)
}

impl Proxy {
    /// Starts the proxy with `user`'s arguments, and waits until it is ready.
    pub fn start(user: &User) -> Self {
        Self::start_with(user.command_of(PROGRAM))
    }

    /// Starts the proxy by another command, and waits until it is ready.
    pub fn start_with(command: Command) -> Self {
        let mut child = heeding_signals(command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let said = Arc::new(Mutex::new(String::new()));
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let heard = Arc::clone(&said);
        let reader = thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let mut said = heard.lock().expect("text");
                said.push_str(&line);
                said.push('\n');
            }
        });
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut conninfo = String::new();
        stdout.read_line(&mut conninfo).expect("a line");
        child.stdout = Some(stdout.into_inner());
        let proxy = Self {
            child,
            conninfo: conninfo.trim_end().to_owned(),
            said,
            reader: Some(reader),
        };
        assert!(!proxy.conninfo.is_empty(), "not ready: {}", proxy.said());
        proxy
    }

    /// Returns its standard error so far.
    pub fn said(&self) -> String {
        self.said.lock().expect("text").clone()
    }

    /// Waits until its standard error contains `text`.
    #[track_caller]
    pub fn says(&self, text: &str) {
        within(&format!("{text:?} to be said"), || {
            self.said().contains(text)
        });
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"))
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("it is there");
    }

    /// Returns a value of the connection string, which must not contain a space.
    pub fn value(&self, name: &str) -> &str {
        let words = self.conninfo.split(' ');
        let mut found = words.filter_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        found.next().expect("a value")
    }

    pub fn port(&self) -> u16 {
        self.value("port").parse().expect("a port")
    }

    /// Returns the socket's file.
    pub fn socket(&self) -> PathBuf {
        PathBuf::from(self.value("host")).join(format!(".s.PGSQL.{}", self.value("port")))
    }

    /// Returns psql with only the user's home, connected by the connection string and `more`.
    pub fn psql(&self, user: &User, more: &str) -> Command {
        let mut psql = Command::new(user.sandbox.postgres_bin_dir().join("psql"));
        psql.env_clear()
            .env("HOME", user.home.path())
            .env("LC_ALL", "C.UTF-8")
            .args(["-XAtw", "-d"])
            .arg(format!("{} {more}", self.conninfo));
        psql
    }

    /// Runs SQL in psql; returns its output and its standard error.
    pub fn ask(&self, user: &User, more: &str, sql: &str) -> (String, String) {
        let output = self.psql(user, more).args(["-c", sql]).output();
        let output = output.expect("psql runs");
        (
            String::from_utf8_lossy(&output.stdout)
                .trim_end()
                .to_owned(),
            String::from_utf8_lossy(&output.stderr)
                .trim_end()
                .to_owned(),
        )
    }

    /// Checks the role and the database of a new session.
    #[track_caller]
    pub fn is_signed_in(&self, user: &User, more: &str, role: &str, database: &str) {
        let who = "select current_user || '|' || current_database()";
        let asked = self.ask(user, more, who);
        assert_eq!(asked, (format!("{role}|{database}"), String::new()));
    }

    /// Waits for its end; returns its exit code, its output after the connection string, and its
    /// standard error.
    pub fn ended(mut self) -> (Option<i32>, String, String) {
        let mut rest = String::new();
        let mut stdout = self.child.stdout.take().expect("a pipe");
        stdout.read_to_string(&mut rest).expect("text");
        let code = self.child.wait().expect("its end").code();
        self.reader.take().expect("a thread").join().expect("lines");
        (code, rest, self.said())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `is_so` returns true. Fails after 30s.
#[track_caller]
pub fn within(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "waited for {what}"
        );
        thread::sleep(Duration::from_millis(5));
    }
}

/// psql that reads its commands from a pipe.
pub fn talking(proxy: &Proxy, user: &User) -> Child {
    let mut psql = heeding_signals(proxy.psql(user, ""));
    psql.stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    psql.spawn().expect("psql runs")
}

/// Has psql run some SQL, and returns its first line.
pub fn line(psql: &mut Child, sql: &str) -> String {
    let stdin = psql.stdin.as_mut().expect("a pipe");
    writeln!(stdin, "{sql}").expect("sent");
    let stdout = psql.stdout.as_mut().expect("a pipe");
    let mut line = Vec::new();
    let mut byte = [0];
    while stdout.read(&mut byte).expect("read") == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    String::from_utf8(line).expect("text")
}

/// Whether the server has a session with this process id.
pub fn is_at_server(pid: &str) -> bool {
    let sql = format!("select count(*) from pg_stat_activity where pid = {pid}");
    let rows = Sandbox::shared().superuser_sql(&sql).expect("rows");
    rows[0][0].as_deref() == Some("1")
}
