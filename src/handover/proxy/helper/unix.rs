//! The helper on Unix: another process, which ends with the program.
//!
//! It is forked before this process starts a thread, and twice: a program shouldn't find a child that
//! it didn't start. The helper signs in at the terminal if necessary. Once it is ready, it releases the
//! terminal.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::time::Duration;

use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, getpid};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use zeroize::Zeroizing;

use crate::environment::{Environment, READY_TOKEN};
use crate::failure::Failure;
use crate::handover::exec;
use crate::handover::launch::Launch;
use crate::handover::renew::Local;
use crate::system::{terminal, threads};

use super::impossible;

/// How often a process is checked if the system doesn't report its end.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// The first byte of the helper's message: it is ready, or it has failed.
const READY: u8 = b'R';
const FAILED: u8 = b'F';

/// The pipe from the helper to the process that started it.
pub struct Announcement(Option<File>);

/// A process whose end the helper waits for.
pub struct Watched {
    process: Pid,
    /// A descriptor that becomes readable when the process ends.
    descriptor: Option<OwnedFd>,
}

/// A [`Watched`] process inside a runtime.
pub struct Watching {
    process: Pid,
    descriptor: Option<AsyncFd<OwnedFd>>,
}

/// Starts a helper that does `work`. Once it is ready, execs the program that `launch` prepares. If
/// the helper fails, it has already reported why, and its exit code is returned.
pub fn run(
    environment: &Environment,
    work: impl FnOnce(&mut Announcement, Watched) -> Result<i32, Failure>,
    launch: impl FnOnce(&Local) -> Result<Launch, Failure> + Send,
) -> Result<i32, Failure> {
    match start(environment, work)? {
        Ok(local) => exec::become_program(&launch(&local)?),
        Err(code) => Ok(code),
    }
}

/// Starts the helper, and waits until it is ready or has failed.
fn start(
    environment: &Environment,
    work: impl FnOnce(&mut Announcement, Watched) -> Result<i32, Failure>,
) -> Result<Result<Local, i32>, Failure> {
    let (mut reader, writer) = io::pipe().map_err(|why| impossible(&why, threads::REMEDY))?;
    let program = getpid();
    #[expect(unsafe_code, reason = "no other thread runs that could hold a lock")]
    // SAFETY: this process has one thread until it signs in, and only the helper signs in.
    let forked = unsafe { fork() }.map_err(|why| impossible(&why.into(), threads::REMEDY))?;
    if let ForkResult::Parent { child } = forked {
        drop(writer);
        // If SIGCHLD is ignored, this only waits and returns an error.
        let _ = waitpid(child, None);
        let mut said = Zeroizing::new(Vec::new());
        let read = reader.read_to_end(&mut said);
        read.map_err(|why| impossible(&why, threads::REMEDY))?;
        return Ok(read_message(&said));
    }
    drop(reader);
    // The process in between ends, so the helper isn't a child of the program.
    #[expect(unsafe_code, reason = "as above")]
    // SAFETY: as above.
    let forked = unsafe { fork() };
    if let Ok(ForkResult::Parent { .. }) = forked {
        exit_at_once(0);
    }
    let mut announcement = Announcement(Some(File::from(OwnedFd::from(writer))));
    if forked.is_err() {
        announcement.failed(2);
        exit_at_once(2);
    }
    close_others(&announcement, environment);
    let code = work(&mut announcement, Watched::new(program)).unwrap_or_else(|failure| {
        terminal::tell(&failure);
        failure.exit_code()
    });
    announcement.failed(code);
    std::process::exit(code);
}

fn exit_at_once(code: i32) -> ! {
    #[expect(
        unsafe_code,
        reason = "the forked process must not run the parent's clean-up again"
    )]
    // SAFETY: it ends the process and touches no memory.
    unsafe {
        nix::libc::_exit(code)
    }
}

/// Closes the program's files that the helper doesn't need: the reader at the other end of a pipe
/// would wait for the helper too.
fn close_others(announcement: &Announcement, environment: &Environment) {
    let kept = announcement.0.as_ref().map(std::os::fd::AsRawFd::as_raw_fd);
    let needed = environment.get(READY_TOKEN[2]).and_then(OsStr::to_str);
    let needed: Option<RawFd> = needed.and_then(|number| number.parse().ok());
    let open: Vec<RawFd> = fs::read_dir("/dev/fd")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    for number in open {
        if number > 2 && Some(number) != kept && Some(number) != needed {
            // The descriptor of the directory itself is closed already.
            let _ = nix::unistd::close(number);
        }
    }
}

