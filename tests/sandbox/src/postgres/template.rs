//! The prepared cluster that every run copies.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash as _, Hasher as _},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use super::{bin_dir, cluster::Place, setup};
use crate::cache::{Cache, copy_tree};

/// Returns the data directory of the prepared cluster. It is made if there is none for this
/// PostgreSQL and this setup.
pub(super) fn prepare(cache: &Cache) -> Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    version()?.hash(&mut hasher);
    setup::CONFIGURATION.hash(&mut hasher);
    setup::script().hash(&mut hasher);
    let entry = cache.entry(&format!("cluster-{:016x}", hasher.finish()), build)?;
    Ok(entry.join("data"))
}

fn build(dir: &Path) -> Result<()> {
    let place = Place::create()?;
    place.initialise()?;
    let cluster = place.start()?;
    fs::write(cluster.data().join("postgresql.conf"), setup::CONFIGURATION)?;
    fs::write(cluster.data().join("pg_hba.conf"), setup::AUTHENTICATION)?;
    let server = cluster.server();
    server
        .sql("postgres", &setup::script())
        .context("cannot set up the server's roles and functions")?;
    server.sql("postgres", "CREATE DATABASE app")?;
    copy_tree(&cluster.stop().data, &dir.join("data"), None)
}

/// Returns the version as PostgreSQL prints it.
fn version() -> Result<String> {
    let bin = bin_dir()
        .context("PostgreSQL is not installed (no `initdb`, `postgres` and `psql` in one place)")?;
    let output = Command::new(bin.join("postgres"))
        .arg("--version")
        .output()
        .context("cannot run `postgres`")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
