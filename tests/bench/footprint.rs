//! Peak memory, instructions and size: what the launcher takes whatever the machine does meanwhile.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

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
    // Stands for psql: its `exec` fails, and what came before is counted.
    let nothing = tempfile::NamedTempFile::new().expect("a file");
    let runnable = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(nothing.path(), runnable).expect("a mode");
    let nothing = nothing.into_temp_path();
    let paths: [(&str, &[&str]); 3] = [
        ("pass-through", &["-h", "/tmp"]),
        ("a decision for Azure, refused", &["sslmode=disable"]),
        ("hit", &[]),
    ];
    for (what, words) in paths {
        match instructions(launcher, variables, &nothing, words) {
            Some(count) => println!("| instructions, {what} | {count} |"),
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

/// Counts instructions with valgrind, up to the `exec` of `program` in psql's place, which fails.
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
    let counts = tempfile::tempdir().ok()?;
    let whole = counts.path().join("count");
    let status = Command::new(valgrind)
        .args(["--quiet", "--tool=callgrind", "--dump-before=exec*"])
        .arg(format!("--callgrind-out-file={}", whole.display()))
        .arg(launcher)
        .args(words)
        .env_clear()
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .env("ENTRA_PSQL_PROGRAM", program)
        .stderr(Stdio::null())
        .status()
        .ok()?;
    assert!(!status.success(), "`{}` was run", program.display());
    // What came before the first `exec`; a run without one has the whole.
    let before = counts.path().join("count.1");
    let count = std::fs::read_to_string(before).or_else(|_| std::fs::read_to_string(whole));
    let count = count.ok()?;
    let line = count
        .lines()
        .find_map(|line| line.strip_prefix("totals: "))?;
    Some(line.to_owned())
}
