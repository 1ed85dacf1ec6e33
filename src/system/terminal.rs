//! What we write to standard output and standard error, and the terminal that we were started at.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};

use zeroize::Zeroizing;

use crate::failure::{Failure, Kind};

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

/// Checks that standard output is open. Where it isn't, the next file that is opened takes its
/// place, and what is printed would go there.
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
#[expect(clippy::unnecessary_wraps, reason = "one signature on every system")]
pub fn check_output() -> Result<(), Failure> {
    Ok(())
}

/// Writes to standard output: by the system's call, since to Rust's own output a closed one is as
/// good as an open one.
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

/// Returns how many columns standard output has, if it is a terminal that tells.
pub fn width() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
    (width.0 > 0).then_some(width.0.into())
}

/// Returns whether someone may read what we say, or type what we read.
pub fn has_person() -> bool {
    io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal()
}

/// Whether psql would be interactive: standard input and output are a terminal.
pub fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// The terminal that we were started at, to read from; not where we are in its background, where
/// reading would stop us.
#[cfg(unix)]
pub fn terminal() -> Option<File> {
    let terminal = File::open("/dev/tty").ok()?;
    let foreground = nix::unistd::tcgetpgrp(&terminal).ok()?;
    (foreground == nix::unistd::getpgrp()).then_some(terminal)
}

/// The console that we were started at, to read from.
#[cfg(windows)]
pub fn terminal() -> Option<File> {
    // A console is read in lines only by who may also write to it.
    let mut options = File::options();
    options.read(true).write(true).open("CONIN$").ok()
}
