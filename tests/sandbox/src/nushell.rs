//! Nushell, from npm: Debian has no package of it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use crate::{cache::Cache, prerequisites, progress};

/// The version that is installed.
const VERSION: &str = "0.108.0";

/// Returns the program, and installs it on first use.
pub(crate) fn prepare(cache: &Cache) -> Result<PathBuf> {
    let entry = cache.entry(&format!("nushell-{VERSION}"), |dir| {
        install(dir, &prerequisites::program("npm")?)
    })?;
    // The package's own program is a script that runs this one.
    let packages = entry.join("node_modules/@nushell");
    let package = fs::read_dir(packages)?.next().transpose()?;
    let package = package.map(|package| package.path()).unwrap_or_default();
    Ok(package.join("bin/nu"))
}

fn install(dir: &Path, npm: &Path) -> Result<()> {
    let mut command = Command::new(npm);
    command
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefix",
        ])
        .arg(dir)
        .arg(format!("nushell@{VERSION}"));
    progress::run(
        &format!("installing Nushell {VERSION} (45 MB, once)"),
        &mut command,
        &dir.join("install.log"),
    )
}
