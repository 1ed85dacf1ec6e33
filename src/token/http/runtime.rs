//! The runtime that requests are made on.

use std::time::Duration;

use tokio::runtime::Runtime;

use crate::failure::Failure;
use crate::system::threads;

/// How long a thread that looked a name up waits for the next one: longer than signing in takes.
const KEPT_ALIVE: Duration = Duration::from_secs(24 * 60 * 60);

/// What `work` comes to within `time`; `None` where it takes longer.
pub fn block_on<T>(time: Duration, work: impl Future<Output = T>) -> Result<Option<T>, Failure> {
    let runtime = runtime()?;
    let done = runtime.block_on(async { tokio::time::timeout(time, work).await });
    // A name that is still being looked up would be waited for otherwise.
    runtime.shutdown_background();
    Ok(done.ok())
}

/// A runtime on this thread, with a thread for the names that are looked up.
pub fn runtime() -> Result<Runtime, Failure> {
    let unusable =
        |why| Failure::sign_in(format!("no connection can be made: {why}")).hint(threads::REMEDY);
    threads::check(1).map_err(unusable)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .thread_keep_alive(KEPT_ALIVE)
        .build()
        .map_err(unusable)?;
    // Tokio panics where it gets no thread to look a name up. Once it has one, it does with that.
    drop(runtime.spawn_blocking(|| ()));
    Ok(runtime)
}
