//! Where PostgreSQL's programs are, and which user they run as.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

/// Returns the directory that holds `initdb`, `postgres` and `psql`: on `PATH`, else the newest that
/// Debian or Homebrew installed.
pub fn bin_dir() -> Option<PathBuf> {
    let on_path = env::var_os("PATH")
        .map(|path| env::split_paths(&path).collect::<Vec<_>>())
        .unwrap_or_default();
    on_path
        .into_iter()
        .chain(newest_first("/usr/lib/postgresql", ""))
        .chain(newest_first("/opt/homebrew/opt", "postgresql@"))
        .chain(newest_first("/usr/local/opt", "postgresql@"))
        .find(|dir| {
            ["initdb", "postgres", "psql"]
                .iter()
                .all(|program| dir.join(program).is_file())
        })
}

/// Returns `bin` of each directory in `parent` whose name is `prefix` and a version.
fn newest_first(parent: &str, prefix: &str) -> Vec<PathBuf> {
    let version = |path: &Path| {
        path.file_name()?
            .to_str()?
            .strip_prefix(prefix)?
            .parse::<f64>()
            .ok()
    };
    let mut versions: Vec<(f64, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|item| Some((version(&item.path())?, item.path().join("bin"))))
        .collect();
    versions.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    versions.into_iter().map(|(_, path)| path).collect()
}

/// A user and its group, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    pub user: u32,
    pub group: u32,
}

/// Returns the user that PostgreSQL runs as if this process is root, since PostgreSQL refuses to run
/// as root; `None` if it isn't. Fails if there is neither a user `postgres` nor `nobody`.
pub fn unprivileged_account() -> Result<Option<Account>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        if let (Some(user), Some(group)) = (id("-u", name), id("-g", name)) {
            return Ok(Some(Account { user, group }));
        }
    }
    bail!(
        "PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as"
    )
}

fn id(flag: &str, name: &str) -> Option<u32> {
    let output = Command::new("id").args([flag, name]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
