//! A pipe to a program, read without blocking.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::time::Duration;

/// More than any answer; longer ones are cut.
const LONGEST_OUTPUT: usize = 8 * 1024 * 1024;

/// How soon a program's end is noticed while something else keeps its pipes open.
const BETWEEN_CHECKS: Duration = Duration::from_millis(if cfg!(windows) { 5 } else { 20 });

/// How soon it is noticed after they are closed, which is a moment before the end.
const NEAR_THE_END: Duration = Duration::from_millis(1);

pub struct Pipe {
    source: Option<File>,
    pub bytes: Vec<u8>,
}

impl Pipe {
    pub fn is_open(&self) -> bool {
        self.source.is_some()
    }

    pub fn read_what_is_there(&mut self) {
        let mut buffer = [0; 8192];
        while let Some(source) = &mut self.source {
            match read_now(source, &mut buffer) {
                Ok(count) if count > 0 && self.bytes.len() < LONGEST_OUTPUT => {
                    self.bytes.extend_from_slice(&buffer[..count]);
                }
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(why) if why.kind() == ErrorKind::WouldBlock => return,
                // What was read before an error is still useful.
                Ok(_) | Err(_) => self.source = None,
            }
        }
    }
}

/// Returns how long to wait for more from these while `left` remains.
fn moment(pipes: [&Pipe; 2], left: Duration) -> Duration {
    let is_open = pipes.iter().any(|pipe| pipe.is_open());
    let moment = if is_open {
        BETWEEN_CHECKS
    } else {
        NEAR_THE_END
    };
    // Never zero, or the last moment would be spent in a busy loop.
    moment.min(left).max(NEAR_THE_END)
}

#[cfg(unix)]
impl Pipe {
    pub fn new(source: Option<impl Into<std::os::fd::OwnedFd>>) -> Self {
        use nix::fcntl::{FcntlArg, OFlag, fcntl};

        let source = source.map(|source| File::from(source.into()));
        // Only our end: the program's is another open file. A pipe that could block isn't read.
        let never_waits =
            |source: &File| fcntl(source, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).is_ok();
        Self {
            source: source.filter(never_waits),
            bytes: Vec::new(),
        }
    }
}

/// Reads what is available; if nothing is, that is [`ErrorKind::WouldBlock`].
#[cfg(unix)]
fn read_now(source: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    source.read(buffer)
}

/// Waits until something is available, or for a moment.
#[cfg(unix)]
pub fn wait(pipes: [&Pipe; 2], left: Duration) {
    use std::os::fd::AsFd as _;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    let open = pipes.iter().filter_map(|pipe| pipe.source.as_ref());
    let mut open: Vec<_> = open
        .map(|source| PollFd::new(source.as_fd(), PollFlags::POLLIN))
        .collect();
    let time = PollTimeout::try_from(moment(pipes, left)).unwrap_or(PollTimeout::ZERO);
    // However this ends, the caller checks again.
    let _ = poll(&mut open, time);
}

#[cfg(windows)]
impl Pipe {
    pub fn new(source: Option<impl Into<std::os::windows::io::OwnedHandle>>) -> Self {
        Self {
            source: source.map(|source| File::from(source.into())),
            bytes: Vec::new(),
        }
    }
}

/// Reads what is available; if nothing is, that is [`ErrorKind::WouldBlock`].
#[cfg(windows)]
#[expect(unsafe_code, reason = "a pipe is looked into by a raw call")]
fn read_now(source: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    use std::os::windows::io::AsRawHandle as _;
    use std::ptr::null_mut;

    use windows_sys::Win32::System::Pipes::PeekNamedPipe;

    let mut available = 0;
    // SAFETY: the handle is open, the one pointer is to a number, and null pointers mean that the
    // other values aren't needed.
    let looked = unsafe {
        PeekNamedPipe(
            source.as_raw_handle(),
            null_mut(),
            0,
            null_mut(),
            &raw mut available,
            null_mut(),
        )
    };
    if looked == 0 {
        // The other end is closed.
        return Err(io::Error::last_os_error());
    }
    if available == 0 {
        return Err(ErrorKind::WouldBlock.into());
    }
    source.read(buffer)
}

/// Waits for a moment, since Windows can't wait for such a pipe.
#[cfg(windows)]
pub fn wait(pipes: [&Pipe; 2], left: Duration) {
    std::thread::sleep(moment(pipes, left));
}
