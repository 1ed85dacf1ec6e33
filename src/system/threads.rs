//! Threads, where the system may have none left to give: a limit of the user's (`ulimit -u`), or of
//! a container.

use std::io;
use std::sync::mpsc::channel;
use std::thread::{Builder, Scope, ScopedJoinHandle};

/// What to do where there is none.
pub const REMEDY: &str = "end other programs, or allow more processes and threads: `ulimit -u`, or the container's limit";

/// Starts a thread that nobody waits for.
pub fn start(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let started = Builder::new().spawn(work).map_err(|why| refused(&why))?;
    drop(started);
    Ok(())
}

/// Checks that `count` threads can be had at once, for libraries that panic where they get none.
pub fn check(count: usize) -> io::Result<()> {
    std::thread::scope(|scope| {
        // They last until the senders are dropped, and those before this returns.
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

/// Work that is done beside other work, or was done before it where there was no thread for it.
pub enum Aside<'scope, T> {
    /// A thread does it.
    Running(ScopedJoinHandle<'scope, T>),
    /// What it came to.
    Done(T),
}

/// Has `work` done in a thread of its own, or at once where there is none.
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
    /// What the work came to. None of ours panics; where one did, that goes on here.
    pub fn joined(self) -> T {
        match self {
            Self::Running(handle) => handle
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Self::Done(value) => value,
        }
    }
}
