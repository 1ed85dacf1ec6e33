//! entra-psql for Windows: the built `entra-psql.exe` with the real `psql.exe` of two versions, run
//! by Wine, against the sandbox's real PostgreSQL and TLS on this machine.
//!
//! Where the parts are is for variables to say, see `wine.rs`; without them nothing runs, which is
//! said and counted.
//!
//! What Wine cannot show: a Python of Windows (az is a batch file here as there, and what that
//! starts goes over a bridge to the real az on Linux), the lists of who may reach a file, the code
//! pages of a real console, and the Microsoft C runtime.

#[cfg(target_os = "linux")]
mod account;
#[cfg(target_os = "linux")]
mod connections;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod processes;
#[cfg(target_os = "linux")]
mod renewal;
#[cfg(target_os = "linux")]
mod support;
#[cfg(target_os = "linux")]
mod terminal;
#[cfg(target_os = "linux")]
#[path = "../it/user.rs"]
mod user;
#[cfg(target_os = "linux")]
mod wine;
#[cfg(target_os = "linux")]
mod words;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use std::panic::catch_unwind;
    use std::process::ExitCode;

    let tests: Vec<support::Test> = [
        account::TESTS,
        connections::TESTS,
        files::TESTS,
        processes::TESTS,
        renewal::TESTS,
        words::TESTS,
    ]
    .concat();
    if let Err(missing) = wine::Wine::find() {
        println!(
            "windows: NOT RUN: {} tests, since {missing}; see tests/windows/wine.rs",
            tests.len()
        );
        return ExitCode::SUCCESS;
    }
    let filters: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let is_wanted = |name: &str| filters.is_empty() || filters.iter().any(|f| name.contains(f));
    let mut failed = Vec::new();
    let mut count = 0;
    for (name, test) in tests.into_iter().filter(|(name, _)| is_wanted(name)) {
        count += 1;
        let passed = catch_unwind(test).is_ok();
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
