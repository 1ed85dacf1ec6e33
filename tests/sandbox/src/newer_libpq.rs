//! A libpq newer than the system's psql comes with: the one in the Python package `psycopg-binary`, with its OpenSSL.
//!
//! The system's psql runs on it where `LD_LIBRARY_PATH` names its directories, since libpq's interface is the same in
//! all versions.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::cache::Cache;
use crate::progress;

/// The package's version, whose libpq is one of PostgreSQL 18.
const VERSION: &str = "3.3.9";

/// The value for `LD_LIBRARY_PATH`. Installed on first use with `python`, an interpreter that has pip.
pub(crate) fn prepare(cache: &Cache, python: &Path) -> Result<OsString> {
    let entry = cache.entry(&format!("psycopg-binary-{VERSION}"), |dir| {
        install(dir, python)
    })?;
    let libraries = entry.join("psycopg_binary.libs");
    let link = entry.join("link");
    let mut path = link.into_os_string();
    path.push(":");
    path.push(libraries);
    Ok(path)
}

fn install(dir: &Path, python: &Path) -> Result<()> {
    progress::run(
        "installing a newer libpq",
        Command::new(python)
            .args([
                "-m",
                "pip",
                "install",
                "--disable-pip-version-check",
                "--no-input",
                "--no-deps",
                "--target",
            ])
            .arg(dir)
            .arg(format!("psycopg-binary=={VERSION}")),
        &dir.join("install.log"),
    )?;
    let libraries: Vec<PathBuf> = fs::read_dir(dir.join("psycopg_binary.libs"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    let libpq = libraries
        .iter()
        .find(|path| {
            path.file_name()
                .is_some_and(|name| name.display().to_string().starts_with("libpq-"))
        })
        .and_then(|path| path.file_name())
        .context("psycopg-binary holds no libpq")?;
    fs::create_dir(dir.join("link"))?;
    symlink(
        Path::new("../psycopg_binary.libs").join(libpq),
        dir.join("link/libpq.so.5"),
    )?;
    Ok(())
}
