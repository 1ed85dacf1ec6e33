//! The directory for what is ours alone: az's lock, cached tokens, derived root files.
//!
//! It is the session's runtime directory, which ends with the session, else the user's cache
//! directory. Nothing is created where someone else could replace the directory, nor below a
//! directory that isn't ours. It and every file in it must belong to us and be closed to others.
//! Anything else is refused, not repaired. On Windows `access_list` judges that.

#[cfg(any(windows, test))]
pub mod access_list;
#[cfg(unix)]
mod places;
#[cfg(windows)]
mod windows;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::system::{plain_file, terminal};

/// More than any file that we write, in bytes: a file of roots may have some hundred thousand.
const LONGEST: u64 = 16 * 1024 * 1024;

/// A directory that is ours alone.
#[derive(Debug)]
pub struct PrivateDirectory {
    path: PathBuf,
}

/// Something that others may have read or written, and why it isn't used.
#[derive(Debug, PartialEq, Eq)]
pub struct Exposed(pub String);

impl PrivateDirectory {
    /// Opens the directory, or creates it. `None` if there can be none, for example with a
    /// read-only home: then nothing is kept, which isn't a failure.
    pub fn open() -> Result<Option<Self>, Exposed> {
        Self::open_below(parents())
    }

    fn open_below(parents: Vec<PathBuf>) -> Result<Option<Self>, Exposed> {
        parents
            .into_iter()
            .map(|parent| parent.join("entra-psql"))
            .find(|path| make(path).is_ok())
            .map(|path| {
                let about = fs::symlink_metadata(&path).map_err(|why| Exposed(why.to_string()))?;
                if !about.is_dir() {
                    return Err(Exposed(format!("`{}` isn't a directory", path.display())));
                }
                check(&path, &about)?;
                Ok(Self { path })
            })
            .transpose()
    }

    /// Opens the directory for what outlives the login session, or creates it. Returns `None` if
    /// there can't be one.
    pub fn open_state() -> Result<Option<Self>, Exposed> {
        Self::open_below(state_parents())
    }

    /// Creates a file that is removed when it is dropped.
    pub fn temporary_file(&self, name: &str) -> io::Result<NamedTempFile> {
        new_file(tempfile::Builder::new().prefix(name), &self.path)
    }

    /// Opens the directory, or warns that it is exposed and nothing is kept.
    pub fn open_or_warn() -> Option<Self> {
        Self::open().unwrap_or_else(|Exposed(why)| {
            terminal::warn(&format!("access tokens are not cached: {why}"));
            None
        })
    }

    pub fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Opens a file to lock it, or creates it.
    pub fn lock_file(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        private(&mut options);
        let file = options.open(self.path_of(name))?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it isn't a regular file",
            ));
        }
        Ok(file)
    }

    /// Reads a file; `None` if it can't be read, or is longer than any that we write.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Exposed> {
        let path = self.path_of(name);
        let Ok(about) = fs::symlink_metadata(&path) else {
            return Ok(None);
        };
        if !about.is_file() {
            return Err(Exposed(format!(
                "`{}` isn't a regular file",
                path.display()
            )));
        }
        let mut options = OpenOptions::new();
        options.read(true);
        private(&mut options);
        let Ok(file) = options.open(&path) else {
            return Ok(None);
        };
        // Checked on the open file, which can't be replaced any more.
        let about = file.metadata().map_err(|why| Exposed(why.to_string()))?;
        check(&path, &about)?;
        let mut bytes = Vec::with_capacity(plain_file::capacity(about.len(), LONGEST));
        let read = file.take(LONGEST + 1).read_to_end(&mut bytes);
        let is_whole = read.is_ok() && bytes.len() as u64 <= LONGEST;
        Ok(is_whole.then_some(bytes))
    }

    /// Replaces a file whole. A link in its place is replaced, not followed.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        // Only for the owner from the start, and removed if anything fails.
        let mut new = new_file(
            tempfile::Builder::new().prefix(name).suffix(".new"),
            &self.path,
        )?;
        new.write_all(bytes)?;
        new.persist(self.path_of(name))?;
        Ok(())
    }

    /// Returns the names of its files.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect()
    }

    pub fn remove(&self, name: &str) {
        // It doesn't matter who removes it.
        let _ = fs::remove_file(self.path_of(name));
    }
}

