//! Threads, when the system may have none left: a limit of the user (`ulimit -u`) or of a
//! container.

use std::io;
use std::sync::mpsc::channel;
use std::thread::{Builder, Scope, ScopedJoinHandle};

/// The hint if there is none.
pub const REMEDY: &str = "end other programs, or raise the limit on processes and threads (`ulimit -u`, or the container's)";

/// Starts a thread that nobody waits for.
pub fn start(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let started = Builder::new().spawn(work).map_err(|why| refused(&why))?;
    drop(started);
    Ok(())
}

/// Checks that `count` more threads are available, for libraries that panic without them.
pub fn check(count: usize) -> io::Result<()> {
    std::thread::scope(|scope| {
        // The threads last until the senders are dropped, before this returns.
        let mut held = Vec::new();
        for _ in 0..count {
            let (sender, receiver) = channel::<()>();
            Builder::new()
                .spawn_scoped(scope, move || receiver.recv().is_ok())
                .map_err(|why| refused(&why))?;
            held.push(sender);
        }
        Ok(())
    })
}

fn refused(why: &io::Error) -> io::Error {
    io::Error::new(why.kind(), format!("no thread can be started: {why}"))
}

/// Work on its own thread, or done already if there was no thread for it.
pub enum Aside<'scope, T> {
    Running(ScopedJoinHandle<'scope, T>),
    Done(T),
}

/// Runs `work` on its own thread, or at once if there is none.
pub fn aside<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Clone + Send + 'scope,
) -> Aside<'scope, T> {
    match Builder::new().spawn_scoped(scope, work.clone()) {
        Ok(handle) => Aside::Running(handle),
        Err(_) => Aside::Done(work()),
    }
}

impl<T> Aside<'_, T> {
    /// Waits for the result. A panic continues here.
    pub fn joined(self) -> T {
        match self {
            Self::Running(handle) => handle
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Self::Done(value) => value,
        }
    }
}
