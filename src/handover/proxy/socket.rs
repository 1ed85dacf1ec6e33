//! A Unix socket in an owner-only directory, for programs of this user only.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use tokio::net::{UnixListener, UnixStream};

use crate::failure::Failure;

/// The longest path of a socket on macOS and the BSDs, which have the lowest limit: 104 bytes with
/// the NUL.
const LONGEST: usize = 103;

/// A listening socket. Dropping it removes its file, unless another process replaced it.
pub struct Socket {
    listener: UnixListener,
    file: Option<OwnFile>,
}

struct OwnFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Socket {
    /// Listens in `directory` under libpq's name for `port`. Replaces the socket of a process that
    /// has ended.
    pub fn open(directory: &Path, port: u16) -> Result<Self, Failure> {
        let directory = std::path::absolute(directory).map_err(|why| unusable(directory, &why))?;
        let path = directory.join(name(port));
        check_length(&path)?;
        make(&directory)?;
        // Otherwise two processes could each replace the other's new socket.
        let lock = File::open(&directory).map_err(|why| unusable(&directory, &why))?;
        let locked = lock.lock();
        locked.map_err(|why| unusable(&directory, &why))?;
        remove_stale(&path)?;
        let listener = UnixListener::bind(&path).map_err(|why| unusable(&path, &why))?;
        let about = fs::symlink_metadata(&path).map_err(|why| unusable(&path, &why))?;
        let socket = Self {
            listener,
            file: Some(OwnFile {
                path: path.clone(),
                device: about.dev(),
                inode: about.ino(),
            }),
        };
        rustix::fs::chmod(&path, Mode::RUSR | Mode::WUSR)
            .map_err(|why| unusable(&path, &why.into()))?;
        Ok(socket)
    }

    /// Listens on a socket that another process made and keeps.
    pub fn inherited(listener: UnixListener) -> Self {
        Self {
            listener,
            file: None,
        }
    }

    pub async fn accept(&self) -> io::Result<UnixStream> {
        let (stream, _) = self.listener.accept().await?;
        Ok(stream)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(file) = &self.file
            && let Ok(about) = fs::symlink_metadata(&file.path)
            && (about.dev(), about.ino()) == (file.device, file.inode)
        {
            // If it can't be removed, the next proxy replaces it.
            let _ = fs::remove_file(&file.path);
        }
    }
}

/// Returns whether a client is a program of this user.
pub fn is_ours(client: &UnixStream) -> bool {
    let peer = client.peer_cred();
    peer.is_ok_and(|peer| peer.uid() == nix::unistd::geteuid().as_raw())
}

/// Returns libpq's `host` and `port` for a socket's path.
pub fn place(path: &Path) -> Option<(OsString, u16)> {
    let name = path.file_name()?.to_str()?;
    let port = name.strip_prefix(".s.PGSQL.")?.parse().ok()?;
    Some((path.parent()?.as_os_str().to_owned(), port))
}

fn name(port: u16) -> String {
    format!(".s.PGSQL.{port}")
}

/// Refuses a directory in which the socket's path would be too long.
pub fn check(directory: &Path, port: u16) -> Result<(), Failure> {
    let directory = std::path::absolute(directory).map_err(|why| unusable(directory, &why))?;
    check_length(&directory.join(name(port)))
}

fn check_length(path: &Path) -> Result<(), Failure> {
    let length = path.as_os_str().as_bytes().len();
    if length <= LONGEST {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "the socket's path `{}` has {length} bytes; the limit is {LONGEST}",
        path.display()
    ))
    .hint("name a shorter directory with `--proxy=DIRECTORY`"))
}

