//! Which files and directories only we and root can change.

use std::path::Path;

/// Returns whether only we and root can change the file at `path` or put another in its place:
/// directories on the way and links to it count.
#[cfg(unix)]
pub fn is_protected(path: &Path) -> bool {
    use std::fs::{canonicalize, read_link, symlink_metadata};

    /// As many links in a row as Linux follows.
    const MOST_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let (Some(Ok(directory)), Some(name)) = (path.parent().map(canonicalize), path.file_name())
        else {
            return false;
        };
        if !is_directory_protected(&directory) {
            return false;
        }
        let file = directory.join(name);
        match symlink_metadata(&file) {
            Ok(about) if about.is_symlink() => match read_link(&file) {
                Ok(target) => path = directory.join(target),
                Err(_) => return false,
            },
            Ok(about) => return about.is_file() && is_safe(&about),
            Err(_) => return false,
        }
    }
    false
}

/// Installers for Windows put programs where only administrators and the account itself can write.
#[cfg(windows)]
pub fn is_protected(path: &Path) -> bool {
    path.is_file()
}

/// Returns whether only we and root can rename what is in a directory, which has no links in its
/// path.
#[cfg(unix)]
pub fn is_directory_protected(path: &Path) -> bool {
    path.ancestors()
        .all(|path| std::fs::symlink_metadata(path).is_ok_and(|about| is_safe(&about)))
}

/// Returns whether only we and root can write to something. In a directory where others may write,
/// each can only rename their own if it is sticky, as `/tmp` is.
#[cfg(unix)]
fn is_safe(about: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    const BY_GROUP: u32 = 0o020;
    const BY_OTHERS: u32 = 0o002;
    const STICKY: u32 = 0o1000;
    let us = nix::unistd::geteuid().as_raw();
    let is_writable = about.mode() & BY_OTHERS != 0
        || about.mode() & BY_GROUP != 0 && !is_trusted_group(about.gid(), us);
    let is_sticky = about.is_dir() && about.mode() & STICKY != 0;
    [0, us].contains(&about.uid()) && (!is_writable || is_sticky)
}

/// Returns whether a group is root's or only ours: many systems give each account a group with the
/// account's number. On macOS Homebrew lets the administrators write, who can become root.
#[cfg(unix)]
fn is_trusted_group(group: u32, us: u32) -> bool {
    const MACOS_ADMIN: u32 = 80;
    group == 0 || group == us || cfg!(target_os = "macos") && group == MACOS_ADMIN
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn what_others_can_change_is_not_protected() {
        let place = tempfile::tempdir().unwrap();
        let directory = fs::canonicalize(place.path()).unwrap();
        let (bin, file) = (directory.join("bin"), directory.join("bin/az"));
        fs::create_dir(&bin).unwrap();
        fs::write(&file, "").unwrap();
        let (link, missing) = (directory.join("link"), directory.join("missing"));
        symlink("bin/az", &link).unwrap();
        let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode));
        set(&bin, 0o755).unwrap();
        set(&file, 0o755).unwrap();
        assert!(is_protected(&file) && is_protected(&link));
        assert!(!is_protected(&bin) && !is_protected(&missing));
        set(&file, 0o757).unwrap();
        assert!(!is_protected(&file) && !is_protected(&link));
        set(&file, 0o755).unwrap();
        set(&bin, 0o777).unwrap();
        assert!(!is_protected(&file) && !is_protected(&link));
        set(&bin, 0o1777).unwrap();
        assert!(is_protected(&file));
    }

    #[test]
    fn a_link_to_itself_is_not_protected() {
        let place = tempfile::tempdir().unwrap();
        let link = fs::canonicalize(place.path()).unwrap().join("az");
        symlink("az", &link).unwrap();
        assert!(!is_protected(&link));
    }
}
