//! What is said of a decision, on request: `--dry-run` and `--entra-verbose`. Secrets are never in it.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::time::SystemTime;

use zeroize::Zeroizing;

use crate::decision::SignIn;
use crate::entra::cloud;
use crate::failure::{Failure, Kind};
use crate::launch::Launch;
use crate::libpq::parameters::Parameters;
use crate::method::Method;
use crate::psql::command_line::Wanted;
use crate::sign_in::SignedIn;

/// Writes `text` and a newline to standard output; the exit code is 0.
///
/// # Errors
///
/// It cannot be written whole, as on a full disk.
pub fn print(text: impl AsRef<[u8]>) -> Result<i32, Failure> {
    // The text may be a token.
    let text = Zeroizing::new([text.as_ref(), b"\n"].concat());
    write_out(&text).map_err(|why| unwritable(&why))?;
    Ok(0)
}

/// Checks that standard output is open. Where it isn't, the next file that is opened takes its place, and what is printed
/// would go there.
///
/// # Errors
///
/// It is closed.
#[cfg(unix)]
pub fn check_output() -> Result<(), Failure> {
    use nix::fcntl::{FcntlArg, fcntl};

    let asked = fcntl(io::stdout(), FcntlArg::F_GETFD);
    asked.map(drop).map_err(|why| unwritable(&why.into()))
}

/// Checks that standard output is open. On Windows nothing takes the place of one that isn't.
///
/// # Errors
///
/// None on this system.
#[cfg(windows)]
pub fn check_output() -> Result<(), Failure> {
    Ok(())
}

/// Writes to standard output: by the system's call, since to Rust's own output a closed one is as good as an open one.
#[cfg(unix)]
fn write_out(mut bytes: &[u8]) -> io::Result<()> {
    use std::os::fd::AsFd as _;

    use nix::errno::Errno;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    let stdout = io::stdout();
    while !bytes.is_empty() {
        match nix::unistd::write(&stdout, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::EINTR) => {}
            // Somebody whose terminal or pipe it is too doesn't want to wait for it.
            Err(Errno::EAGAIN) => {
                let mut full = [PollFd::new(stdout.as_fd(), PollFlags::POLLOUT)];
                poll(&mut full, PollTimeout::NONE)?;
            }
            Err(why) => return Err(why.into()),
        }
    }
    Ok(())
}

/// Writes to standard output.
#[cfg(windows)]
fn write_out(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

fn unwritable(why: &io::Error) -> Failure {
    let cause = format!("standard output cannot be written: {why}");
    Failure::new(Kind::Output, cause)
        .hint("check where it goes: a full disk, a closed pipe, or nowhere")
}

/// Writes each line of `text` to standard error, behind the program's name.
///
/// Where that cannot be written, nobody is there to be told so.
pub fn say(text: &str) {
    let lines = text.lines().map(|line| format!("entra-psql: {line}\n"));
    let _ = io::stderr().write_all(lines.collect::<String>().as_bytes());
}

/// Writes a failure to standard error, as [`say`] does.
pub fn tell(failure: &Failure) {
    let _ = io::stderr().write_all(format!("{failure}\n").as_bytes());
}

/// Writes a warning to standard error.
pub fn warn(text: &str) {
    say(&format!("warning: {text}"));
}

/// Why there is no token.
#[must_use]
pub fn no_token(reason: &str) -> String {
    format!("no token: {reason}")
}

/// How a token was got, and what is set beside it.
#[must_use]
pub fn signed_in<'a>(
    plan: &SignIn,
    settings: impl IntoIterator<Item = (&'static str, &'a OsStr)>,
    signed_in: &SignedIn,
) -> String {
    let SignedIn { token, choice, .. } = signed_in;
    let left = token
        .expires()
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    let mut lines = vec![format!(
        "token from {} for {}: {} ({})",
        choice.method.source(),
        plan.resource.as_deref().unwrap_or(match choice.method {
            Method::AzureCli => "az's active cloud",
            Method::Env => "databases",
            Method::Azd | Method::Workload(_) | Method::Person(_) => cloud::PUBLIC.resource,
        }),
        plan.reason,
        plan.host
    )];
    lines.extend(choice.explained());
    lines.extend(settings.into_iter().map(setting));
    lines.push(format!(
        "PGPASSWORD=(hidden: {} bytes, {} minutes left)",
        token.secret().len(),
        left.as_secs() / 60
    ));
    lines.join("\n")
}

/// What a program finds in its variables.
#[must_use]
pub fn settings<'a>(settings: impl IntoIterator<Item = (&'static str, &'a OsStr)>) -> String {
    let lines: Vec<_> = settings.into_iter().map(setting).collect();
    lines.join("\n")
}

fn setting((name, value): (&str, &OsStr)) -> String {
    format!("{name}={}", quoted(value))
}

/// The program and its words as a shell would take them. A connection string with a password is hidden.
#[must_use]
pub fn command_line(launch: &Launch) -> String {
    let mut line = quoted(launch.program.as_os_str());
    for word in &launch.words {
        line.push(' ');
        if holds_password(word) {
            line.push_str("'(hidden: a connection string with a password)'");
        } else {
            line.push_str(&quoted(word));
        }
    }
    line
}

fn quoted(word: &OsStr) -> String {
    shell_escape::escape(word.to_string_lossy()).into_owned()
}

/// Whether a word, or what follows the first letters of an option in it, may be a connection string with a
/// password. What cannot be read as one but speaks of a password is hidden too.
fn holds_password(word: &OsStr) -> bool {
    let text = word.to_string_lossy();
    let from = text
        .find("postgres://")
        .or_else(|| text.find("postgresql://"));
    let database = from.map_or(&*text, |at| &text[at..]);
    let wanted = Wanted {
        database: Some(database.into()),
        ..Wanted::default()
    };
    let read = Parameters::of_command_line(&wanted);
    text.to_lowercase().contains("password")
        || read.is_ok_and(|parameters| parameters.filled("password").is_some())
}
