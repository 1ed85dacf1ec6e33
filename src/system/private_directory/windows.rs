//! Windows: creates directories and files only for this account, and reads who has access to one.
#![expect(
    unsafe_code,
    reason = "security descriptors are read and given by raw calls"
)]

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::windows::ffi::OsStrExt as _;
use std::os::windows::io::FromRawHandle as _;
use std::path::Path;
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::{
    CloseHandle, GENERIC_READ, GENERIC_WRITE, HANDLE, INVALID_HANDLE_VALUE, LocalFree,
};
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW, ConvertSidToStringSidW,
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetNamedSecurityInfoW, SDDL_REVISION_1,
    SE_FILE_OBJECT,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, GetTokenInformation, OWNER_SECURITY_INFORMATION,
    PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES, TOKEN_QUERY, TOKEN_USER, TokenUser,
};
use windows_sys::Win32::Storage::FileSystem::{
    CREATE_NEW, CreateDirectoryW, CreateFileW, FILE_ATTRIBUTE_NORMAL, FILE_SHARE_DELETE,
    FILE_SHARE_READ, FILE_SHARE_WRITE,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// The parts of a descriptor to read.
const PARTS: u32 = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;

/// Creates a directory only for this account, the system and its administrators.
pub fn make_directory(path: &Path) -> io::Result<()> {
    let descriptor = Descriptor::ours()?;
    let (path, attributes) = (wide(path.as_os_str()), descriptor.attributes());
    // SAFETY: the path ends with a NUL, and the attributes live.
    succeeded(unsafe { CreateDirectoryW(path.as_ptr(), &raw const attributes) })
}

/// Creates a file only for this account, the system and its administrators.
pub fn make_file(path: &Path) -> io::Result<File> {
    let descriptor = Descriptor::ours()?;
    let (path, attributes) = (wide(path.as_os_str()), descriptor.attributes());
    // SAFETY: the path ends with a NUL, and the attributes live.
    let handle = unsafe {
        CreateFileW(
            path.as_ptr(),
            GENERIC_READ | GENERIC_WRITE,
            // It is renamed and removed while it is open.
            FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
            &raw const attributes,
            CREATE_NEW,
            FILE_ATTRIBUTE_NORMAL,
            null_mut(),
        )
    };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is a file's, and nobody else has it.
    Ok(unsafe { File::from_raw_handle(handle) })
}

/// Returns the descriptor of a file or directory, and the account as a descriptor spells it.
pub fn descriptor_and_account(path: &Path) -> io::Result<(String, String)> {
    let descriptor = Descriptor::of_path(path)?.text()?;
    // Converted both ways, since some accounts have a shorter name there.
    let owner = Descriptor::of_text(&format!("O:{}", account()?))?.text()?;
    let account = owner.strip_prefix("O:").unwrap_or(&owner).to_owned();
    Ok((descriptor, account))
}

/// A security descriptor that the system allocated.
struct Descriptor(PSECURITY_DESCRIPTOR);

impl Descriptor {
    /// Returns the descriptor for this account alone. Its list isn't inherited (`P`), and applies
    /// to what is created below.
    fn ours() -> io::Result<Self> {
        let account = account()?;
        Self::of_text(&format!(
            "O:{account}D:P(A;OICI;FA;;;{account})(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
        ))
    }

    fn of_text(text: &str) -> io::Result<Self> {
        let text = wide(text.as_ref());
        let mut descriptor = null_mut();
        // SAFETY: the text ends with a NUL, and the result has a place.
        succeeded(unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut descriptor,
                null_mut(),
            )
        })?;
        Ok(Self(descriptor))
    }

    fn of_path(path: &Path) -> io::Result<Self> {
        let path = wide(path.as_os_str());
        let mut descriptor = null_mut();
        // SAFETY: the path ends with a NUL, the result has a place, and the null pointers stand for
        // what is not asked.
        let error = unsafe {
            GetNamedSecurityInfoW(
                path.as_ptr(),
                SE_FILE_OBJECT,
                PARTS,
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                &raw mut descriptor,
            )
        };
        match error {
            0 => Ok(Self(descriptor)),
            error => Err(io::Error::from_raw_os_error(error.cast_signed())),
        }
    }

    fn text(&self) -> io::Result<String> {
        let mut text = null_mut();
        // SAFETY: the descriptor is one, and the result has a place.
        succeeded(unsafe {
            ConvertSecurityDescriptorToStringSecurityDescriptorW(
                self.0,
                SDDL_REVISION_1,
                PARTS,
                &raw mut text,
                null_mut(),
            )
        })?;
        Ok(taken(text))
    }

    /// These point to the descriptor, which has to outlive them.
    fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: length_of::<SECURITY_ATTRIBUTES>(),
            lpSecurityDescriptor: self.0,
            bInheritHandle: 0,
        }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        free(self.0);
    }
}

/// Returns the security identifier of this process's account.
fn account() -> io::Result<String> {
    let mut token: HANDLE = null_mut();
    // SAFETY: the result has a place; the process's handle is a constant and needs no closing.
    succeeded(unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) })?;
    // Longer than the longest identifier, and aligned for the pointer at its beginning.
    let mut user: [u64; 32] = [0; 32];
    let mut length = 0;
    // SAFETY: the buffer has the length that is passed.
    let answered = succeeded(unsafe {
        GetTokenInformation(
            token,
            TokenUser,
            user.as_mut_ptr().cast(),
            length_of::<[u64; 32]>(),
            &raw mut length,
        )
    });
    // SAFETY: the handle is ours, and not used again.
    unsafe { CloseHandle(token) };
    answered?;
    let mut text = null_mut();
    // SAFETY: the buffer begins with this structure, whose identifier is in the buffer; the result
    // has a place.
    succeeded(unsafe {
        let user = user.as_ptr().cast::<TOKEN_USER>().read();
        ConvertSidToStringSidW(user.User.Sid, &raw mut text)
    })?;
    Ok(taken(text))
}

/// Copies a text that the system allocated, and frees it.
fn taken(text: *mut u16) -> String {
    let mut units = Vec::new();
    let mut at = text;
    // SAFETY: it ends with a NUL.
    unsafe {
        while *at != 0 {
            units.push(*at);
            at = at.add(1);
        }
    }
    free(text.cast());
    String::from_utf16_lossy(&units)
}

fn free(memory: *mut c_void) {
    // SAFETY: the system made it, and it is not used again.
    unsafe { LocalFree(memory) };
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "what is measured here is short"
)]
const fn length_of<T>() -> u32 {
    size_of::<T>() as u32
}

fn wide(text: &std::ffi::OsStr) -> Vec<u16> {
    text.encode_wide().chain([0]).collect()
}

fn succeeded(answer: windows_sys::core::BOOL) -> io::Result<()> {
    match answer {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
