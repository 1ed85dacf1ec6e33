//! The pipe on which a program answers, read as far as something is there.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::time::Duration;

/// More than any answer; what is longer is cut.
const LONGEST_OUTPUT: usize = 8 * 1024 * 1024;

/// How soon a program's end is noticed while something else has its pipes open.
const BETWEEN_CHECKS: Duration = Duration::from_millis(if cfg!(windows) { 5 } else { 20 });

/// How soon it is noticed once they are closed, which is a moment before it.
const NEAR_THE_END: Duration = Duration::from_millis(1);

/// A pipe, and what came through it so far.
pub struct Pipe {
    source: Option<File>,
    /// What came through it.
    pub bytes: Vec<u8>,
}

impl Pipe {
    /// Whether more may come through it.
    pub fn is_open(&self) -> bool {
        self.source.is_some()
    }

    /// Reads what is there, and waits for nothing.
    pub fn read_what_is_there(&mut self) {
        let mut buffer = [0; 8192];
        while let Some(source) = &mut self.source {
            match read_now(source, &mut buffer) {
                Ok(count) if count > 0 && self.bytes.len() < LONGEST_OUTPUT => {
                    self.bytes.extend_from_slice(&buffer[..count]);
                }
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(why) if why.kind() == ErrorKind::WouldBlock => return,
                // What was read before an error is still worth having.
                Ok(_) | Err(_) => self.source = None,
            }
        }
    }
}

/// How long to wait for more from these, until `left` is over.
fn moment(pipes: [&Pipe; 2], left: Duration) -> Duration {
    let is_open = pipes.iter().any(|pipe| pipe.is_open());
    let moment = if is_open {
        BETWEEN_CHECKS
    } else {
        NEAR_THE_END
    };
    // Never nothing, so that the end of the time isn't spent in a spin.
    moment.min(left).max(NEAR_THE_END)
}

#[cfg(unix)]
impl Pipe {
    /// The pipe that `source` is the end of.
    pub fn new(source: Option<impl Into<std::os::fd::OwnedFd>>) -> Self {
        use nix::fcntl::{FcntlArg, OFlag, fcntl};

        let source = source.map(|source| File::from(source.into()));
        // Our end alone: the program's is another open file. One that could keep us waiting isn't
        // read.
        let never_waits =
            |source: &File| fcntl(source, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).is_ok();
        Self {
            source: source.filter(never_waits),
            bytes: Vec::new(),
        }
    }
}

/// Reads what is there; where nothing is, that is [`ErrorKind::WouldBlock`].
#[cfg(unix)]
fn read_now(source: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    source.read(buffer)
}

/// Waits until there is something to read, or for a moment.
#[cfg(unix)]
pub fn wait(pipes: [&Pipe; 2], left: Duration) {
    use std::os::fd::AsFd as _;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    let open = pipes.iter().filter_map(|pipe| pipe.source.as_ref());
    let mut open: Vec<_> = open
        .map(|source| PollFd::new(source.as_fd(), PollFlags::POLLIN))
        .collect();
    let time = PollTimeout::try_from(moment(pipes, left)).unwrap_or(PollTimeout::ZERO);
    // After a signal the caller checks once more, and so it does after any other end of this.
    let _ = poll(&mut open, time);
}

#[cfg(windows)]
impl Pipe {
    /// The pipe that `source` is the end of.
    pub fn new(source: Option<impl Into<std::os::windows::io::OwnedHandle>>) -> Self {
        Self {
            source: source.map(|source| File::from(source.into())),
            bytes: Vec::new(),
        }
    }
}

/// Reads what is there; where nothing is, that is [`ErrorKind::WouldBlock`].
#[cfg(windows)]
#[expect(unsafe_code, reason = "a pipe is looked into by a raw call")]
fn read_now(source: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    use std::os::windows::io::AsRawHandle as _;
    use std::ptr::null_mut;

    use windows_sys::Win32::System::Pipes::PeekNamedPipe;

    let mut available = 0;
    // SAFETY: the handle is open, the one pointer is to a number, and the null ones stand for what
    // is not asked.
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
        // Nobody has the other end any more.
        return Err(io::Error::last_os_error());
    }
    if available == 0 {
        return Err(ErrorKind::WouldBlock.into());
    }
    source.read(buffer)
}

/// Waits for a moment: Windows has no way to wait for such a pipe.
#[cfg(windows)]
pub fn wait(pipes: [&Pipe; 2], left: Duration) {
    std::thread::sleep(moment(pipes, left));
}
