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
            _guard: unix::Guard::new(None),
        }
    }

    #[cfg(unix)]
    pub fn pass_on_to(group: nix::unistd::Pid) -> Self {
        Self {
            _guard: unix::Guard::new(Some(group)),
        }
    }

    /// On Windows a Ctrl-C ends us without a handler: jobs end with us, and the line stays.
    #[cfg(windows)]
    pub fn handle() -> Self {
        Self {}
    }
}

#[cfg(unix)]
mod unix {
    //! The handler, what it can reach, and how many want it.

    use std::io;
    use std::sync::atomic::{AtomicI32, Ordering};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use nix::sys::signal::{
        SaFlags, SigAction, SigHandler, SigSet, Signal, killpg, raise, sigaction,
    };
    use nix::unistd::{Pid, write};

    use super::{ERASE_LINE, HAS_LINE};

    /// The groups that run now; a handler can only reach a static. A group that finds no free slot
    /// isn't signalled, and ends when its pipes close.
    static GROUPS: [AtomicI32; 8] = [const { AtomicI32::new(0) }; 8];

    /// How many guards live, and the actions that their handlers replaced.
    static GUARDED: Mutex<Guarded> = Mutex::new(Guarded {
        count: 0,
        before: Vec::new(),
    });

    struct Guarded {
        count: usize,
        before: Vec<(Signal, SigAction)>,
    }

    const ENDING: [Signal; 4] = [
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ];

    pub struct Guard {
        slot: Option<&'static AtomicI32>,
    }

    impl Guard {
        pub fn new(group: Option<Pid>) -> Self {
            let mut guarded = guarded();
            let slot = group.and_then(|group| {
                let is_free = |slot: &&AtomicI32| slot.load(Ordering::SeqCst) == 0;
                let slot = GROUPS.iter().find(is_free)?;
                slot.store(group.as_raw(), Ordering::SeqCst);
                Some(slot)
            });
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
            Self { slot }
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

    /// Sets `action` and returns the one before, unless the signal is ignored: that stays so, for us
    /// and for psql after us.
    fn replace(signal: Signal, action: &SigAction) -> Option<SigAction> {
        let before = set(signal, action)?;
        if matches!(before.handler(), SigHandler::SigIgn) {
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

    /// Cleans up, and then ends us as the signal would have: `SA_RESETHAND` has restored the default,
    /// and the signal, blocked while its handler runs, arrives when this returns.
    extern "C" fn clean_up(signal: i32) {
        if HAS_LINE.load(Ordering::SeqCst) {
            let _ = write(io::stderr(), ERASE_LINE);
        }
        for slot in &GROUPS {
            let group = slot.load(Ordering::SeqCst);
            if group != 0 {
                let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
            }
        }
        if let Ok(signal) = Signal::try_from(signal) {
            let _ = raise(signal);
        }
    }
}