/// Returns possible parents of the directory, the best first.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "here they are known")]
fn parents() -> Vec<PathBuf> {
    let runtime = dirs::runtime_dir().and_then(|path| places::runtime_directory(&path));
    let cache = dirs::cache_dir().and_then(|path| places::cache_directory(&path));
    runtime.into_iter().chain(cache).collect()
}

/// Returns possible parents of the directory, the best first.
#[cfg(windows)]
#[expect(clippy::disallowed_methods, reason = "here they are known")]
fn parents() -> Vec<PathBuf> {
    dirs::cache_dir().into_iter().collect()
}

/// Returns the places for what outlives the login session, the best one first.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "here they are known")]
fn state_parents() -> Vec<PathBuf> {
    let state = dirs::state_dir().and_then(|path| places::state_directory(&path));
    let cache = dirs::cache_dir().and_then(|path| places::cache_directory(&path));
    state.into_iter().chain(cache).collect()
}

/// Returns the places for what outlives the login session: Windows has one place for everything.
#[cfg(windows)]
fn state_parents() -> Vec<PathBuf> {
    parents()
}

/// Creates the directory, and its parent if that is missing, only for the owner.
#[cfg(unix)]
fn make(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    let mut builder = fs::DirBuilder::new();
    builder.mode(0o700);
    for directory in path.parent().into_iter().chain([path]) {
        match builder.create(directory) {
            Err(why) if why.kind() != io::ErrorKind::AlreadyExists => return Err(why),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(windows)]
fn make(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match windows::make_directory(path) {
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Creates a file only for the owner, under a new name.
#[cfg(unix)]
fn new_file(named: &tempfile::Builder<'_, '_>, directory: &Path) -> io::Result<NamedTempFile> {
    named.tempfile_in(directory)
}

/// Creates a file only for the owner, under a new name.
#[cfg(windows)]
fn new_file(named: &tempfile::Builder<'_, '_>, directory: &Path) -> io::Result<NamedTempFile> {
    named.make_in(directory, windows::make_file)
}

/// Refuses what others can access.
fn check(path: &Path, about: &fs::Metadata) -> Result<(), Exposed> {
    match exposure(path, about) {
        None => Ok(()),
        Some(why) => Err(Exposed(format!("`{}` {why}", path.display()))),
    }
}

/// Returns how others can access something: it belongs to one of them, or they may read or write
/// it.
#[cfg(unix)]
fn exposure(_path: &Path, about: &fs::Metadata) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt as _;
    if about.uid() != nix::unistd::geteuid().as_raw() {
        Some("belongs to someone else")
    } else if about.mode() & 0o077 != 0 {
        Some("is open to others")
    } else {
        None
    }
}

/// Returns how others can access something: it belongs to one of them, or its access list grants
/// it.
#[cfg(windows)]
fn exposure(path: &Path, _about: &fs::Metadata) -> Option<&'static str> {
    match windows::descriptor_and_account(path) {
        Ok((descriptor, account)) => access_list::exposure(&descriptor, &account),
        Err(_) => Some("doesn't show who can access it"),
    }
}

/// Creates files only for the owner, follows no link, and doesn't wait for the other end of a pipe.
#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;

    use nix::fcntl::OFlag;

    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    options.mode(0o600).custom_flags(flags.bits());
}

/// On Windows files inherit the directory's access list, and nobody else can put a link there.
#[cfg(windows)]
fn private(_options: &mut OpenOptions) {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_place_of_a_file_is_not_waited_for_nor_read_without_end() {
        let directory = tempfile::tempdir().unwrap();
        let ours = PrivateDirectory {
            path: directory.path().to_owned(),
        };
        ours.replace("file", b"abc").unwrap();
        assert_eq!(ours.read("file"), Ok(Some(b"abc".to_vec())));
        let file = File::options().write(true).open(ours.path_of("file"));
        file.unwrap().set_len(LONGEST + 1).unwrap();
        assert_eq!(ours.read("file"), Ok(None));
        let pipe = ours.path_of("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(ours.lock_file("pipe").is_err());
        assert!(ours.read("pipe").is_err());
        let _reader = File::options().read(true).write(true).open(&pipe).unwrap();
        assert!(ours.lock_file("pipe").is_err());
        assert!(ours.lock_file("lock").is_ok());
    }
}
