//! What is expensive to make and the same in every run: kept below the build's target directory, so
//! that `cargo clean` removes it.
//!
//! An entry is complete as soon as it exists: it is built under another name and renamed. Several
//! processes may ask for the same entry; one builds it, the others wait for its lock.

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
    /// Opens, and where need be makes, `sandbox` in the target directory.
    ///
    /// # Errors
    ///
    /// Where the directory cannot be made.
    pub fn open() -> Result<Self> {
        let dir = target_dir().join("sandbox");
        fs::create_dir_all(&dir).with_context(|| format!("cannot create `{}`", dir.display()))?;
        Ok(Self { dir })
    }

    /// Waits until no other process has the turn of this `name`; it is ours until the file is
    /// dropped.
    ///
    /// # Errors
    ///
    /// Where the file system refuses.
    pub fn turn(&self, name: &str) -> Result<File> {
        let lock = File::create(self.dir.join(format!("{name}.lock")))?;
        lock.lock()
            .with_context(|| format!("cannot lock `{name}`"))?;
        Ok(lock)
    }

    /// The directory `name`, which `build` fills where it does not exist yet.
    ///
    /// # Errors
    ///
    /// Where `build` fails, or the file system does.
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

/// The directory that cargo marked as its target directory and this program was built into; the
/// workspace's own where the program was moved elsewhere.
#[must_use]
pub fn target_dir() -> PathBuf {
    let marked = |dir: &&Path| dir.join("CACHEDIR.TAG").is_file();
    env::current_exe()
        .ok()
        .and_then(|exe| exe.ancestors().find(marked).map(Path::to_path_buf))
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"))
}

/// Copies a directory and all below it, with permissions, into `to`, which must not exist.
///
/// `owner` becomes the owner (user and group id) of every copy, where given.
///
/// # Errors
///
/// Where the file system refuses.
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

/// Gives a file to `owner` (user and group id), where there is one.
///
/// # Errors
///
/// Where the system refuses.
pub fn chown(path: &Path, owner: Option<(u32, u32)>) -> Result<()> {
    if let Some((user, group)) = owner {
        std::os::unix::fs::chown(path, Some(user), Some(group))?;
    }
    Ok(())
}
