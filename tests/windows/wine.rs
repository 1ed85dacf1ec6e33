//! Programs of Windows, run by Wine: what they are started with, an account of their own, and the
//! way from them to the programs of Linux that stand on that account's `PATH`.
//!
//! Variables say where the parts are:
//!
//! - `ENTRA_PSQL_WINE`: a program that runs the Windows program which is its first word, in our
//!   environment, with all files and the loopback of this machine within reach; `WINEPREFIX`: a
//!   prefix that it made, to be copied;
//! - `ENTRA_PSQL_WINDOWS_PROGRAM`: `entra-psql.exe`, with `bridge.exe` beside it;
//! - `ENTRA_PSQL_WINDOWS_PSQL`: a directory with a `psql.exe` and its libraries for each version,
//!   in `16` and in `18`; `ENTRA_PSQL_WINDOWS_PSQL_VERSION`: which of them is meant where a test
//!   does not say, 18 if it is not set.

#[path = "linux_end.rs"]
mod linux_end;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use sandbox::Sandbox;

pub use linux_end::path;
use linux_end::{EVERYBODYS, HOMES, lock};

/// Where the account's folder for local data is: below the home directory, as the runtime directory
/// is on Linux.
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
    pub psql: PathBuf,
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
        let version = std::env::var("ENTRA_PSQL_WINDOWS_PSQL_VERSION");
        Ok(Self {
            runner: found("ENTRA_PSQL_WINE")?,
            prefix: found("WINEPREFIX")?,
            psql: found("ENTRA_PSQL_WINDOWS_PSQL")?,
            version: version.unwrap_or_else(|_| "18".into()),
            bridge: program.with_file_name("bridge.exe"),
            program,
            port: linux_end::listen().map_err(|why| why.to_string())?,
        })
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

/// Where libpq for Windows looks for a file that libpq for Unix has in the home directory; `None`
/// for everything else.
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

/// An account of Windows whose profile is a directory of ours. It has a session to itself for as
/// long as it lives.
#[derive(Debug)]
pub struct Account {
    pub wine: &'static Wine,
    /// The directory of its psql.
    pub psql: PathBuf,
    session: Option<Session>,
}

impl Account {
    /// Makes `home` a profile.
    pub fn new(wine: &'static Wine, home: &Path) -> Self {
        lock(&HOMES).push(home.to_owned());
        let idle = lock(&IDLE).pop();
        let session = idle.unwrap_or_else(|| Session::open(wine));
        session.set_profile(home).expect("a profile");
        Self {
            wine,
            psql: wine.psql.join(&wine.version),
            session: Some(session),
        }
    }

    /// A program of Windows with these variables, not yet started. What Linux finds on `PATH`,
    /// Windows does too. Its exit code is to be trusted behind [`Self::waited_for`] alone.
    pub fn command<'a>(
        &self,
        program: &Path,
        variables: impl IntoIterator<Item = (&'a OsString, &'a OsString)>,
    ) -> Command {
        let session = self.session.as_ref().expect("a session");
        let mut command = self.wine.start(&session.prefix, program);
        for (name, value) in variables {
            if name == "PATH" {
                command.env("WINEPATH", self.path(value));
            } else {
                command.env(name, value);
            }
        }
        command
    }

    /// What `PATH` is on Windows: in the place of PostgreSQL's programs are those for Windows, and
    /// the system's are none.
    fn path(&self, path: &OsStr) -> String {
        let postgres = Sandbox::shared().postgres_bin_dir();
        let directories = std::env::split_paths(path).filter_map(|directory| {
            if directory == postgres {
                Some(windows(&self.psql))
            } else if directory.starts_with("/usr") || directory.starts_with("/bin") {
                None
            } else {
                Some(windows(&directory))
            }
        });
        directories.collect::<Vec<_>>().join(";")
    }

    /// The same, by a program that waits for it and ends with its exit code. Whoever ends that one
    /// does not end this.
    pub fn waited_for<'a>(
        &self,
        program: &Path,
        variables: impl IntoIterator<Item = (&'a OsString, &'a OsString)>,
    ) -> Command {
        let mut command = self.command(&self.wine.bridge, variables);
        command.arg("run").arg(windows(program));
        command
    }

    /// One of Windows' own programs, by its name.
    pub fn system_program(&self, name: &str) -> Command {
        let session = self.session.as_ref().expect("a session");
        let programs = session.prefix.join("drive_c/windows/system32");
        self.wine.start(&session.prefix, &programs.join(name))
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        lock(&IDLE).extend(self.session.take());
    }
}

/// A prefix of Wine, with a program in it that keeps its services running: to start these costs
/// more than most tests do.
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
            .map(|number| wine.prefix.with_file_name(format!("accounts/{number}")))
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
            // Wine's server has it too, and tells there of what was left when it ends.
            .stderr(Stdio::null())
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
        // Where Windows keeps its own: what is for one's account alone is in `run`, and libpq's
        // files are where they are on Linux.
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
