//! Finds and reads the files that libpq reads. Other modules parse them.
//!
//! Only plain files are read: a pipe can be read only once, and psql has to read it.
//!
//! They are in `HOME`, as for libpq 15 and later. Older versions use the account's home directory,
//! which differs under `sudo` and in some containers. The files that were read here are named
//! beside a token, so no version or build of libpq reads others: see [`name_files`].

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::system::plain_file;
use crate::system::platform;

use super::parameters::{LibpqError, Origin, Parameters};
use super::service;
use super::target::Target;

/// Where libpq's own service file may be, by its builder: Debian, Fedora and the PGDG, Homebrew,
/// the source. On Windows it is beside psql.
const SYSTEM_DIRECTORIES: &[&str] = if cfg!(windows) {
    &[]
} else {
    &[
        "/etc/postgresql-common",
        "/etc/sysconfig/pgsql",
        "/opt/homebrew/etc/postgresql",
        "/usr/local/etc/postgresql",
        "/usr/local/pgsql/etc",
    ]
};

const SERVICE_FILE: &str = ".pg_service.conf";
const PASSWORD_FILE: &str = if cfg!(windows) {
    "pgpass.conf"
} else {
    ".pgpass"
};
const ROOT_FILE: &str = if cfg!(windows) {
    "root.crt"
} else {
    ".postgresql/root.crt"
};

/// The longest path of a service file that libpq doesn't cut: its buffer has `MAXPGPATH` bytes, and
/// one is for the NUL.
const LONGEST_PATH: usize = 1023;

/// More than any service or password file has.
const LONGEST_FILE: u64 = 16 * 1024 * 1024;

/// Fills `parameters` from the service file, if a service is named (libpq's `parseServiceInfo`).
///
/// The file is the one that `PGSERVICEFILE` names, else your own. If that has no such section, it's
/// the system's. A file that only libpq itself can read as it would is refused.
pub fn apply_service(
    parameters: &mut Parameters,
    environment: &Environment,
) -> Result<(), LibpqError> {
    let named = parameters
        .value("service")
        .map(<[u8]>::to_vec)
        .or_else(|| Some(environment.get("PGSERVICE")?.as_encoded_bytes().to_vec()));
    let Some(service) = named else { return Ok(()) };
    let chosen = parameters
        .value("servicefile")
        .map(platform::os_string)
        .or_else(|| environment.get("PGSERVICEFILE").map(OsStr::to_owned));
    let file = match chosen {
        Some(file) => Some(PathBuf::from(file)),
        None => in_home(environment, SERVICE_FILE).filter(|file| file.exists()),
    };
    for file in file.into_iter().chain(system_service_file(environment)) {
        let text = service_text(&file)?;
        if service::read(&text, &service, parameters)? {
            return parameters.note_service_file(&file);
        }
    }
    Err(LibpqError(format!(
        "definition of service \"{}\" not found",
        String::from_utf8_lossy(&service)
    )))
}

/// Reads a service file. On Unix libpq opens a directory too, and finds no lines in it.
fn service_text(file: &Path) -> Result<Zeroizing<Vec<u8>>, LibpqError> {
    let refused = |why: &str| {
        let file = file.display();
        Err(LibpqError(format!("service file \"{file}\" {why}")))
    };
    if file.as_os_str().len() > LONGEST_PATH {
        return refused("has a longer path than libpq accepts");
    }
    match plain_file::read(file, LONGEST_FILE) {
        Ok(text) => Ok(text),
        Err(why) => match why.kind() {
            io::ErrorKind::IsADirectory => Ok(Zeroizing::default()),
            io::ErrorKind::InvalidInput => refused("isn't a plain file"),
            io::ErrorKind::FileTooLarge => refused("is too large"),
            _ => refused("not found"),
        },
    }
}

/// Paths are not joined here, because an empty directory is the root to libpq.
fn service_file_in(directory: &OsStr) -> PathBuf {
    let mut file = directory.to_owned();
    file.push("/pg_service.conf");
    file.into()
}

