//! When a proxy ends: at a signal or, as a helper, also when its program ends.

use std::io;

use super::signals::Signals;

/// What ends a proxy.
pub enum End {
    OnSignal,
    /// The end of the watched process, or a signal.
    #[cfg(unix)]
    With(super::helper::Watched),
}

/// An [`End`] that is being watched for.
pub struct Ending {
    signals: Signals,
    #[cfg(unix)]
    process: Option<super::helper::Watching>,
}

impl End {
    /// Starts to watch. Must be called inside a runtime.
    #[cfg(unix)]
    pub fn watch(self) -> io::Result<Ending> {
        Ok(Ending {
            signals: Signals::new()?,
            process: match self {
                Self::OnSignal => None,
                Self::With(process) => Some(process.watch()?),
            },
        })
    }

    /// Starts to watch. Must be called inside a runtime.
    #[cfg(windows)]
    pub fn watch(self) -> io::Result<Ending> {
        let Self::OnSignal = self;
        Ok(Ending {
            signals: Signals::new()?,
        })
    }
}

impl Ending {
    /// Waits for the end. After the process's end, a second call waits for a signal.
    pub async fn wait(&mut self) {
        #[cfg(unix)]
        if let Some(process) = &self.process {
            tokio::select! {
                () = process.ended() => self.process = None,
                () = self.signals.next() => {}
            }
            return;
        }
        self.signals.next().await;
    }
}
