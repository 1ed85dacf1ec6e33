//! Finds and reads the files that libpq reads. What they say is for the other files to understand.
//!
//! Only plain files are read: a pipe can be read once, and is psql's to read.
//!
//! Their home is `HOME`, as it is to libpq from version 15 on. Before, it is the account's home in
//! the system's books, which is another one under `sudo` and in some containers. A token goes with
//! the names of the files that were read here, so that no version and no build of libpq reads
//! others: see [`named`].

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

/// Where libpq's own service file may be, by who built it: Debian, Fedora and the PGDG, Homebrew,
/// the source. On Windows it is beside psql, wherever that is.
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

/// The longest path of a service file that libpq does not cut: its buffer is `MAXPGPATH`, with the
/// NUL at the end.
const LONGEST_PATH: usize = 1023;

/// More than any service or password file.
const LONGEST_FILE: u64 = 16 * 1024 * 1024;

/// Fills `parameters` from the service file, where a service is named (libpq's `parseServiceInfo`):
/// the file that `PGSERVICEFILE` names, else the person's own; and where that has no such section,
/// the system's.
///
/// # Errors
///
/// A file or the section is missing, or libpq does not take what is in it. A file that only libpq
/// itself can read as it would is refused too.
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

/// The text of a service file. Unix opens a directory too, in which libpq then finds no line.
fn service_text(file: &Path) -> Result<Zeroizing<Vec<u8>>, LibpqError> {
    let refused = |why: &str| {
        let file = file.display();
        Err(LibpqError(format!("service file \"{file}\" {why}")))
    };
    if file.as_os_str().len() > LONGEST_PATH {
        return refused("has a longer path than libpq takes");
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

/// No join of paths: to libpq, a directory without a name is the root.
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

/// The text of the password file that libpq would use for `target`; `None` where it would use none.
pub fn passfile(target: &Target, environment: &Environment) -> Option<Zeroizing<Vec<u8>>> {
    let file = match target.parameters().filled("passfile") {
        Some(file) => PathBuf::from(platform::os_string(file)),
        None => in_home(environment, PASSWORD_FILE)?,
    };
    let about = fs::metadata(&file).ok()?;
    is_private(&about).then(|| plain_file::read(&file, LONGEST_FILE).ok())?
}

/// Whether nobody else may read the file: libpq passes over a password file that others can.
#[cfg(unix)]
fn is_private(about: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 == 0
}

/// On Windows libpq trusts the directory that the file is in.
#[cfg(windows)]
fn is_private(_about: &fs::Metadata) -> bool {
    true
}

/// Whether the person has a root file of their own, which libpq finds by itself.
pub fn has_own_roots(environment: &Environment) -> bool {
    own_roots(environment).is_some()
}

/// The person's own root file, where libpq finds it by itself.
pub fn own_roots(environment: &Environment) -> Option<PathBuf> {
    in_home(environment, ROOT_FILE).filter(|file| file.exists())
}

/// Files that were read here, to be named to psql, which may look for them elsewhere.
#[derive(Default)]
pub struct Named {
    /// `PGSERVICEFILE`
    pub service: Option<OsString>,
    /// `PGSSLROOTCERT`
    pub roots: Option<OsString>,
}

/// The files to be named for a connection to `target`. A psql that was moved reads the system
/// service file of its own tree, so that the service file is named whenever there is one.
pub fn name_files(target: &Target, environment: &Environment) -> Named {
    let parameters = target.parameters();
    let service = parameters.get("servicefile");
    let roots = own_roots(environment)
        .filter(|_| parameters.filled("sslrootcert").is_none() && has_two_homes(environment));
    Named {
        service: service
            .filter(|file| file.origin == Origin::Service)
            .map(|file| platform::os_string(&file.value)),
        roots: roots.map(PathBuf::into_os_string),
    }
}

/// Whether the account's home is another one than `HOME`.
#[cfg(unix)]
fn has_two_homes(environment: &Environment) -> bool {
    let real = |home: Option<PathBuf>| home.map(|home| fs::canonicalize(&home).unwrap_or(home));
    let accounts = platform::home_directory(&Environment::default());
    real(accounts) != real(platform::home_directory(environment))
}

/// On Windows every version asks the system alone.
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

    /// Where there is but one home, a psql that was moved could still read another system file.
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
        let named = name_files(&target, &environment).service;
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
