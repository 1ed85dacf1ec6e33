//! Reads the roots that psql will check a server's certificate by.

use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::failure::Failure;

/// Where roots are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The operating system's store, which psql knows as `system`.
    System,
    /// A file.
    File(PathBuf),
}

/// Roots.
#[derive(Debug)]
pub struct Roots {
    /// Where they are.
    pub place: Place,
    /// The certificates, or why there are none.
    pub certificates: Result<Vec<CertificateDer<'static>>, String>,
}

impl Roots {
    /// What there is where the launch would find none.
    pub fn none(why: &Failure) -> Self {
        Self {
            place: Place::System,
            certificates: Err(why.cause().to_owned()),
        }
    }
}

/// Reads the roots at `place`.
pub fn read(place: Place) -> Roots {
    let certificates = match &place {
        Place::System => {
            let found = rustls_native_certs::load_native_certs();
            let why = found.errors.first().map(ToString::to_string);
            filled(found.certs, why)
        }
        Place::File(file) => match CertificateDer::pem_file_iter(file) {
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
