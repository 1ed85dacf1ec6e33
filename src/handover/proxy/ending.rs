//! When a proxy ends: at a signal or, as a helper, also when its program ends.

use std::future::pending;
use std::io;

use crate::failure::Failure;

use super::helper::{Watched, Watching};
use super::signals::Signals;

/// What ends a proxy.
pub enum End {
    OnSignal,
    /// The end of the watched program, or a signal.
    With(Watched),
}

/// An [`End`] that is being watched for.
pub struct Ending {
    signals: Option<Signals>,
    program: Option<Watching>,
    /// The exit code, or why the program didn't run.
    outcome: Result<i32, Failure>,
}

impl End {
    /// Starts to watch. Must be called inside a runtime.
    pub fn watch(self) -> io::Result<Ending> {
        let program = match self {
            Self::OnSignal => None,
            Self::With(program) => Some(program.watch()?),
        };
        // On Windows the program shares the console, and its Ctrl-C isn't for the helper.
        let heeds_signals = cfg!(unix) || program.is_none();
        Ok(Ending {
            signals: heeds_signals.then(Signals::new).transpose()?,
            program,
            outcome: Ok(0),
        })
    }
}

impl Ending {
    /// Waits for the end. After the program's end, a second call waits for a signal.
    pub async fn wait(&mut self) {
        let signals = &mut self.signals;
        let signal = async {
            match signals {
                Some(signals) => signals.next().await,
                None => pending().await,
            }
        };
        let Some(program) = &mut self.program else {
            return signal.await;
        };
        tokio::select! {
            outcome = program.ended() => {
                self.outcome = outcome;
                self.program = None;
            }
            () = signal => {}
        }
    }

    /// Returns the exit code.
    pub fn outcome(self) -> Result<i32, Failure> {
        self.outcome
    }
}
