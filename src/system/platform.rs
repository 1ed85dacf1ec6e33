//! Small differences between operating systems: one function each, with two bodies.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;

use crate::environment::Environment;

/// Returns bytes of an `OsStr` (its `as_encoded_bytes`, cut at ASCII bytes or rewritten) as an
/// `OsString`.
#[cfg(unix)]
pub fn os_string(bytes: &[u8]) -> OsString {
    <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes).to_owned()
}

/// Returns bytes of an `OsStr` (its `as_encoded_bytes`, cut at ASCII bytes or rewritten) as an
/// `OsString`.
///
/// An unpaired surrogate, which no connection parameter can carry, becomes a replacement character.
#[cfg(windows)]
pub fn os_string(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// Returns the account's name: libpq's default user (`pg_fe_getauthname`).
#[cfg(unix)]
pub fn user_name() -> Option<Vec<u8>> {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok()??;
    Some(user.name.into_bytes())
}

/// Returns the account's name: libpq's default user (`pg_fe_getauthname`), regardless of
/// `%USERNAME%`.
#[cfg(windows)]
#[expect(unsafe_code, reason = "only a raw call returns the account's name")]
pub fn user_name() -> Option<Vec<u8>> {
    use windows_sys::Win32::System::WindowsProgramming::GetUserNameW;

    // Longer than the longest account name, with the NUL.
    let mut name = [0_u16; 257];
    let mut length = 257;
    // SAFETY: the buffer is as long as `length` says.
    if unsafe { GetUserNameW(name.as_mut_ptr(), &raw mut length) } == 0 {
        return None;
    }
    let name = name.iter().copied().take_while(|unit| *unit != 0);
    let name: Vec<u16> = name.collect();
    Some(String::from_utf16_lossy(&name).into_bytes())
}

/// Returns where libpq looks for `.pgpass`, `.pg_service.conf` and `.postgresql`: the home
/// directory.
#[cfg(unix)]
pub fn home_directory(environment: &Environment) -> Option<PathBuf> {
    if let Some(home) = environment.get_filled("HOME") {
        return Some(home.into());
    }
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok()??;
    Some(user.dir)
}

/// Returns where libpq looks for `pgpass.conf`, `.pg_service.conf` and `root.crt`: `postgresql` in
/// the account's folder for roaming data. Changing `%APPDATA%` doesn't move it.
#[cfg(windows)]
#[expect(clippy::disallowed_methods, reason = "here it is known")]
pub fn home_directory(_environment: &Environment) -> Option<PathBuf> {
    Some(dirs::config_dir()?.join("postgresql"))
}

/// Returns the home directory, in which tools keep their configuration.
#[expect(clippy::disallowed_methods, reason = "here it is known")]
pub fn own_directory() -> Option<PathBuf> {
    dirs::home_dir()
}

/// Returns the folders below which programs are installed: for everyone, then for this account.
/// Shells that were open before an installation lack its program on their `PATH`.
#[cfg(windows)]
#[expect(clippy::disallowed_methods, reason = "here they are known")]
pub fn program_folders(environment: &Environment) -> Vec<PathBuf> {
    // The second differs in a 32-bit program, and az once was 32-bit.
    let mut folders: Vec<PathBuf> = ["ProgramW6432", "ProgramFiles", "ProgramFiles(x86)"]
        .iter()
        .filter_map(|name| environment.get_filled(name))
        .map(PathBuf::from)
        .collect();
    folders.dedup();
    folders.extend(dirs::data_local_dir().map(|local| local.join("Programs")));
    folders
}

/// The longest token that fits a variable, in bytes. The server refuses libpq's message with a
/// longer password without an error message (seen with PostgreSQL 15).
#[cfg(unix)]
pub const LONGEST_VARIABLE: usize = 65_530;

/// The longest token that fits a variable, in bytes: 32,767 characters with the final NUL
/// (Microsoft's page "Environment Variables").
#[cfg(windows)]
pub const LONGEST_VARIABLE: usize = 32_766;

/// Returns whether the system refused to start a program because its arguments and variables are
/// too long.
#[cfg(unix)]
pub fn are_words_too_long(why: &io::Error) -> bool {
    why.kind() == io::ErrorKind::ArgumentListTooLong
}

/// Returns whether the system refused to start a program because its arguments are too long: 32,767
/// characters, or 8,191 for a batch file (Microsoft's page for `CreateProcessW`). The error is
/// about the file name.
#[cfg(windows)]
pub fn are_words_too_long(why: &io::Error) -> bool {
    why.kind() == io::ErrorKind::InvalidFilename
}

/// Returns a role's name in the form from which psql gets it in UTF-8, as the server has it.
#[cfg(unix)]
pub fn name_for_psql(name: &OsStr) -> OsString {
    name.to_owned()
}

/// Returns a role's name in the form from which psql gets it in UTF-8, as the server has it.
///
/// psql.exe's C library converts all that it is given to the system's code page, and libpq sends
/// those bytes. So the name becomes the characters whose bytes in that code page are the name in
/// UTF-8. If there are none, it stays as it is.
#[cfg(windows)]
pub fn name_for_psql(name: &OsStr) -> OsString {
    use std::os::windows::ffi::OsStringExt as _;

    let bytes = name.to_str().map_or(&[][..], str::as_bytes);
    if bytes.is_ascii() {
        return name.to_owned();
    }
    code_page::characters(bytes)
        .filter(|characters| code_page::bytes(characters).as_deref() == Some(bytes))
        .map_or_else(|| name.to_owned(), |found| OsString::from_wide(&found))
}

#[cfg(windows)]
#[expect(
    unsafe_code,
    reason = "only raw calls convert to the system's code page"
)]
mod code_page {
    //! Converts between the system's code page and Unicode.

    use std::ptr::null_mut;

    use windows_sys::Win32::Globalization::{CP_ACP, MultiByteToWideChar, WideCharToMultiByte};

    /// Decodes bytes of the code page; `None` if the system can't.
    pub fn characters(bytes: &[u8]) -> Option<Vec<u16>> {
        let length = i32::try_from(bytes.len()).ok()?;
        // A byte is never more than one unit.
        let mut units = vec![0_u16; bytes.len()];
        // SAFETY: both buffers have the lengths that are passed.
        let written = unsafe {
            MultiByteToWideChar(
                CP_ACP,
                0,
                bytes.as_ptr(),
                length,
                units.as_mut_ptr(),
                length,
            )
        };
        shortened(units, written)
    }

    /// Encodes characters in the code page; `None` if the system can't.
    pub fn bytes(units: &[u16]) -> Option<Vec<u8>> {
        let length = i32::try_from(units.len()).ok()?;
        // A unit is never more than four bytes.
        let mut bytes = vec![0_u8; units.len() * 4];
        let room = length.checked_mul(4)?;
        // SAFETY: both buffers have the lengths that are passed, and null pointers stand for
        // defaults.
        let written = unsafe {
            WideCharToMultiByte(
                CP_ACP,
                0,
                units.as_ptr(),
                length,
                bytes.as_mut_ptr(),
                room,
                null_mut(),
                null_mut(),
            )
        };
        shortened(bytes, written)
    }

    fn shortened<T>(mut buffer: Vec<T>, written: i32) -> Option<Vec<T>> {
        let written = usize::try_from(written).ok().filter(|&n| n > 0)?;
        buffer.truncate(written);
        Some(buffer)
    }
}
