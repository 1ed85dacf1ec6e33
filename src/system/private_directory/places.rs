//! Which directories that variables name are ours to keep something in. After `su` or `sudo -E`
//! they may name another user's, and root could write there.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Returns the session's runtime directory, without links, if it meets the rule of the XDG Base
/// Directory Specification: it belongs to the user, who alone has access. Nobody else may be able
/// to replace it, through a directory on the way or a link.
pub(super) fn runtime_directory(path: &Path) -> Option<PathBuf> {
    // Without the final slash, which would follow a link.
    let named: PathBuf = path.components().collect();
    let is_link = fs::symlink_metadata(&named).ok()?.is_symlink();
    let path = fs::canonicalize(named).ok()?;
    let is_closed = fs::symlink_metadata(&path).ok()?.mode() & 0o777 == 0o700;
    (!is_link && is_closed && is_ours(&path)).then_some(path)
}

/// Returns the cache directory, without links, if nobody else can replace it. It may be missing if
/// its parent is ours.
pub(super) fn cache_directory(path: &Path) -> Option<PathBuf> {
    if !path.is_absolute() {
        return None;
    }
    if let Ok(path) = fs::canonicalize(path) {
        return is_ours(&path).then_some(path);
    }
    let parent = fs::canonicalize(path.parent()?).ok()?;
    let name = path.file_name()?;
    is_ours(&parent).then(|| parent.join(name))
}

/// Returns whether a directory is ours, and nobody else can rename it or a directory above it.
fn is_ours(path: &Path) -> bool {
    let about = |path: &Path| fs::symlink_metadata(path).ok().filter(Metadata::is_dir);
    about(path).is_some_and(|about| about.uid() == ourselves())
        && path
            .ancestors()
            .all(|path| about(path).is_some_and(|about| is_safe(&about)))
}

/// Returns whether only we and root can rename what is in a directory. If others may write to it,
/// each can only rename their own if it is sticky, as `/tmp` is.
fn is_safe(about: &Metadata) -> bool {
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    const STICKY: u32 = 0o1000;
    let is_trusted = [0, ourselves()].contains(&about.uid());
    is_trusted && (about.mode() & WRITABLE_BY_OTHERS == 0 || about.mode() & STICKY != 0)
}

fn ourselves() -> u32 {
    nix::unistd::geteuid().as_raw()
}
