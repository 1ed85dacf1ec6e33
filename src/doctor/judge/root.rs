//! Names the root that a server's chain ends in, and says what to do where it is one that newer
//! systems have no more.

use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

use super::certificate::common_name;

/// Some of Azure's servers end in it still. Mozilla took it from its list in April 2026, and the
/// systems' stores follow that list.
const RETIRED: &str = "DigiCert Global Root CA";

/// The SHA-256 digest of its certificate, as DigiCert's page of roots has it.
const FINGERPRINT: &str = "4348A0E9444C78CB265E058D5E8944B4D84F9662BD26DB257F8934A443C70161";

/// The name of the root that the last certificate of a chain is signed by.
pub fn name(own: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> Option<String> {
    let last = EndEntityCert::try_from(others.last().unwrap_or(own)).ok()?;
    common_name(last.issuer())
}

/// What to do where `roots` do not know the root of this name.
pub fn remedy(name: &str, roots: &[CertificateDer<'_>]) -> Option<String> {
    let is_it = |root: &CertificateDer<'_>| {
        let root = EndEntityCert::try_from(root).ok();
        root.and_then(|root| common_name(root.subject())).as_deref() == Some(RETIRED)
    };
    (name == RETIRED && !roots.iter().any(is_it)).then(|| {
        format!(
            "Mozilla removed `{RETIRED}` in April 2026, and newer systems lack it: add DigiCert's certificate with the SHA-256 fingerprint {FINGERPRINT} to the system's roots, or to a file that `PGSSLROOTCERT` names"
        )
    })
}
