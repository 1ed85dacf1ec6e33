//! Programs of Windows, run by Wine: what they are started with, an account of their own, and the way from them to the
//! programs of Linux that stand on that account's `PATH`.
//!
//! Variables say where the parts are:
//!
//! - `ENTRA_PSQL_WINE`: a program that runs the Windows program which is its first word, in our environment, with all files
//!   and the loopback of this machine within reach; `WINEPREFIX`: a prefix that it made, to be copied;
//! - `ENTRA_PSQL_WINDOWS_PROGRAM`: `entra-psql.exe`, with `bridge.exe` beside it;
//! - `ENTRA_PSQL_WINDOWS_PSQL`: a directory with a `psql.exe` and its libraries for each version, in `16` and in `18`;
//!   `ENTRA_PSQL_WINDOWS_PSQL_VERSION`: which of them is meant where a test does not say, 18 if it is not set.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use bridge::{Kind, receive, send};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use sandbox::{Sandbox, cache};

/// Where the account's folder for local data is: below the home directory, as the runtime directory is on Linux.
const SHELL_FOLDERS: &str = "\n[Software\\\\Microsoft\\\\Windows\\\\CurrentVersion\\\\Explorer\\\\User Shell Folders]\n\"Local AppData\"=str(2):\"%USERPROFILE%\\\\run\"\n";

/// What Wine is told beside a user's own variables.
const OWN_VARIABLES: [(&str, &str); 4] = [
    ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
    ("LANG", "C.UTF-8"),
    ("WINEDEBUG", "-all"),
    ("WINEPATH", ""),
];

/// The sessions that nobody uses now.
static IDLE: Mutex<Vec<Session>> = Mutex::new(Vec::new());

/// The parts, wherever they are.
#[derive(Debug)]
pub struct Wine {
    runner: PathBuf,
    prefix: PathBuf,
    pub program: PathBuf,
    psql: PathBuf,
    version: String,
    bridge: PathBuf,
    /// The port of the bridge's other end.
    port: u16,
}

impl Wine {
    /// The parts; what is missing where not all of them are there.
    pub fn find() -> Result<&'static Self, &'static str> {
        static FOUND: OnceLock<Result<Wine, String>> = OnceLock::new();
        let found = FOUND.get_or_init(Self::look);
        found.as_ref().map_err(String::as_str)
    }

    /// Whether this run is one of the Windows program. Then all that it needs must be there.
    pub fn wanted() -> Option<&'static Self> {
        std::env::var_os("ENTRA_PSQL_WINE")?;
        match Self::find() {
            Ok(wine) => Some(wine),
            Err(missing) => panic!("{missing}"),
        }
    }

    fn look() -> Result<Self, String> {
        let found = |name: &str| {
            let path = std::env::var_os(name).ok_or(format!("`{name}` is not set"))?;
            fs::canonicalize(path).map_err(|why| format!("`{name}`: {why}"))
        };
        let program = found("ENTRA_PSQL_WINDOWS_PROGRAM")?;
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|why| why.to_string())?;
        let port = listener.local_addr().map_err(|why| why.to_string())?.port();
        thread::spawn(move || {
            for way in listener.incoming().flatten() {
                thread::spawn(move || carry(&way));
            }
        });
        let version = std::env::var("ENTRA_PSQL_WINDOWS_PSQL_VERSION");
        Ok(Self {
            runner: found("ENTRA_PSQL_WINE")?,
            prefix: found("WINEPREFIX")?,
            psql: found("ENTRA_PSQL_WINDOWS_PSQL")?,
            version: version.unwrap_or_else(|_| "18".into()),
            bridge: program.with_file_name("bridge.exe"),
            program,
            port,
        })
    }

    /// The psql for Windows.
    pub fn psql(&self) -> PathBuf {
        self.psql.join(&self.version).join("psql.exe")
    }

    /// A batch file for the program of Linux that is `program`.
    pub fn batch_file(&self, program: &Path) -> String {
        format!(
            "@set PROMPT=\r\n@\"{}\" to-linux {} \"{}\" %*\r\n",
            windows(&self.bridge),
            self.port,
            program.display()
        )
    }

    /// What `PATH` is on Windows: in the place of PostgreSQL's programs are those for Windows, and the system's are none.
    fn path(&self, path: &OsStr) -> String {
        let postgres = Sandbox::shared().postgres_bin_dir();
        let directories = std::env::split_paths(path)
            .filter(|directory| {
                !directory.starts_with("/usr/bin") && directory != Path::new("/bin")
            })
            .map(|directory| {
                windows(&if directory == postgres {
                    self.psql.join(&self.version)
                } else {
                    directory
                })
            });
        directories.collect::<Vec<_>>().join(";")
    }

    fn start(&self, prefix: &Path, program: &Path) -> Command {
        let mut command = Command::new(&self.runner);
        command
            .env_clear()
            .envs(OWN_VARIABLES)
            .env("WINEPREFIX", prefix)
            .env("XDG_RUNTIME_DIR", "/tmp")
            .arg(program);
        command
    }
}

