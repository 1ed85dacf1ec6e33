//! What is expensive to make and the same in every run. It is kept below the build's target
//! directory, so `cargo clean` removes it.
//!
//! An entry that exists is complete: it is built under another name and renamed. If several processes
//! ask for the same entry, one builds it and the others wait for its lock.

use std::{
    env,
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// The cache directory.
#[derive(Clone, Debug)]
pub struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// Opens `sandbox` in the target directory, and makes it if it is missing.
    pub fn open() -> Result<Self> {
        let dir = target_dir().join("sandbox");
        fs::create_dir_all(&dir).with_context(|| format!("cannot create `{}`", dir.display()))?;
        Ok(Self { dir })
    }

    /// Waits until no other process holds the lock `name`. This process holds it until the file is
    /// dropped.
    pub fn turn(&self, name: &str) -> Result<File> {
        let lock = File::create(self.dir.join(format!("{name}.lock")))?;
        lock.lock()
            .with_context(|| format!("cannot lock `{name}`"))?;
        Ok(lock)
    }

    /// Returns the directory `name`, and has `build` fill it if it does not exist.
    pub fn entry(&self, name: &str, build: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let entry = self.dir.join(name);
        if entry.exists() {
            return Ok(entry);
        }
        let _turn = self.turn(name)?;
        // Another process may have built it while this one waited.
        if entry.exists() {
            return Ok(entry);
        }
        let unfinished = self.dir.join(format!("{name}.unfinished"));
        match fs::remove_dir_all(&unfinished) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => fs::create_dir(&unfinished)?,
        }
        build(&unfinished)?;
        fs::rename(&unfinished, &entry)?;
        Ok(entry)
    }
}

/// Returns the target directory of cargo that this program was built into, or the workspace's if the
/// program was moved elsewhere.
pub fn target_dir() -> PathBuf {
    let marked = |dir: &&Path| dir.join("CACHEDIR.TAG").is_file();
    env::current_exe()
        .ok()
        .and_then(|exe| exe.ancestors().find(marked).map(Path::to_path_buf))
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"))
}

/// Copies a directory and everything below it, with permissions, to `to`, which must not exist. Every
/// copy belongs to `owner` (user and group id), if one is given.
pub fn copy_tree(from: &Path, to: &Path, owner: Option<(u32, u32)>) -> Result<()> {
    fs::create_dir(to).with_context(|| format!("cannot create `{}`", to.display()))?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    chown(to, owner)?;
    for item in fs::read_dir(from)? {
        let item = item?;
        let target = to.join(item.file_name());
        if item.file_type()?.is_dir() {
            copy_tree(&item.path(), &target, owner)?;
        } else {
            fs::copy(item.path(), &target)
                .with_context(|| format!("cannot copy `{}`", item.path().display()))?;
            chown(&target, owner)?;
        }
    }
    Ok(())
}

/// Gives a file to `owner` (user and group id), if there is one.
pub fn chown(path: &Path, owner: Option<(u32, u32)>) -> Result<()> {
    if let Some((user, group)) = owner {
        std::os::unix::fs::chown(path, Some(user), Some(group))?;
    }
    Ok(())
}
