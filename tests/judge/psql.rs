//! Finds the psql that judges.

use std::env;
use std::path::PathBuf;

/// The psql that `ENTRA_PSQL_JUDGE_PSQL` names. Without it the newest of the PGDG's places, where
/// it is itself; else the one on `PATH`, which Debian has wrapped.
pub fn find() -> PathBuf {
    if let Some(chosen) = env::var_os("ENTRA_PSQL_JUDGE_PSQL") {
        return chosen.into();
    }
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.parse().ok()?;
            let psql = entry.path().join("bin/psql");
            psql.is_file().then_some((version, psql))
        })
        .collect();
    versions.sort();
    versions
        .pop()
        .map(|(_, psql)| psql)
        .or_else(|| which::which("psql").ok())
        .expect("the judge needs the real psql: install PostgreSQL's client")
}
