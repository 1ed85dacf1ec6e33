//! Peak memory, instructions and size: what the launcher takes whatever the machine does meanwhile.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use nix::sys::resource::{UsageWho, getrusage};

/// The word behind which the benchmark, run once more by itself, is told what to measure.
pub const ASIDE: &str = "--peak-memory-of";

/// Prints the footprint of `launcher` as rows of a table. `variables` are those of somebody whose
/// token is cached.
pub fn report(launcher: &str, variables: &[(String, String)]) {
    let own = std::env::current_exe().expect("our own path");
    let output = Command::new(own)
        .args([ASIDE, launcher])
        .output()
        .expect("a run");
    print!("{}", String::from_utf8_lossy(&output.stdout));
    let size = std::fs::metadata(launcher).expect("the program").len();
    println!("| size of the program | {} KiB |", size / 1024);
    // Stands for psql: its `exec` fails, and all that comes before is counted.
    let nothing = tempfile::NamedTempFile::new().expect("a file");
    let runnable = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(nothing.path(), runnable).expect("a mode");
    let nothing = nothing.into_temp_path();
    let paths: [(&str, &[&str]); 3] = [
        ("pass-through", &["-h", "/tmp"]),
        ("a decision for Azure, to a refusal", &["sslmode=disable"]),
        ("hit", &[]),
    ];
    for (what, words) in paths {
        match instructions(launcher, variables, &nothing, words) {
            Some(count) => println!("| instructions, {what}, to an `exec` that fails | {count} |"),
            None => println!("| instructions, {what} | not measured: valgrind is not installed |"),
        }
    }
}

/// The most memory that the launcher held until it became another program. A fresh process
/// measures, since a child's account begins with the pages of its parent.
pub fn print_peak_memory(program: &str) {
    let status = Command::new(program)
        .args(["--psql", "/bin/true", "-h", "/tmp"])
        .env_clear()
        .status()
        .expect("a run");
    assert!(status.success());
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN)
        .expect("an account")
        .max_rss();
    // Linux counts in KiB, macOS in bytes.
    let peak = if cfg!(target_os = "macos") {
        peak / 1024
    } else {
        peak
    };
    println!("| peak memory, pass-through | {peak} KiB (limit 8192) |");
}

/// Counts instructions with valgrind, of a run whose psql is `program`.
fn instructions(
    launcher: &str,
    variables: &[(String, String)],
    program: &Path,
    words: &[&str],
) -> Option<String> {
    let valgrind = Path::new("/usr/bin/valgrind");
    if !valgrind.exists() {
        return None;
    }
    let output = Command::new(valgrind)
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            launcher,
        ])
        .args(words)
        .env_clear()
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .env("ENTRA_PSQL_PROGRAM", program)
        .output()
        .ok()?;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = stderr.lines().find(|line| line.contains("Collected"))?;
    Some(line.rsplit(' ').next()?.to_owned())
}
