//! The bridge's end on Linux: runs programs of Linux for those of Windows that stand for them.

use std::io::{self, Read, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use bridge::{Kind, receive, send};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use sandbox::Sandbox;

/// Listens for as long as this process lives, on the port that is returned.
pub fn listen() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for way in listener.incoming().flatten() {
            thread::spawn(move || carry(&way));
        }
    });
    Ok(port)
}

/// The names of the variables that every program of Windows has, in capitals.
pub static EVERYBODYS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The home directories of the accounts, in which nobody else can write.
pub static HOMES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Runs a program of Linux for one of Windows: its words and its variables, without those that
/// Windows itself gives, and the home directory that the program is in. Programs that are elsewhere
/// are run for nobody, whoever else may find the port.
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
        .filter(|home| lock(&HOMES).iter().any(|known| known == home))
        .ok_or(io::ErrorKind::PermissionDenied)?;
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
        // What still comes is read, until the one on Windows ends too: closed before, the way would
        // be broken off.
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

/// Takes a lock, whether or not a test has failed with it.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The `PATH` of a program of Linux: what stands in the home directory, then PostgreSQL's and the
/// system's.
pub fn path(home: &Path) -> String {
    let postgres = Sandbox::shared().postgres_bin_dir();
    format!(
        "{}:{}:/usr/bin:/bin",
        home.join("bin").display(),
        postgres.display()
    )
}
