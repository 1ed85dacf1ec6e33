//! Installs the Azure CLI from the Python package index into an environment of its own.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use super::VERSION;
use crate::{cache::Cache, progress, python};

/// Runs the CLI as its own packages do, wherever the directory is.
const SCRIPT: &str = r#"#!/bin/sh
# The Azure CLI of the entra-psql sandbox.
AZ_INSTALLER=PIP exec "$(dirname "$0")/../python/bin/python" -Im azure.cli "$@"
"#;

/// The interpreter, relative to the directory that holds only `az`.
pub(super) fn python(bin: &Path) -> PathBuf {
    bin.join("../python/bin/python")
}

/// The directory that holds only `az`.
pub(super) fn prepare(cache: &Cache) -> Result<PathBuf> {
    Ok(cache
        .entry(&format!("azure-cli-{VERSION}"), install)?
        .join("bin"))
}

fn install(dir: &Path) -> Result<()> {
    let python = dir.join("python");
    let log = dir.join("install.log");
    progress::run(
        "preparing Python",
        Command::new("python3").args(["-m", "venv"]).arg(&python),
        &log,
    )?;
    python::install(
        &python.join("bin/python"),
        &format!("installing Azure CLI {VERSION} (700 MB, once)"),
        [format!("azure-cli=={VERSION}")],
        &log,
    )?;
    let bin = dir.join("bin");
    fs::create_dir(&bin)?;
    fs::write(bin.join("az"), SCRIPT)?;
    fs::set_permissions(bin.join("az"), fs::Permissions::from_mode(0o755))?;
    Ok(())
}
