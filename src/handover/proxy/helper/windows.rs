//! The helper on Windows: one thread runs the program, and the others serve it.

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, scope};

use tokio::sync::oneshot;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::handover::exec;
use crate::handover::launch::Launch;
use crate::handover::renew::Local;
use crate::system::{terminal, threads};

use super::impossible;

/// What the program's thread waits for.
pub struct Announcement(Sender<Local>);

/// A program whose end the helper waits for.
pub struct Watched(oneshot::Receiver<Result<i32, Failure>>);

/// Does `work`. Once it announces that it is ready, runs the program that `launch` prepares. Returns
/// the outcome of `work`.
pub fn run(
    _environment: &Environment,
    work: impl FnOnce(&mut Announcement, Watched) -> Result<i32, Failure>,
    launch: impl FnOnce(&Local) -> Result<Launch, Failure> + Send,
) -> Result<i32, Failure> {
    let (announcement, announced) = channel();
    let (ended, program) = oneshot::channel();
    let run_program = move || {
        // If nothing is announced, `work` has failed.
        if let Ok(local) = announced.recv() {
            let outcome = launch(&local).and_then(|launch| {
                terminal::release();
                exec::become_program(&launch)
            });
            // `work` waits for it.
            let _ = ended.send(outcome);
        }
    };
    scope(|scope| {
        let started = Builder::new().spawn_scoped(scope, run_program);
        started.map_err(|why| impossible(&why, threads::REMEDY))?;
        work(&mut Announcement(announcement), Watched(program))
    })
}

impl Announcement {
    /// Has the program started, with its connection to the helper.
    pub fn ready(&mut self, local: &Local) -> io::Result<()> {
        let sent = self.0.send(local.clone());
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Watched {
    /// Needs nothing of the runtime.
    pub fn watch(self) -> io::Result<Self> {
        Ok(self)
    }

    /// Waits until the program has ended, and returns its exit code, or why it didn't run.
    pub async fn ended(&mut self) -> Result<i32, Failure> {
        // Only a panic drops the other side.
        (&mut self.0).await.unwrap_or(Ok(1))
    }
}
