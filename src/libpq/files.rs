//! Finds and reads the files that libpq reads. What they say is for the other files to understand.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::platform;

use super::parameters::{Parameters, Refusal};
use super::service;
use super::target::Target;

/// Where libpq's own service file may be, by who built it: Debian, Fedora and the PGDG, Homebrew, the source.
const SYSTEM_DIRECTORIES: &[&str] = &[
    "/etc/postgresql-common",
    "/etc/sysconfig/pgsql",
    "/opt/homebrew/etc/postgresql",
    "/usr/local/etc/postgresql",
    "/usr/local/pgsql/etc",
];

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

/// Fills `parameters` from the service file, where a service is named (libpq's `parseServiceInfo`):
/// the file that `PGSERVICEFILE` names, else the person's own; and where that has no such section, the system's.
///
/// # Errors
///
/// A file or the section is missing, or libpq does not take what is in it.
pub fn apply_service(
    parameters: &mut Parameters,
    environment: &Environment,
) -> Result<(), Refusal> {
    let named = parameters
        .value("service")
        .map(<[u8]>::to_vec)
        .or_else(|| Some(environment.get("PGSERVICE")?.as_encoded_bytes().to_vec()));
    let Some(service) = named else { return Ok(()) };
    let chosen = parameters
        .value("servicefile")
        .map(|file| platform::os_string(file.to_vec()))
        .or_else(|| environment.get("PGSERVICEFILE").map(OsStr::to_owned));
    let file = match chosen {
        Some(file) => Some(PathBuf::from(file)),
        None => in_home(environment, SERVICE_FILE).filter(|file| file.exists()),
    };
    for file in file.into_iter().chain(system_service_file(environment)) {
        let text = fs::read(&file)
            .map_err(|_| Refusal(format!("service file \"{}\" not found", file.display())))?;
        if service::read(&text, &service, parameters)? {
            return Ok(());
        }
    }
    Err(Refusal(format!(
        "definition of service \"{}\" not found",
        String::from_utf8_lossy(&service)
    )))
}

fn system_service_file(environment: &Environment) -> Option<PathBuf> {
    let in_directory = |directory: &OsStr| Path::new(directory).join("pg_service.conf");
    match environment.get("PGSYSCONFDIR") {
        Some(directory) => Some(in_directory(directory)).filter(|file| file.exists()),
        None => SYSTEM_DIRECTORIES
            .iter()
            .map(|directory| in_directory(directory.as_ref()))
            .find(|file| file.exists()),
    }
}

/// The text of the password file that libpq would use for `target`; `None` where it would use none.
#[must_use]
pub fn passfile(target: &Target, environment: &Environment) -> Option<Vec<u8>> {
    let file = match target.parameters().filled("passfile") {
        Some(file) => PathBuf::from(platform::os_string(file.to_vec())),
        None => in_home(environment, PASSWORD_FILE)?,
    };
    let about = fs::metadata(&file).ok()?;
    (about.is_file() && is_private(&about)).then(|| fs::read(&file).ok())?
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
#[must_use]
pub fn has_own_roots(environment: &Environment) -> bool {
    in_home(environment, ROOT_FILE).is_some_and(|file| file.exists())
}

fn in_home(environment: &Environment, name: &str) -> Option<PathBuf> {
    Some(platform::home_directory(environment)?.join(name))
}
