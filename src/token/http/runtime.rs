//! Runs HTTP requests to their end or to a deadline.

use std::time::Duration;

use tokio::runtime::Runtime;

use crate::failure::Failure;
use crate::system::threads;

/// How long the thread for name lookups waits for the next one: longer than any sign-in.
const KEPT_ALIVE: Duration = Duration::from_secs(24 * 60 * 60);

/// Runs `work` for at most `time`; `None` if it takes longer.
pub fn block_on<T>(time: Duration, work: impl Future<Output = T>) -> Result<Option<T>, Failure> {
    let runtime = runtime()?;
    let done = runtime.block_on(async { tokio::time::timeout(time, work).await });
    // Dropping the runtime would wait for name lookups that still run.
    runtime.shutdown_background();
    Ok(done.ok())
}

/// Builds a runtime on this thread, with one more thread for name lookups.
pub fn runtime() -> Result<Runtime, Failure> {
    let unusable = |why| {
        Failure::sign_in(format!("no HTTPS connection can be made: {why}")).hint(threads::REMEDY)
    };
    threads::check(1).map_err(unusable)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .thread_keep_alive(KEPT_ALIVE)
        .build()
        .map_err(unusable)?;
    // Tokio panics if it can't start a thread for a lookup, but reuses one that it has.
    drop(runtime.spawn_blocking(|| ()));
    Ok(runtime)
}
