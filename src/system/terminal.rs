//! Writes to standard output and standard error, and finds the terminal.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
#[cfg(windows)]
use std::sync::atomic::{AtomicBool, Ordering};

use zeroize::Zeroizing;

use crate::failure::{Failure, Kind};

use super::{colour, waiting};

/// Writes `text` and a newline to standard output; the exit code is 0.
pub fn print(text: impl AsRef<[u8]>) -> Result<i32, Failure> {
    // The text may be a token.
    let text = Zeroizing::new([text.as_ref(), b"\n"].concat());
    waiting::write_above(|| write_out(&text)).map_err(|why| unwritable(&why))?;
    Ok(0)
}

/// Checks that standard output is open. Otherwise the next file that is opened would get its
/// number, and what is printed.
#[cfg(unix)]
pub fn check_output() -> Result<(), Failure> {
    use nix::fcntl::{FcntlArg, fcntl};

    let asked = fcntl(io::stdout(), FcntlArg::F_GETFD);
    asked.map(drop).map_err(|why| unwritable(&why.into()))
}

/// On Windows nothing else gets the place of a closed standard output.
#[cfg(windows)]
#[expect(clippy::unnecessary_wraps, reason = "one signature on every system")]
pub fn check_output() -> Result<(), Failure> {
    Ok(())
}

/// Writes to standard output by the system's call, since Rust's own hides that it is closed.
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
            // Someone else made the shared terminal or pipe non-blocking.
            Err(Errno::EAGAIN) => {
                let mut full = [PollFd::new(stdout.as_fd(), PollFlags::POLLOUT)];
                poll(&mut full, PollTimeout::NONE)?;
            }
            Err(why) => return Err(why.into()),
        }
    }
    Ok(())
}

#[cfg(windows)]
fn write_out(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

fn unwritable(why: &io::Error) -> Failure {
    let cause = format!("standard output cannot be written: {why}");
    Failure::new(Kind::Output, cause)
        .hint("check where it goes: a full disk or a closed pipe, for example")
}

/// Writes each line of `text` to standard error, after the program's name.
///
/// If that fails, there is nobody to tell.
pub fn say(text: &str) {
    if is_released() {
        return;
    }
    let lines = text.lines().map(|line| format!("entra-psql: {line}\n"));
    let lines = lines.collect::<String>();
    let _ = waiting::write_above(|| io::stderr().write_all(lines.as_bytes()));
}

/// Writes a failure to standard error, unless it is told already.
pub fn tell(failure: &Failure) {
    if !failure.is_told() {
        write_labelled(failure.lines());
    }
}

pub fn warn(text: &str) {
    if is_released() {
        return;
    }
    write_labelled([("warning", text)]);
}

/// Writes lines to standard error, each after the program's name and the word that classifies it.
fn write_labelled<'a>(lines: impl IntoIterator<Item = (&'static str, &'a str)>) {
    let mut stderr = io::stderr();
    let is_coloured = colour::is_wanted(&stderr);
    let line = |(label, text): (&str, &str)| {
        let style = match label {
            "error" => colour::BAD,
            "warning" => colour::WORRYING,
            _ => colour::HELPFUL,
        };
        let label = colour::paint(&format!("{label}:"), style, is_coloured);
        format!("entra-psql: {label} {text}\n")
    };
    let lines: String = lines.into_iter().map(line).collect();
    let _ = waiting::write_above(|| stderr.write_all(lines.as_bytes()));
}

/// Leaves the terminal, and standard input and output, to another program. A reader of its output
/// would wait for us too.
#[cfg(unix)]
pub fn release() -> io::Result<()> {
    let nothing = File::options().read(true).write(true).open("/dev/null")?;
    nix::unistd::setsid()?;
    nix::unistd::dup2_stdin(&nothing)?;
    nix::unistd::dup2_stdout(&nothing)?;
    nix::unistd::dup2_stderr(&nothing)?;
    Ok(())
}

/// Leaves the terminal to another program: from now on, only a failure that ends us is written.
#[cfg(windows)]
pub fn release() {
    IS_RELEASED.store(true, Ordering::Relaxed);
}

#[cfg(windows)]
static IS_RELEASED: AtomicBool = AtomicBool::new(false);

/// Returns false: what is written after the release goes nowhere.
#[cfg(unix)]
pub fn is_released() -> bool {
    false
}

#[cfg(windows)]
pub fn is_released() -> bool {
    IS_RELEASED.load(Ordering::Relaxed)
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

/// Returns whether psql would be interactive: standard input and output are a terminal.
pub fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Returns whether we run in the foreground of the terminal `stream`.
#[cfg(unix)]
pub fn is_foreground(stream: impl std::os::fd::AsFd) -> bool {
    rustix::termios::tcgetpgrp(stream).is_ok_and(|group| group == rustix::process::getpgrp())
}

/// Windows has no background.
#[cfg(windows)]
pub fn is_foreground(_stream: &io::Stderr) -> bool {
    true
}

/// Opens our terminal for reading, unless we run in its background, where reading would stop us.
#[cfg(unix)]
pub fn terminal() -> Option<File> {
    let terminal = File::open("/dev/tty").ok()?;
    is_foreground(&terminal).then_some(terminal)
}

/// Opens our console for reading.
#[cfg(windows)]
pub fn terminal() -> Option<File> {
    // Reading a console by lines requires write access.
    let mut options = File::options();
    options.read(true).write(true).open("CONIN$").ok()
}
