//! Reads the roots that psql will check a server's certificate by.

use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls_native_certs::{CertificateResult, load_certs_from_paths};

use crate::failure::Failure;
use crate::handover::roots::system_word::Store;

/// Where roots are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootSource {
    /// The operating system's store.
    System,
    /// The store of psql's OpenSSL, which its libpq knows as `system`.
    OpenSsl(Store),
    /// Whatever psql finds by the word `system`, which is not known to be anything.
    Unknown,
    /// A file.
    File(PathBuf),
}

/// Roots.
#[derive(Debug)]
pub struct Roots {
    /// Where they are.
    pub place: RootSource,
    /// The certificates, or why there are none.
    pub certificates: Result<Vec<CertificateDer<'static>>, String>,
}

impl Roots {
    /// What there is where the launch would find none.
    pub fn none(why: &Failure) -> Self {
        Self {
            place: RootSource::System,
            certificates: Err(why.cause().to_owned()),
        }
    }
}

/// Reads the roots at `place`.
pub fn read(place: RootSource) -> Roots {
    let certificates = match &place {
        RootSource::System => of_store([rustls_native_certs::load_native_certs()]),
        RootSource::OpenSsl(store) => {
            let file = load_certs_from_paths(Some(&store.file), None);
            let directories = store.directories.iter();
            let found = directories.map(|directory| load_certs_from_paths(None, Some(directory)));
            of_store(std::iter::once(file).chain(found))
        }
        RootSource::Unknown => Err("psql may find any by `system`".to_owned()),
        RootSource::File(file) => match CertificateDer::pem_file_iter(file) {
            Err(why) => Err(why.to_string()),
            // What libpq would not understand either is passed over.
            Ok(found) => filled(found.flatten().collect(), None),
        },
    };
    Roots {
        place,
        certificates,
    }
}

fn of_store(
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
        Err(why.unwrap_or_else(|| "there is no certificate in it".to_owned()))
    } else {
        Ok(found)
    }
}
