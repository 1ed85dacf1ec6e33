//! Slow steps, and what is shown meanwhile.

use std::{
    fs::{self, File},
    io::{IsTerminal as _, Write as _, stderr},
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

/// Runs a slow command, and counts the seconds at a terminal.
pub(crate) fn run(what: &str, command: &mut Command, log: &Path) -> Result<()> {
    let output = File::create(log)?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()
        .with_context(|| format!("{what}: cannot run `{}`", command.get_program().display()))?;
    let start = Instant::now();
    let terminal = stderr().is_terminal();
    if !terminal {
        eprintln!("sandbox: {what}");
    }
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if terminal {
            eprint!("\rsandbox: {what} … {} s", start.elapsed().as_secs());
            stderr().flush()?;
        }
        sleep(Duration::from_millis(200));
    };
    if terminal {
        eprintln!();
    }
    if !status.success() {
        bail!("{what} failed: {}", fs::read_to_string(log)?.trim_end());
    }
    Ok(())
}
