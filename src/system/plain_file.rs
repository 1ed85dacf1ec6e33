//! Reads small files that others wrote, up to a limit. Only regular files, so no pipe or device
//! blocks us or is drained.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

/// Reads the regular file at `path`, which may be a link to one.
pub fn read(path: &Path, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let (file, length) = open(path)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity(length, limit)));
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it holds more than {limit} bytes"),
        ));
    }
    Ok(bytes)
}

/// Opens a regular file. The check comes before opening, since opening a pipe makes us its reader,
/// and again after it, since the file may have been replaced.
fn open(path: &Path) -> io::Result<(File, u64)> {
    check(&std::fs::metadata(path)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    without_waiting(&mut options);
    let file = options.open(path)?;
    let about = file.metadata()?;
    check(&about)?;
    Ok((file, about.len()))
}

/// Returns how much to allocate for a file of this length, of which up to `limit` is read. The file
/// is then read at once, and its end found without another allocation, which would leave a copy of
/// a secret in freed memory.
pub fn capacity(length: u64, limit: u64) -> usize {
    usize::try_from(length.min(limit).saturating_add(2)).unwrap_or_default()
}

fn check(about: &std::fs::Metadata) -> io::Result<()> {
    if about.is_file() {
        Ok(())
    } else if about.is_dir() {
        Err(io::ErrorKind::IsADirectory.into())
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it isn't a regular file",
        ))
    }
}

#[cfg(unix)]
fn without_waiting(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits());
}

#[cfg(windows)]
fn without_waiting(_options: &mut OpenOptions) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_file_is_read_to_its_limit() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "abc").unwrap();
        assert_eq!(*read(&file, 3).unwrap(), b"abc");
        let refused = read(&file, 2).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::FileTooLarge);
        let refused = read(directory.path(), 9).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::IsADirectory);
        let missing = read(&directory.path().join("missing"), 9).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_or_a_device_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for path in [pipe.as_path(), Path::new("/dev/zero")] {
            let refused = read(path, 9).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        }
    }
}