impl Announcement {
    /// Reports that the helper is ready, and releases the terminal and the program's input and
    /// output.
    pub fn ready(&mut self, local: &Local) -> io::Result<()> {
        let port = local.port.to_string();
        let (password, file) = match &local.password {
            Some((password, file)) => (password.as_str(), file.as_os_str()),
            None => ("", OsStr::new("")),
        };
        let mut message = Zeroizing::new(vec![READY]);
        for part in [
            local.host.as_os_str(),
            port.as_ref(),
            &local.user,
            &local.database,
            password.as_ref(),
            file,
        ] {
            message.extend(part.as_bytes());
            message.push(0);
        }
        terminal::release()?;
        // Dropping it ends the message.
        let mut to_program = self.0.take().ok_or(io::ErrorKind::BrokenPipe)?;
        to_program.write_all(&message)
    }

    fn failed(&mut self, code: i32) {
        if let Some(mut to_program) = self.0.take() {
            // If nobody reads it, the program's process has ended too.
            let _ = to_program.write_all(&[FAILED, u8::try_from(code).unwrap_or(2)]);
        }
    }
}

/// Reads the helper's message.
fn read_message(said: &[u8]) -> Result<Local, i32> {
    let Some((&READY, rest)) = said.split_first() else {
        return Err(said.get(1).map_or(2, |&code| code.into()));
    };
    let mut parts = rest.split(|&byte| byte == 0);
    let mut next = || OsString::from_vec(parts.next().unwrap_or_default().to_vec());
    let (host, port, user, database) = (next(), next(), next(), next());
    let (password, file) = (next(), next());
    Ok(Local {
        host,
        port: port.to_str().and_then(|port| port.parse().ok()).ok_or(2)?,
        user,
        database,
        password: match password.into_string() {
            Ok(password) if !password.is_empty() => Some((Zeroizing::new(password), file)),
            _ => None,
        },
    })
}

impl Watched {
    /// `process` exists: it waits until the helper is ready.
    fn new(process: Pid) -> Self {
        Self {
            process,
            descriptor: descriptor(process),
        }
    }

    pub fn watch(self) -> io::Result<Watching> {
        #[expect(
            unsafe_code,
            reason = "tokio has no safe function for a descriptor of this kind"
        )]
        // SAFETY: the descriptor is owned and not shared.
        let register =
            |descriptor| unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) };
        let descriptor = self.descriptor.map(register);
        Ok(Watching {
            process: self.process,
            descriptor: descriptor.transpose()?,
        })
    }
}

impl Watching {
    /// Waits until the process has ended. Its exit code isn't this process's.
    pub async fn ended(&mut self) -> Result<i32, Failure> {
        if let Some(descriptor) = &self.descriptor {
            // It becomes readable only when the process ends.
            let _ = descriptor.readable().await;
            return Ok(0);
        }
        while nix::sys::signal::kill(self.process, None).is_ok() {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        Ok(0)
    }
}

/// Returns a descriptor that becomes readable when the process ends.
#[cfg(target_os = "linux")]
fn descriptor(process: Pid) -> Option<OwnedFd> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    let process = Pid::from_raw(process.as_raw())?;
    pidfd_open(process, PidfdFlags::empty()).ok()
}

/// Returns none: this system has no such descriptor.
#[cfg(not(target_os = "linux"))]
fn descriptor(_process: Pid) -> Option<OwnedFd> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_helper_says_is_read_back() {
        let said = b"R/run/x\x005432\0Prod DB\0app\0secret\0/run/file\0";
        let local = read_message(said).ok().unwrap();
        assert_eq!((local.host.to_str(), local.port), (Some("/run/x"), 5432));
        assert_eq!(local.user, "Prod DB");
        assert_eq!(local.database, "app");
        let (password, file) = local.password.unwrap();
        assert_eq!(
            (password.as_str(), file.to_str()),
            ("secret", Some("/run/file"))
        );
        let local = read_message(b"R127.0.0.1\x001\0a\0b\0\0\0").ok().unwrap();
        assert!(local.password.is_none());
        for (said, code) in [(&b""[..], 2), (b"F\x01", 1), (b"F", 2), (b"Rx\0y\0", 2)] {
            assert_eq!(read_message(said).err(), Some(code));
        }
    }
}
