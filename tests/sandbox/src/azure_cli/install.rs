//! Installing the Azure CLI from the Python package index into an environment of its own.

use std::{
    fs::{self, File},
    io::{IsTerminal as _, Write as _, stderr},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use super::VERSION;
use crate::cache::Cache;

/// Runs the CLI as its own packages do, from wherever the directory is.
const SCRIPT: &str = r#"#!/bin/sh
# The Azure CLI of the entra-psql sandbox.
AZ_INSTALLER=PIP exec "$(dirname "$0")/../python/bin/python" -Im azure.cli "$@"
"#;

/// The directory that holds `az` alone.
pub(super) fn prepare(cache: &Cache) -> Result<PathBuf> {
    Ok(cache
        .entry(&format!("azure-cli-{VERSION}"), install)?
        .join("bin"))
}

fn install(dir: &Path) -> Result<()> {
    let python = dir.join("python");
    let log = dir.join("install.log");
    run(
        "preparing Python",
        Command::new("python3").args(["-m", "venv"]).arg(&python),
        &log,
    )?;
    // The user's environment stays: it may say how to reach the package index.
    run(
        &format!("installing Azure CLI {VERSION} (700 MB, once)"),
        Command::new(python.join("bin/python"))
            .args([
                "-m",
                "pip",
                "install",
                "--disable-pip-version-check",
                "--no-input",
            ])
            .arg(format!("azure-cli=={VERSION}")),
        &log,
    )?;
    let bin = dir.join("bin");
    fs::create_dir(&bin)?;
    fs::write(bin.join("az"), SCRIPT)?;
    fs::set_permissions(bin.join("az"), fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// Runs a command that takes its time, with the seconds counted on a terminal.
fn run(what: &str, command: &mut Command, log: &Path) -> Result<()> {
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
