//! SIGCHLD, which some who start us have ignored: the system then keeps the end of no child, and
//! none can be waited for.

/// While one of these lives, the signal is not ignored, neither by us nor by what we start. After
/// the last one it is as it was, so that psql finds it so.
#[must_use]
pub struct ChildSignal {
    #[cfg(unix)]
    _count: unix::Count,
}

impl ChildSignal {
    /// To be had before a child is started, and kept until it was waited for.
    #[cfg(unix)]
    pub fn heard() -> Self {
        Self {
            _count: unix::Count::begin(),
        }
    }

    /// To be had before a child is started, and kept until it was waited for. Windows has no such
    /// signal.
    #[cfg(windows)]
    pub fn heard() -> Self {
        Self {}
    }
}

#[cfg(unix)]
mod unix {
    //! The signal's action, and how many want it to be the default.

    use std::sync::{Mutex, MutexGuard, PoisonError};

    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

    static STATE: Mutex<State> = Mutex::new(State {
        count: 0,
        before: None,
    });

    struct State {
        count: usize,
        /// What was in place before the first of them.
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
        // SAFETY: nothing is installed but the default, and what was there before.
        unsafe { sigaction(Signal::SIGCHLD, action) }.ok()
    }
}
