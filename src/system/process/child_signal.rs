//! SIGCHLD. Some parents ignore it, and then the system discards the exit status of every child.

/// While one of these lives, the signal isn't ignored, by us or by what we start. After the last
/// one its action is what it was, and psql inherits that.
#[must_use]
pub struct ChildSignal {
    #[cfg(unix)]
    _count: unix::Count,
}

impl ChildSignal {
    /// Take it before a child is started, and keep it until the child was waited for.
    #[cfg(unix)]
    pub fn heard() -> Self {
        Self {
            _count: unix::Count::begin(),
        }
    }

    /// Windows has no such signal.
    #[cfg(windows)]
    pub fn heard() -> Self {
        Self {}
    }
}

#[cfg(unix)]
mod unix {
    //! The signal's action, and how many guards live.

    use std::sync::{Mutex, MutexGuard, PoisonError};

    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

    static STATE: Mutex<State> = Mutex::new(State {
        count: 0,
        before: None,
    });

    struct State {
        count: usize,
        /// The action that the first guard replaced.
        before: Option<SigAction>,
    }

    pub struct Count(());

    impl Count {
        pub fn begin() -> Self {
            let mut state = state();
            if state.count == 0 {
                let default = SigHandler::SigDfl;
                let action = SigAction::new(default, SaFlags::empty(), SigSet::empty());
                state.before = set(&action);
            }
            state.count += 1;
            Self(())
        }
    }

    impl Drop for Count {
        fn drop(&mut self) {
            let mut state = state();
            state.count -= 1;
            if state.count == 0
                && let Some(before) = state.before.take()
            {
                set(&before);
            }
        }
    }

    fn state() -> MutexGuard<'static, State> {
        STATE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(unsafe_code, reason = "actions are set by a raw call")]
    fn set(action: &SigAction) -> Option<SigAction> {
        // SAFETY: only the default and the earlier action are installed.
        unsafe { sigaction(Signal::SIGCHLD, action) }.ok()
    }
}
