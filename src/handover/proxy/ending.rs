//! When to end: at a signal, or, beside a program, at its end.

use std::io;

use super::signals::Signals;

/// What ends us.
pub enum End {
    OnSignal,
    /// The end of this process, or a signal.
    #[cfg(unix)]
    With(super::helper::Watched),
}

/// The end, watched for.
pub struct Ending {
    signals: Signals,
    #[cfg(unix)]
    process: Option<super::helper::Watching>,
}

impl End {
    /// Begins to watch, inside a runtime.
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

    /// Begins to watch, inside a runtime.
    #[cfg(windows)]
    pub fn watch(self) -> io::Result<Ending> {
        let Self::OnSignal = self;
        Ok(Ending {
            signals: Signals::new()?,
        })
    }
}

impl Ending {
    /// Waits for the end. After that of the process, the next one is a signal.
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