/// Where libpq for Windows looks for a file that libpq for Unix has in the home directory; `None` for everything else.
pub fn place_of(name: &str) -> Option<&'static str> {
    match name {
        ".pgpass" => Some(".postgresql/pgpass.conf"),
        ".pg_service.conf" => Some(".postgresql/.pg_service.conf"),
        _ => None,
    }
}

/// What Windows calls a path.
pub fn windows(path: &Path) -> String {
    format!("Z:{}", path.display()).replace('/', "\\")
}

/// An account of Windows whose profile is a directory of ours. It has a session to itself for as long as it lives.
#[derive(Debug)]
pub struct Account {
    pub wine: &'static Wine,
    session: Option<Session>,
}

impl Account {
    /// Makes `home` a profile.
    pub fn new(wine: &'static Wine, home: &Path) -> Self {
        let idle = lock(&IDLE).pop();
        let session = idle.unwrap_or_else(|| Session::open(wine));
        session.set_profile(home).expect("a profile");
        Self {
            wine,
            session: Some(session),
        }
    }

    /// A program of Windows with these variables, not yet started. What Linux finds on `PATH`, Windows does too. Its exit code
    /// is to be trusted behind [`Self::waited_for`] alone.
    pub fn command<'a>(
        &self,
        program: &Path,
        variables: impl IntoIterator<Item = (&'a OsString, &'a OsString)>,
    ) -> Command {
        let session = self.session.as_ref().expect("a session");
        let mut command = self.wine.start(&session.prefix, program);
        for (name, value) in variables {
            if name == "PATH" {
                command.env("WINEPATH", self.wine.path(value));
            } else {
                command.env(name, value);
            }
        }
        command
    }

    /// The same, by a program that waits for it and ends with its exit code. Whoever ends that one does not end this.
    pub fn waited_for<'a>(
        &self,
        program: &Path,
        variables: impl IntoIterator<Item = (&'a OsString, &'a OsString)>,
    ) -> Command {
        let mut command = self.command(&self.wine.bridge, variables);
        command.arg("run").arg(windows(program));
        command
    }

    /// Forgets what was put into the account's credential store.
    pub fn empty_credential_store(&self) {
        let session = self.session.as_ref().expect("a session");
        let reg = session.prefix.join("drive_c/windows/system32/reg.exe");
        let key = r"HKCU\Software\Wine\Credential Manager";
        // Where there is none, it complains, and all is well.
        let ended = self
            .command(&reg, [])
            .args(["delete", key, "/f"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        ended.expect("an end");
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        lock(&IDLE).extend(self.session.take());
    }
}

/// A prefix of Wine, with a program in it that keeps its services running: to start these costs more than most tests do.
#[derive(Debug)]
struct Session {
    prefix: PathBuf,
    /// Ends with its input, and so with us.
    _stays: Child,
    /// Nobody else uses the prefix while this is locked.
    _turn: File,
}

impl Session {
    fn open(wine: &Wine) -> Self {
        let (directory, turn) = (0..)
            .map(|number| cache::target_dir().join(format!("wine-accounts/{number}")))
            .find_map(|directory| {
                fs::create_dir_all(&directory).expect("a directory");
                let turn = File::create(directory.join("lock")).expect("a file");
                turn.try_lock().is_ok().then_some((directory, turn))
            })
            .expect("numbers do not end");
        let prefix = directory.join("prefix");
        if !prefix.exists() {
            copy(&wine.prefix, &prefix).expect("a prefix");
        }
        let mut stays = wine
            .start(&prefix, &wine.bridge)
            .arg("stay")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Wine starts");
        let names: Vec<String> = BufReader::new(stays.stdout.take().expect("a pipe"))
            .lines()
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty())
            .collect();
        assert!(!names.is_empty(), "Wine does not start");
        lock(&EVERYBODYS).extend(names.iter().map(|name| name.to_uppercase()));
        Self {
            prefix,
            _stays: stays,
            _turn: turn,
        }
    }

    fn set_profile(&self, home: &Path) -> io::Result<()> {
        // Where Windows keeps its own: what is for one's account alone is in `run`, and libpq's files are where they are on Linux.
        fs::create_dir_all(home.join("AppData/Local/Temp"))?;
        fs::create_dir_all(home.join("AppData/Roaming"))?;
        fs::create_dir_all(home.join("run"))?;
        symlink("../../.postgresql", home.join("AppData/Roaming/postgresql"))?;
        for account in fs::read_dir(self.prefix.join("drive_c/users"))? {
            let account = account?;
            if account.file_name() == "Public" {
                continue;
            }
            if account.file_type()?.is_symlink() {
                fs::remove_file(account.path())?;
            } else {
                fs::remove_dir_all(account.path())?;
            }
            return symlink(home, account.path());
        }
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Copies a prefix: its programs as links, which cost nothing, and its registry.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let unfinished = to.with_extension("unfinished");
    let _ = fs::remove_dir_all(&unfinished);
    let status = Command::new("cp")
        .arg("-al")
        .args([from, &unfinished])
        .status()?;
    if !status.success() {
        return Err(io::ErrorKind::Other.into());
    }
    for name in ["system.reg", "user.reg", "userdef.reg"] {
        let file = unfinished.join(name);
        let mut text = fs::read(&file)?;
        if name == "user.reg" {
            text.extend(SHELL_FOLDERS.as_bytes());
        }
        fs::remove_file(&file)?;
        fs::write(&file, text)?;
    }
    fs::rename(unfinished, to)
}

/// The names of the variables that every program of a session has, in capitals.
static EVERYBODYS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Runs a program of Linux for one of Windows: its words and its variables, without those that Windows itself gives, and the
/// home directory that the program is in.
fn carry(way: &TcpStream) -> io::Result<()> {
    let everybodys = lock(&EVERYBODYS).clone();
    let is_own = |name: &str| !everybodys.contains(&name.to_uppercase());
    let (mut words, mut variables) = (Vec::new(), Vec::new());
    loop {
        let (kind, bytes) = receive(way)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match (kind, text.split_once('=')) {
            (Kind::Variable, Some((name, value))) if is_own(name) => {
                variables.push((name.to_owned(), value.to_owned()));
            }
            (Kind::Variable, _) => {}
            (Kind::Word, _) => words.push(text),
            _ => break,
        }
    }
    let program = PathBuf::from(words.first().ok_or(io::ErrorKind::InvalidData)?);
    let home = program
        .ancestors()
        .nth(2)
        .ok_or(io::ErrorKind::InvalidData)?;
    let mut child = Command::new(&program)
        .args(&words[1..])
        .env_clear()
        .envs(variables)
        .env("HOME", home)
        .env("PATH", path(home))
        .current_dir(home)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let group = Pid::from_raw(child.id().cast_signed());
    let ended = AtomicBool::new(false);
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let back = Mutex::new(way);
    thread::scope(|scope| {
        scope.spawn(|| {
            // Where the one on Windows is ended, so are this one and what it started.
            if feed(way, stdin).is_err() && !ended.load(Ordering::SeqCst) {
                let _ = killpg(group, Signal::SIGKILL);
            }
        });
        let errors = scope.spawn(|| pass(stderr, &back, Kind::Error));
        // Who does not listen any more is not told.
        let _ = pass(stdout, &back, Kind::Output);
        let _ = errors.join();
        let code = child.wait()?.code().unwrap_or(1);
        ended.store(true, Ordering::SeqCst);
        // What still comes is read, until the one on Windows ends too: closed before, the way would be broken off.
        send(*lock(&back), Kind::Exit, code.to_string().as_bytes())
    })
}

/// Passes standard input on, until there is no more; an error is the end of the program on Windows.
fn feed(way: &TcpStream, mut stdin: Option<ChildStdin>) -> io::Result<()> {
    loop {
        match receive(way)? {
            (Kind::Input, bytes) if !bytes.is_empty() => {
                // A program that does not read its input has closed it.
                let _ = stdin.as_mut().map(|stdin| stdin.write_all(&bytes));
            }
            _ => stdin = None,
        }
    }
}

/// Passes output on, a piece at a time, so that the other sort can come in between.
fn pass(from: Option<impl Read>, back: &Mutex<&TcpStream>, kind: Kind) -> io::Result<()> {
    let Some(mut from) = from else { return Ok(()) };
    let mut piece = [0; 8192];
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(()),
            length => send(*lock(back), kind, &piece[..length])?,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The `PATH` of a program of Linux: what stands in the home directory, then PostgreSQL's and the system's.
pub fn path(home: &Path) -> String {
    let postgres = Sandbox::shared().postgres_bin_dir();
    format!(
        "{}:{}:/usr/bin:/bin",
        home.join("bin").display(),
        postgres.display()
    )
}
