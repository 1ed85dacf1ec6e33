//! The real psql and libpq, asked what they make of a case; `spy.c` listens.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use super::case::Prepared;
use super::psql;

/// What psql did.
pub struct Answer {
    /// The words that psql got, its own name among them.
    pub words: Vec<Vec<u8>>,
    /// The variables that psql got.
    pub variables: Vec<Vec<u8>>,
    pub exit_code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// Where psql connects, what libpq made of it.
    pub connection: Option<Connection>,
}

impl Answer {
    /// The variables that psql got, without those that make the spy listen.
    pub fn environment(&self) -> impl Iterator<Item = (OsString, OsString)> {
        let pairs = self.variables.iter().filter_map(|pair| {
            let equals = pair.iter().position(|&b| b == b'=')?;
            Some((&pair[..equals], &pair[equals + 1..]))
        });
        pairs
            .filter(|(name, _)| ![&b"LD_PRELOAD"[..], b"ENTRA_PSQL_SPY"].contains(name))
            .map(|(name, value)| (owned(name), owned(value)))
    }
}

fn owned(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

/// What psql asked libpq for, and what libpq made of that.
#[derive(Default)]
pub struct Connection {
    /// libpq's version, as in 150018.
    pub version: u32,
    /// What psql gave, by parameter.
    pub given: HashMap<String, Vec<u8>>,
    /// Whether libpq accepted the parameters.
    pub settled: bool,
    /// libpq's complaint, which is there in any case: no connection is let through.
    pub message: String,
    /// The parameters that libpq knows, and the variable of each.
    pub known: HashMap<String, String>,
    /// The defaults that libpq was built with.
    pub compiled: HashMap<String, Vec<u8>>,
    /// The parameters as libpq resolved them.
    pub resolved: HashMap<String, Vec<u8>>,
    /// The hosts and sockets that libpq tried, in order.
    pub attempts: Vec<Attempt>,
    /// For each host, the password that libpq would send.
    pub passwords: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attempt {
    /// A name or address was to be looked up, with this port.
    Host { node: Vec<u8>, port: String },
    /// The socket with this path was opened.
    Socket(Vec<u8>),
}

impl fmt::Debug for Attempt {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { node, port } => write!(to, "{} port {port}", node.escape_ascii()),
            Self::Socket(path) => write!(to, "socket {}", path.escape_ascii()),
        }
    }
}

/// psql with the spy in it.
pub struct Oracle {
    pub psql: PathBuf,
    spy: PathBuf,
    /// The directory that psql looks for a server's socket in where no host is named.
    pub socket_directory: Vec<u8>,
    /// What psql says without any word or variable.
    pub plain: Connection,
}

impl Oracle {
    /// The one oracle of this test run.
    pub fn get() -> &'static Self {
        static ORACLE: OnceLock<Oracle> = OnceLock::new();
        ORACLE.get_or_init(Self::start)
    }

    fn start() -> Self {
        let mut oracle = Self {
            psql: psql::find(),
            spy: compile_spy(),
            socket_directory: Vec::new(),
            plain: Connection::default(),
        };
        let plain = oracle.connection_of(&["-X"]);
        match plain.attempts.as_slice() {
            [Attempt::Socket(path)] => {
                let name = path.iter().rposition(|&b| b == b'/').unwrap_or(0);
                path[..name].clone_into(&mut oracle.socket_directory);
            }
            other => panic!("psql without a host should open one socket, and did {other:?}"),
        }
        // Whether the spy tells refused parameters from failed connections hangs on libpq's inner
        // ways.
        assert!(plain.settled, "{}", plain.message);
        let wrong_port = oracle.connection_of(&["-p", "x"]);
        assert!(wrong_port.settled, "{}", wrong_port.message);
        let refused = oracle.connection_of(&["sslmode=x"]);
        assert!(!refused.settled, "{}", refused.message);
        oracle.plain = plain;
        oracle
    }

    fn connection_of(&self, words: &[&str]) -> Connection {
        let directory = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir(directory.path().join("work")).expect("a temporary directory");
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let prepared = Prepared {
            words: words.clone(),
            psql_words: words,
            variables: vec![("HOME".into(), directory.path().into())],
        };
        let answer = self.ask(&prepared, directory.path());
        let Some(connection) = answer.connection else {
            panic!(
                "`{}` did not connect where it should, so that it cannot judge: {}",
                self.psql.display(),
                answer.stdout.escape_ascii()
            );
        };
        connection
    }

    /// What psql makes of its own words of a case.
    pub fn ask(&self, case: &Prepared, directory: &Path) -> Answer {
        self.listen(&self.psql, &case.psql_words, &case.variables, directory)
    }

    /// What psql does where `program` leads to it.
    pub fn listen(
        &self,
        program: &Path,
        words: &[OsString],
        variables: &[(OsString, OsString)],
        directory: &Path,
    ) -> Answer {
        let heard = self.try_to_listen(program, words, variables, directory);
        heard.unwrap_or_else(|output| {
            panic!("`{}` left no report: {}", program.display(), said(&output))
        })
    }

    /// What psql does where `program` leads to it, or how `program` ended where it does not.
    pub fn try_to_listen(
        &self,
        program: &Path,
        words: &[OsString],
        variables: &[(OsString, OsString)],
        directory: &Path,
    ) -> Result<Answer, Output> {
        let report = directory.join("report");
        // Of an earlier run.
        let _ = std::fs::remove_file(&report);
        let output = Command::new(program)
            .args(words)
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .env("LC_ALL", "C")
            .env("LD_PRELOAD", &self.spy)
            .env("ENTRA_PSQL_SPY", &report)
            .current_dir(directory.join("work"))
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|why| panic!("`{}` cannot be run: {why}", program.display()));
        match std::fs::read(&report) {
            Ok(records) => Ok(read_report(&records, output)),
            Err(_) => Err(output),
        }
    }
}

