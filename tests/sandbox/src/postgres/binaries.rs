//! Where PostgreSQL's programs are, and as whom they may run.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

/// The directory that holds `initdb`, `postgres` and `psql`: on PATH, else the newest that Debian
/// or Homebrew installed.
#[must_use]
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

/// `bin` of the directories in `parent` that are named `prefix` and a version.
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
    /// The user id.
    pub user: u32,
    /// The group id.
    pub group: u32,
}

/// As whom PostgreSQL runs where this process is root, which PostgreSQL refuses to be; `None` where
/// it is not.
///
/// # Errors
///
/// Where there is neither a user `postgres` nor `nobody`.
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
