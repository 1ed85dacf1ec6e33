//! psycopg, the Python package for PostgreSQL. It has a libpq of its own, newer than the system's,
//! and its own OpenSSL.
//!
//! The system's psql runs on that libpq if `LD_LIBRARY_PATH` names its directories, since libpq's
//! interface is the same in all versions.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::cache::Cache;
use crate::python;

/// The package's version. Its libpq is that of PostgreSQL 18.
const VERSION: &str = "3.3.9";

/// Returns the value for `PYTHONPATH`. On first use this installs psycopg with `python`, an
/// interpreter that has pip.
pub(crate) fn prepare(cache: &Cache, python: &Path) -> Result<PathBuf> {
    cache.entry(&format!("psycopg-{VERSION}"), |dir| install(dir, python))
}

/// Returns the value for `LD_LIBRARY_PATH`, for what [`prepare`] returned.
pub(crate) fn libraries(entry: &Path) -> OsString {
    let mut path = entry.join("link").into_os_string();
    path.push(":");
    path.push(entry.join("psycopg_binary.libs"));
    path
}

fn install(dir: &Path, python: &Path) -> Result<()> {
    let package = format!("psycopg[binary]=={VERSION}");
    let words = [OsStr::new("--target"), dir.as_os_str(), package.as_ref()];
    python::install(
        python,
        "installing psycopg",
        words,
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
        .context("psycopg brought no libpq")?;
    fs::create_dir(dir.join("link"))?;
    symlink(
        Path::new("../psycopg_binary.libs").join(libpq),
        dir.join("link/libpq.so.5"),
    )?;
    Ok(())
}
