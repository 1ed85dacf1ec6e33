//! A process and everything that it starts, ended together: az is a script that starts Python.
//!
//! On Unix the tree is a process group of its own. A Ctrl-C at the terminal does not reach that
//! group, so that the signals which end us are passed on while it runs, and then do what they
//! always do.

use std::io;
use std::process::{Child, Command};

#[cfg(unix)]
use super::child_signal::ChildSignal;

/// A running tree. Dropping it stops looking after it.
#[cfg(unix)]
pub struct Tree {
    group: nix::unistd::Pid,
    _signals: signals::PassedOn,
    _child_signal: ChildSignal,
}

/// A running tree. When we end, however that comes, Windows ends it.
#[cfg(windows)]
pub struct Tree {
    job: win32job::Job,
}

#[cfg(unix)]
impl Tree {
    /// Starts `command` as the root of a tree.
    ///
    /// # Errors
    ///
    /// The program cannot be run.
    pub fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        std::os::unix::process::CommandExt::process_group(command, 0);
        let child_signal = ChildSignal::heard();
        let child = command.spawn()?;
        let group = nix::unistd::Pid::from_raw(child.id().cast_signed());
        let tree = Self {
            group,
            _signals: signals::PassedOn::to(group),
            _child_signal: child_signal,
        };
        Ok((child, tree))
    }

    /// Ends every process of the tree.
    pub fn end(self) {
        // The one error there can be is that all of them are gone.
        let _ = nix::sys::signal::killpg(self.group, nix::sys::signal::Signal::SIGKILL);
    }
}

#[cfg(windows)]
impl Tree {
    /// Starts `command` as the root of a tree.
    ///
    /// # Errors
    ///
    /// The program cannot be run, or there can be no job for it.
    pub fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        use std::os::windows::io::AsRawHandle as _;

        let mut limits = win32job::ExtendedLimitInfo::new();
        limits.limit_kill_on_job_close();
        let job = win32job::Job::create_with_limit_info(&limits).map_err(io::Error::other)?;
        let child = command.spawn()?;
        job.assign_process(child.as_raw_handle() as isize)
            .map_err(io::Error::other)?;
        Ok((child, Self { job }))
    }

    /// Ends every process of the tree: closing the job's last handle does.
    pub fn end(self) {
        drop(self.job);
    }
}

/// Ends every process of every tree that runs, before we end.
#[cfg(unix)]
pub fn end_all() {
    signals::end_groups();
}

/// Ends every process of every tree that runs, which Windows does when we end.
#[cfg(windows)]
pub fn end_all() {}

#[cfg(unix)]
mod signals {
    //! Signals that end us, passed on to the process groups that run first.

    use std::sync::atomic::{AtomicI32, Ordering};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use nix::sys::signal::{
        SaFlags, SigAction, SigHandler, SigSet, Signal, killpg, raise, sigaction,
    };
    use nix::unistd::Pid;

    /// The groups that run now; a handler can reach nothing but a static. A group that finds no
    /// place is not passed anything, and ends with its pipes.
    static GROUPS: [AtomicI32; 8] = [const { AtomicI32::new(0) }; 8];

    /// How many groups run, and what was in the handlers' place before the first of them.
    static RUNNING: Mutex<Running> = Mutex::new(Running {
        count: 0,
        before: Vec::new(),
    });

    struct Running {
        count: usize,
        before: Vec<(Signal, SigAction)>,
    }

    const ENDING: [Signal; 4] = [
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ];

    /// While this lives, signals are passed on. After the last one, all is as it was.
    pub struct PassedOn {
        place: Option<&'static AtomicI32>,
    }

    impl PassedOn {
        pub fn to(group: Pid) -> Self {
            let mut running = running();
            let is_free = |place: &&AtomicI32| place.load(Ordering::SeqCst) == 0;
            let place = GROUPS.iter().find(is_free);
            if let Some(place) = place {
                place.store(group.as_raw(), Ordering::SeqCst);
            }
            if running.count == 0 {
                let action = SigAction::new(
                    SigHandler::Handler(pass_on),
                    SaFlags::SA_RESETHAND,
                    SigSet::empty(),
                );
                running.before = ENDING
                    .into_iter()
                    .filter_map(|signal| Some((signal, replace(signal, &action)?)))
                    .collect();
            }
            running.count += 1;
            Self { place }
        }
    }

    impl Drop for PassedOn {
        fn drop(&mut self) {
            let mut running = running();
            running.count -= 1;
            if running.count == 0 {
                for (signal, action) in running.before.drain(..) {
                    set(signal, &action);
                }
            }
            if let Some(place) = self.place {
                place.store(0, Ordering::SeqCst);
            }
        }
    }

    fn running() -> MutexGuard<'static, Running> {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts `action` in place and returns the one before, except where the signal is ignored: that
    /// stays so, for us and for psql after us. A handler stays too: whoever set it ends the groups.
    fn replace(signal: Signal, action: &SigAction) -> Option<SigAction> {
        let before = set(signal, action)?;
        if !matches!(before.handler(), SigHandler::SigDfl) {
            set(signal, &before);
            return None;
        }
        Some(before)
    }

    #[expect(
        unsafe_code,
        reason = "handlers are installed by a raw call; this one is async-signal-safe"
    )]
    fn set(signal: Signal, action: &SigAction) -> Option<SigAction> {
        // SAFETY: the handler calls nothing but atomic loads, kill and raise.
        unsafe { sigaction(signal, action) }.ok()
    }

    /// Ends all groups that run.
    pub fn end_groups() {
        for place in &GROUPS {
            let group = place.load(Ordering::SeqCst);
            if group != 0 {
                let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
            }
        }
    }

    /// Ends the groups and then ourselves, as the signal would have: `SA_RESETHAND` has put the
    /// default back, and the signal, blocked while its handler runs, comes through when this
    /// returns.
    extern "C" fn pass_on(signal: i32) {
        end_groups();
        if let Ok(signal) = Signal::try_from(signal) {
            let _ = raise(signal);
        }
    }
}
