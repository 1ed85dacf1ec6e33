//! Signals that end us: before they do, the process groups that run for us are ended, and the line
//! about a wait is erased from the terminal.

use std::sync::atomic::AtomicBool;

/// Erases the line that the cursor is in.
pub const ERASE_LINE: &[u8] = b"\r\x1b[K";

/// Whether a line of ours is to be erased from the terminal on standard error.
pub static HAS_LINE: AtomicBool = AtomicBool::new(false);

/// While one of these lives, the signals are handled. After the last one, their actions are what
/// they were.
pub struct EndingSignals {
    #[cfg(unix)]
    _guard: unix::Guard,
}

impl EndingSignals {
    #[cfg(unix)]
    pub fn handle() -> Self {
        Self {
            _guard: unix::Guard::new(),
        }
    }

    /// Starts the leader of a process group and ends the group before us, even if a signal arrives
    /// before its id is known.
    #[cfg(unix)]
    pub fn handle_group_of<E>(
        start: impl FnOnce() -> Result<std::process::Child, E>,
    ) -> Result<(std::process::Child, nix::unistd::Pid, Self), E> {
        let mut guard = unix::Guard::new();
        let (child, group) = guard.start(start)?;
        Ok((child, group, Self { _guard: guard }))
    }

    /// On Windows a Ctrl-C ends us without a handler: jobs end with us, and the line stays.
    #[cfg(windows)]
    pub fn handle() -> Self {
        Self {}
    }
}

/// Ends every process group that entra-psql started, before it ends without a signal.
#[cfg(unix)]
pub fn end_groups() {
    unix::end_groups();
}

/// Does nothing: on Windows the jobs end with entra-psql.
#[cfg(windows)]
pub fn end_groups() {}

#[cfg(unix)]
mod unix {
    //! The handler, what it can reach, and the guards that install it.

    use std::io;
    use std::process::Child;
    use std::sync::atomic::{AtomicI32, Ordering};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use nix::sys::signal::{
        SaFlags, SigAction, SigHandler, SigSet, Signal, kill, raise, sigaction,
    };
    use nix::unistd::{Pid, write};

    use super::{ERASE_LINE, HAS_LINE};

    /// The groups that run now; a handler can only reach a static. A group that finds no free slot
    /// isn't signalled, and ends when its pipes close.
    static GROUPS: [AtomicI32; 8] = [const { AtomicI32::new(0) }; 8];

    /// How many groups are being started. Meanwhile a signal waits in [`PENDING`].
    static STARTING: AtomicI32 = AtomicI32::new(0);

    static PENDING: AtomicI32 = AtomicI32::new(0);

    /// How many guards live, and the actions that their handlers replaced.
    static GUARDED: Mutex<Guarded> = Mutex::new(Guarded {
        count: 0,
        before: Vec::new(),
    });

    struct Guarded {
        count: usize,
        before: Vec<(Signal, SigAction)>,
    }

    const ENDING: [Signal; 5] = [
        Signal::SIGINT,
        Signal::SIGPIPE,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ];

    pub struct Guard {
        slot: Option<&'static AtomicI32>,
    }

    impl Guard {
        pub fn new() -> Self {
            let mut guarded = guarded();
            if guarded.count == 0 {
                let action = SigAction::new(
                    SigHandler::Handler(clean_up),
                    SaFlags::SA_RESETHAND,
                    SigSet::empty(),
                );
                guarded.before = ENDING
                    .into_iter()
                    .filter_map(|signal| Some((signal, replace(signal, &action)?)))
                    .collect();
            }
            guarded.count += 1;
            Self { slot: None }
        }

        pub fn start<E>(
            &mut self,
            start: impl FnOnce() -> Result<Child, E>,
        ) -> Result<(Child, Pid), E> {
            STARTING.fetch_add(1, Ordering::SeqCst);
            let started = start().map(|child| {
                let group = Pid::from_raw(child.id().cast_signed());
                let _guarded = guarded();
                let is_free = |slot: &&AtomicI32| slot.load(Ordering::SeqCst) == 0;
                self.slot = GROUPS.iter().find(is_free);
                if let Some(slot) = self.slot {
                    slot.store(group.as_raw(), Ordering::SeqCst);
                }
                (child, group)
            });
            STARTING.fetch_sub(1, Ordering::SeqCst);
            take_pending();
            started
        }
    }

    impl Drop for Guard {
        fn drop(&mut self) {
            let mut guarded = guarded();
            guarded.count -= 1;
            if guarded.count == 0 {
                for (signal, action) in guarded.before.drain(..) {
                    set(signal, &action);
                }
            }
            if let Some(slot) = self.slot {
                slot.store(0, Ordering::SeqCst);
            }
        }
    }

    fn guarded() -> MutexGuard<'static, Guarded> {
        GUARDED.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets `action` and returns the one before, unless the signal is ignored: that stays so, for
    /// us and for psql after us. A handler stays too: the code that set it ends the groups.
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
        // SAFETY: the handler only uses atomics, write, kill and raise.
        unsafe { sigaction(signal, action) }.ok()
    }

    pub fn end_groups() {
        for slot in &GROUPS {
            let group = slot.load(Ordering::SeqCst);
            if group != 0 {
                let _ = kill(Pid::from_raw(-group), Signal::SIGKILL);
            }
        }
    }

    /// Handles a signal that waited for the start of a group.
    fn take_pending() {
        let signal = PENDING.swap(0, Ordering::SeqCst);
        if signal != 0 {
            clean_up(signal);
        }
    }

    /// Cleans up, and then ends us as the signal would have: `SA_RESETHAND` has restored the
    /// default, and the signal, blocked while its handler runs, arrives when this returns.
    extern "C" fn clean_up(signal: i32) {
        if STARTING.load(Ordering::SeqCst) > 0 {
            PENDING.store(signal, Ordering::SeqCst);
            // The group may have been started meanwhile.
            if STARTING.load(Ordering::SeqCst) > 0 {
                return;
            }
            PENDING.store(0, Ordering::SeqCst);
        }
        if HAS_LINE.load(Ordering::SeqCst) {
            let _ = write(io::stderr(), ERASE_LINE);
        }
        end_groups();
        if let Ok(signal) = Signal::try_from(signal) {
            let _ = raise(signal);
        }
    }
}
