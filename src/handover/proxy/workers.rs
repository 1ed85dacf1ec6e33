//! The threads that serve connections. Each has its own scheduler, and a connection stays on one
//! thread.
//!
//! tokio's scheduler for several threads needs the mathematics library, and every launch would have
//! to load that.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

use crate::system::threads;

/// Two threads serve many clients better than one, and more don't: a byte takes little work.
const COUNT: usize = 2;

/// Threads of one worker that resolve host names.
const RESOLVERS: usize = 4;

/// The workers. Dropping them ends every connection.
pub struct Workers(Vec<Worker>);

struct Worker {
    handle: Handle,
    /// How many connections it serves.
    load: Arc<AtomicUsize>,
    /// Dropped with the worker, which ends its thread.
    _end: oneshot::Sender<()>,
}

/// Counts a connection while it lasts.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Builds the runtime of one thread.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread()
        .max_blocking_threads(RESOLVERS)
        .enable_all()
        .build()
}

impl Workers {
    pub fn start() -> io::Result<Self> {
        // Each worker needs its thread and one that resolves names.
        threads::check(2 * COUNT)?;
        let workers = (0..COUNT).map(|_| Worker::start());
        workers.collect::<io::Result<_>>().map(Self)
    }

    /// Runs `work` on the worker with the fewest connections.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let load = |worker: &&Worker| worker.load.load(Ordering::Relaxed);
        if let Some(worker) = self.0.iter().min_by_key(load) {
            worker.load.fetch_add(1, Ordering::Relaxed);
            let counted = Counted(Arc::clone(&worker.load));
            worker.handle.spawn(async move {
                work.await;
                drop(counted);
            });
        }
    }
}

impl Worker {
    fn start() -> io::Result<Self> {
        let runtime = runtime()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        threads::start(move || {
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        })?;
        Ok(Self {
            handle,
            load: Arc::default(),
            _end: end,
        })
    }
}
