//! entra-psql for Windows: the built `entra-psql.exe` with the real `psql.exe` of two versions, run by Wine, against the
//! sandbox's real PostgreSQL and TLS on this machine.
//!
//! Three variables say where the parts are; without them nothing runs, which is said and counted:
//!
//! - `ENTRA_PSQL_WINE`: a program that runs the Windows program which is its first word, in our environment, with `/tmp` and
//!   the machine's loopback within reach;
//! - `ENTRA_PSQL_WINDOWS_PROGRAM`: `entra-psql.exe`;
//! - `ENTRA_PSQL_WINDOWS_PSQL`: a directory with a `psql.exe` and its libraries for each version, in `16` and in `18`.
//!
//! What Wine cannot show: the real `az.cmd` (a batch file answers as az was seen to answer), the lists of who may reach a
//! file, the code pages of a real console, and the Microsoft C runtime.

#[cfg(target_os = "linux")]
mod account;
#[cfg(target_os = "linux")]
mod connections;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod processes;
#[cfg(target_os = "linux")]
mod support;
#[cfg(target_os = "linux")]
mod words;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::process::ExitCode;

    let tests: Vec<support::Test> = [
        account::TESTS,
        connections::TESTS,
        files::TESTS,
        processes::TESTS,
        words::TESTS,
    ]
    .concat();
    let parts = match support::Parts::find() {
        Ok(parts) => parts,
        Err(missing) => {
            println!(
                "windows: NOT RUN: {} tests, since {missing}; see tests/windows/main.rs",
                tests.len()
            );
            return ExitCode::SUCCESS;
        }
    };
    let filters: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let is_wanted = |name: &str| filters.is_empty() || filters.iter().any(|f| name.contains(f));
    let mut failed = Vec::new();
    let mut count = 0;
    for (name, test) in tests.into_iter().filter(|(name, _)| is_wanted(name)) {
        count += 1;
        let passed = catch_unwind(AssertUnwindSafe(|| test(&parts))).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        if !passed {
            failed.push(name);
        }
    }
    println!("windows: {count} run under Wine, {} failed", failed.len());
    ExitCode::from(u8::from(!failed.is_empty()))
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("windows: NOT RUN: Wine and the sandbox are Linux's");
}