fn system_service_file(environment: &Environment) -> Option<PathBuf> {
    match environment.get("PGSYSCONFDIR") {
        Some(directory) => Some(service_file_in(directory)).filter(|file| file.exists()),
        None => SYSTEM_DIRECTORIES
            .iter()
            .map(|directory| service_file_in(directory.as_ref()))
            .find(|file| file.exists()),
    }
}

/// Reads the password file that libpq would use for `target`, if any.
pub fn passfile(target: &Target, environment: &Environment) -> Option<Zeroizing<Vec<u8>>> {
    let file = match target.parameters().filled("passfile") {
        Some(file) => PathBuf::from(platform::os_string(file)),
        None => in_home(environment, PASSWORD_FILE)?,
    };
    let about = fs::metadata(&file).ok()?;
    is_private(&about).then(|| plain_file::read(&file, LONGEST_FILE).ok())?
}

/// Returns whether nobody else may read the file. libpq ignores a password file that others can.
#[cfg(unix)]
fn is_private(about: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 == 0
}

/// On Windows libpq trusts the directory of the file.
#[cfg(windows)]
fn is_private(_about: &fs::Metadata) -> bool {
    true
}

pub fn has_own_roots(environment: &Environment) -> bool {
    own_roots(environment).is_some()
}

/// Returns your own root file, if libpq finds it by itself.
pub fn own_roots(environment: &Environment) -> Option<PathBuf> {
    in_home(environment, ROOT_FILE).filter(|file| file.exists())
}

/// Files that were read here. They are named to psql, which may look for them elsewhere.
#[derive(Default)]
pub struct Named {
    /// `PGSERVICEFILE`
    pub service: Option<OsString>,
    /// `PGSSLROOTCERT`
    pub roots: Option<OsString>,
}

/// Returns the service file to name for a connection to `target`. A psql that was moved reads the
/// system service file of its own tree, so it is named whatever the home.
pub fn named_service_file(target: &Target) -> Option<OsString> {
    let file = target.parameters().get("servicefile")?;
    (file.origin == Origin::Service).then(|| platform::os_string(&file.value))
}

/// Returns the files to name for a connection to `target`.
pub fn name_files(target: &Target, environment: &Environment) -> Named {
    let parameters = target.parameters();
    let roots = own_roots(environment)
        .filter(|_| parameters.filled("sslrootcert").is_none() && has_two_homes(environment));
    Named {
        service: named_service_file(target),
        roots: roots.map(PathBuf::into_os_string),
    }
}

/// Returns whether the account's home directory differs from `HOME`.
#[cfg(unix)]
fn has_two_homes(environment: &Environment) -> bool {
    let real = |home: Option<PathBuf>| home.map(|home| fs::canonicalize(&home).unwrap_or(home));
    let accounts = platform::home_directory(&Environment::default());
    real(accounts) != real(platform::home_directory(environment))
}

/// On Windows every version asks only the system.
#[cfg(windows)]
fn has_two_homes(_environment: &Environment) -> bool {
    false
}

fn in_home(environment: &Environment, name: &str) -> Option<PathBuf> {
    Some(platform::home_directory(environment)?.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With only one home, a psql that was moved could still read another system file.
    #[test]
    fn the_service_file_is_named_whatever_the_home() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pg_service.conf");
        fs::write(&file, "[s]\nhost=x\n").unwrap();
        let home = platform::home_directory(&Environment::default()).unwrap();
        let environment: Environment = [
            ("HOME".into(), home.into()),
            ("PGSERVICE".into(), "s".into()),
            ("PGSYSCONFDIR".into(), directory.path().into()),
        ]
        .into_iter()
        .collect();
        let mut parameters = Parameters::none();
        apply_service(&mut parameters, &environment).unwrap();
        let target = Target::settle(parameters).unwrap();
        let named = named_service_file(&target);
        assert_eq!(
            named.map(PathBuf::from),
            Some(service_file_in(directory.path().as_os_str()))
        );
    }

    #[test]
    fn an_empty_directory_of_service_files_is_the_root() {
        let file = |directory: &str| service_file_in(directory.as_ref());
        assert_eq!(file(""), PathBuf::from("/pg_service.conf"));
        assert_eq!(file("/etc"), PathBuf::from("/etc/pg_service.conf"));
    }
}
