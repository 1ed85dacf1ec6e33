//! Reads the roots that psql will check a server's certificate by, in a launch.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls_native_certs::{CertificateResult, load_certs_from_paths};

use crate::environment::Environment;
use crate::failure::Failure;
use crate::handover::roots as launch;
use crate::handover::roots::system_word::{self, Store};
use crate::intent::Plan;
use crate::intent::tls::Protection;
use crate::libpq::files;
use crate::libpq::target::Target;
use crate::system::platform;
use crate::system::private_directory::PrivateDirectory;

/// Where roots are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootSource {
    /// The operating system's store.
    System,
    /// The store of psql's OpenSSL, which its libpq calls `system`.
    OpenSsl(Store),
    /// What psql finds by the word `system`: nothing is known of it.
    Unknown,
    File(PathBuf),
}

#[derive(Debug)]
pub struct Roots {
    pub place: RootSource,
    /// The certificates, or why there are none.
    pub certificates: Result<Vec<CertificateDer<'static>>, String>,
}

/// What a launch would have of roots depends on these.
pub struct Launch<'a> {
    /// The psql that runs, if one does.
    pub psql: Option<&'a Path>,
    pub plan: &'a Plan,
    pub protection: &'a Protection,
    pub target: &'a Target,
    pub directory: Option<&'a PrivateDirectory>,
    pub environment: &'a Environment,
}

impl Launch<'_> {
    /// Returns the value of `PGSSLROOTCERT` that the launch would add, and reads the roots that
    /// psql would use.
    pub fn roots(&self) -> (Option<OsString>, Roots) {
        match self.added() {
            Ok(added) => {
                let roots = read(self.source(added.as_deref()));
                (added, roots)
            }
            Err(why) => {
                let roots = Roots {
                    place: RootSource::System,
                    certificates: Err(why.cause().to_owned()),
                };
                (None, roots)
            }
        }
    }

    fn added(&self) -> Result<Option<OsString>, Failure> {
        if self.psql.is_none() || !self.protection.wants_roots {
            return Ok(None);
        }
        let is_azure = self.plan.cloud.is_some_and(|cloud| cloud.has_known_roots);
        let mode = self.protection.mode.as_str();
        launch::roots(self.psql, mode, is_azure, self.directory, self.environment).map(Some)
    }

    /// Returns where psql will look for roots, with `added` in `PGSSLROOTCERT` if that is not set.
    fn source(&self, added: Option<&OsStr>) -> RootSource {
        let given = self.target.parameters().filled("sslrootcert");
        let own = || files::own_roots(self.environment).map(Into::into);
        let file = given
            .map(platform::os_string)
            .or_else(own)
            .or_else(|| added.map(Into::into));
        match (file, self.psql) {
            (Some(file), _) if file != "system" => RootSource::File(file.into()),
            (Some(_), Some(psql)) if cfg!(target_os = "linux") => {
                let store = system_word::store(psql, self.directory, self.environment);
                store.map_or(RootSource::Unknown, RootSource::OpenSsl)
            }
            _ => RootSource::System,
        }
    }
}

fn read(place: RootSource) -> Roots {
    let certificates = match &place {
        RootSource::System => from_store([rustls_native_certs::load_native_certs()]),
        RootSource::OpenSsl(store) => {
            let file = load_certs_from_paths(Some(&store.file), None);
            let directories = store.directories.iter();
            let found = directories.map(|directory| load_certs_from_paths(None, Some(directory)));
            from_store(std::iter::once(file).chain(found))
        }
        RootSource::Unknown => Err("what psql finds as `system` is not known".to_owned()),
        RootSource::File(file) => match CertificateDer::pem_file_iter(file) {
            Err(why) => Err(why.to_string()),
            // libpq passes over what it can't read too.
            Ok(found) => filled(found.flatten().collect(), None),
        },
    };
    Roots {
        place,
        certificates,
    }
}

fn from_store(
    found: impl IntoIterator<Item = CertificateResult>,
) -> Result<Vec<CertificateDer<'static>>, String> {
    let (mut certificates, mut why) = (Vec::new(), None);
    for found in found {
        why = why.or_else(|| found.errors.first().map(ToString::to_string));
        certificates.extend(found.certs);
    }
    filled(certificates, why)
}

fn filled(
    found: Vec<CertificateDer<'static>>,
    why: Option<String>,
) -> Result<Vec<CertificateDer<'static>>, String> {
    if found.is_empty() {
        Err(why.unwrap_or_else(|| "there is no certificate there".to_owned()))
    } else {
        Ok(found)
    }
}