/// Creates the directory, or checks that it is closed to other users.
fn make(directory: &Path) -> Result<(), Failure> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => return Ok(()),
        Err(why) if why.kind() == ErrorKind::AlreadyExists => {}
        Err(why) => return Err(unusable(directory, &why)),
    }
    let about = fs::metadata(directory).map_err(|why| unusable(directory, &why))?;
    let shown = directory.display();
    let wrong = if !about.is_dir() {
        Some(("isn't a directory", String::new()))
    } else if about.uid() != nix::unistd::geteuid().as_raw() {
        Some(("belongs to another user", String::new()))
    } else if about.mode() & 0o077 != 0 {
        let remedy = format!("run `chmod 700 '{shown}'`, or ");
        Some(("is open to other users", remedy))
    } else {
        None
    };
    match wrong {
        None => Ok(()),
        Some((what, remedy)) => Err(Failure::usage(format!(
            "the socket can't be in `{shown}`: it {what}"
        ))
        .hint(format!("{remedy}name another directory"))),
    }
}

/// Removes the socket of a process that has ended.
fn remove_stale(path: &Path) -> Result<(), Failure> {
    let Ok(about) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    let is_socket = std::os::unix::fs::FileTypeExt::is_socket(&about.file_type());
    let answered = is_socket.then(|| StdUnixStream::connect(path));
    let what = match answered {
        Some(Err(why)) if why.kind() == ErrorKind::ConnectionRefused => {
            return fs::remove_file(path).map_err(|why| unusable(path, &why));
        }
        Some(_) => "another proxy listens there",
        None => "it isn't a socket",
    };
    Err(
        Failure::sign_in(format!("can't listen on `{}`: {what}", path.display()))
            .hint("use that proxy, or name another directory with `--proxy=DIRECTORY`"),
    )
}

fn unusable(path: impl AsRef<OsStr>, why: &io::Error) -> Failure {
    Failure::sign_in(format!(
        "can't listen on `{}`: {why}",
        path.as_ref().display()
    ))
    .hint("name a directory of your own with `--proxy=DIRECTORY`")
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_io().build().unwrap()
    }

    fn own_directory() -> tempfile::TempDir {
        let mut builder = tempfile::Builder::new();
        let builder = builder.permissions(Permissions::from_mode(0o700));
        builder.tempdir().unwrap()
    }

    #[test]
    fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let directory = own_directory();
        let path = directory.path().join(name(5432));
        let runtime = runtime();
        let _inside = runtime.enter();
        // This is what a killed process leaves.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let socket = Socket::open(directory.path(), 5432).unwrap();
        let mode = fs::metadata(&path).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
        let second = Socket::open(directory.path(), 5432).err().unwrap();
        assert!(
            second.cause().ends_with("another proxy listens there"),
            "{second}"
        );
        assert!(path.exists());
        drop(socket);
        assert!(!path.exists());
        fs::write(&path, "mine").unwrap();
        let refused = Socket::open(directory.path(), 5432).err().unwrap();
        assert!(refused.cause().ends_with("it isn't a socket"), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }

    #[test]
    fn the_file_of_somebody_else_stays() {
        let directory = own_directory();
        let path = directory.path().join(name(1));
        let runtime = runtime();
        let _inside = runtime.enter();
        let socket = Socket::open(directory.path(), 1).unwrap();
        fs::rename(&path, directory.path().join("moved")).unwrap();
        fs::write(&path, "theirs").unwrap();
        drop(socket);
        assert!(path.exists());
    }

    #[test]
    fn directories_that_others_reach_are_refused() {
        let directory = own_directory();
        let runtime = runtime();
        let _inside = runtime.enter();
        let open = directory.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o750)).unwrap();
        let refused = Socket::open(&open, 1).err().unwrap();
        assert!(
            refused.cause().ends_with(": it is open to other users"),
            "{refused}"
        );
        let long = directory.path().join("x".repeat(100));
        let refused = Socket::open(&long, 1).err().unwrap();
        assert!(refused.cause().ends_with("the limit is 103"), "{refused}");
        assert!(!long.exists());
        let new = directory.path().join("new");
        let _socket = Socket::open(&new, 1).unwrap();
        assert_eq!(fs::metadata(&new).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn places_are_named_as_libpq_does() {
        assert_eq!(
            place(Path::new("/run/x/.s.PGSQL.6432")),
            Some(("/run/x".into(), 6432))
        );
        assert_eq!(place(Path::new("/run/x/socket")), None);
    }
}
