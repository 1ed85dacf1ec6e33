//! The threads that the sandbox's servers run on, and how other code reaches them.

use std::{
    future::Future,
    net::{Ipv4Addr, TcpListener},
    sync::{LazyLock, Mutex, MutexGuard, mpsc},
};

use anyhow::{Context as _, Result};
use tokio::{
    runtime::{Builder, Runtime},
    task::{JoinHandle, JoinSet},
};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("sandbox")
        .enable_all()
        .build()
        .expect("a process can start two threads")
});

/// Runs a future to its end on the sandbox's threads. Unlike `block_on`, it works inside another
/// runtime.
pub(crate) fn wait<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    RUNTIME.spawn(async move {
        // The receiver waits until this ends.
        let _ = sender.send(future.await);
    });
    receiver.recv().expect("the future does not panic")
}

/// Takes a lock that is only held for a copy or a change that cannot fail.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder of the lock panics")
}

/// A server on a loopback port of the system's choice. Dropping it ends it and all its connections.
#[derive(Debug)]
pub(crate) struct Listener {
    port: u16,
    task: JoinHandle<()>,
}

impl Listener {
    /// Starts a server that calls `serve` for every connection.
    pub(crate) fn start<F>(
        serve: impl Fn(tokio::net::TcpStream) -> F + Send + 'static,
    ) -> Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen on 127.0.0.1")?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let task = RUNTIME.spawn(async move {
            let listener =
                tokio::net::TcpListener::from_std(listener).expect("the listener is non-blocking");
            // The set ends its tasks when this task is ended.
            let mut connections = JoinSet::new();
            loop {
                if let Ok((stream, _)) = listener.accept().await {
                    // Messages are short, so waiting for more gains nothing.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(serve(stream));
                }
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { port, task })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}