/// Compiles the spy into cargo's directory for tests: what is held for a whole run would not be
/// removed after it.
fn compile_spy() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let directory = tempfile::tempdir_in(place).expect("a temporary directory");
    let fresh = directory.path().join("spy.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judge/spy.c");
    let output = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
        .args([&fresh, &source])
        .arg("-ldl")
        .output()
        .unwrap_or_else(|why| panic!("the judge needs a C compiler called `cc`: {why}"));
    assert!(
        output.status.success(),
        "`cc` cannot compile the spy: {}",
        said(&output)
    );
    // At once, for another run may be using the one that is there.
    let spy = place.join("judge-spy.so");
    std::fs::rename(&fresh, &spy).expect("a place for the spy");
    spy
}

fn said(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Reads the spy's records: `name NUL value NUL`.
fn read_report(records: &[u8], output: Output) -> Answer {
    let mut answer = Answer {
        words: Vec::new(),
        variables: Vec::new(),
        exit_code: output.status.code(),
        stdout: output.stdout,
        stderr: output.stderr,
        connection: None,
    };
    let mut connection = Connection::default();
    let mut connects = false;
    let mut strings = records.split(|&b| b == 0);
    while let (Some(name), Some(value)) = (strings.next(), strings.next()) {
        let name = String::from_utf8_lossy(name).into_owned();
        let text = || String::from_utf8_lossy(value).into_owned();
        let value = value.to_vec();
        match name.split_once(':').unwrap_or((&name, "")) {
            // Another psql: one before it was only asked for its version.
            ("word", _) if !answer.variables.is_empty() => {
                answer.words = vec![value];
                answer.variables.clear();
                (connects, connection) = (false, Connection::default());
            }
            ("word", _) => answer.words.push(value),
            ("variable", _) => answer.variables.push(value),
            ("libpq", _) => {
                connects = true;
                connection.version = text().parse().expect("libpq's version");
            }
            ("given", name) => drop(connection.given.insert(name.to_owned(), value)),
            ("message", _) => connection.message = text(),
            ("settled", _) => connection.settled = value == b"yes",
            ("known", name) => drop(connection.known.insert(name.to_owned(), text())),
            ("compiled", name) => drop(connection.compiled.insert(name.to_owned(), value)),
            ("resolved", name) => drop(connection.resolved.insert(name.to_owned(), value)),
            ("lookup", port) => connection.attempts.push(Attempt::Host {
                node: value,
                port: port.to_owned(),
            }),
            ("connect", _) => connection.attempts.push(Attempt::Socket(value)),
            ("password", _) => connection.passwords.push(value),
            _ => panic!("the spy said `{name}`"),
        }
    }
    answer.connection = connects.then_some(connection);
    answer
}
