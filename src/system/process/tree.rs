//! A process and everything that it starts, ended together: az is a script that starts Python.
//!
//! The tree is a process group of its own, which a Ctrl-C at the terminal doesn't reach: it may be for
//! psql. On Unix the signals that end us are passed on to the tree, and on Windows its job ends with us.

use std::io;
use std::process::{Child, Command};

#[cfg(unix)]
use super::child_signal::ChildSignal;
#[cfg(unix)]
use crate::system::ending_signals::EndingSignals;

/// A running tree. Dropping it leaves the processes alone.
#[cfg(unix)]
pub struct Tree {
    group: nix::unistd::Pid,
    _signals: EndingSignals,
    _child_signal: ChildSignal,
}

/// A running tree, which Windows ends when we end.
#[cfg(windows)]
pub struct Tree {
    job: win32job::Job,
}

#[cfg(unix)]
impl Tree {
    pub fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        std::os::unix::process::CommandExt::process_group(command, 0);
        let child_signal = ChildSignal::heard();
        let (child, group, signals) = EndingSignals::handle_group_of(|| command.spawn())?;
        let tree = Self {
            group,
            _signals: signals,
            _child_signal: child_signal,
        };
        Ok((child, tree))
    }

    pub fn end(self) {
        // It can only fail because all of them are gone.
        let group = nix::unistd::Pid::from_raw(-self.group.as_raw());
        let _ = nix::sys::signal::kill(group, nix::sys::signal::Signal::SIGKILL);
    }
}

#[cfg(windows)]
impl Tree {
    pub fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        use std::os::windows::io::AsRawHandle as _;
        use std::os::windows::process::CommandExt as _;

        use windows_sys::Win32::System::Threading::CREATE_NEW_PROCESS_GROUP;

        command.creation_flags(CREATE_NEW_PROCESS_GROUP);
        let mut limits = win32job::ExtendedLimitInfo::new();
        limits.limit_kill_on_job_close();
        let job = win32job::Job::create_with_limit_info(&limits).map_err(io::Error::other)?;
        let child = command.spawn()?;
        job.assign_process(child.as_raw_handle() as isize)
            .map_err(io::Error::other)?;
        Ok((child, Self { job }))
    }

    /// Closing the job's last handle ends every process in it.
    pub fn end(self) {
        drop(self.job);
    }
}
