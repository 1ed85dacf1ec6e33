//! Names the root that a server's chain ends in, and what to do if newer systems lack it.

use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

use super::certificate::common_name;

/// Some of Azure's chains still end in it. Mozilla removed it from its list in April 2026, and the
/// systems' stores follow that list.
const RETIRED: &str = "DigiCert Global Root CA";

/// The SHA-256 digest of its certificate, from DigiCert's page of roots.
const FINGERPRINT: &str = "4348A0E9444C78CB265E058D5E8944B4D84F9662BD26DB257F8934A443C70161";

/// Returns the name of the root that signed the last certificate of a chain.
pub fn name(own: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> Option<String> {
    let last = EndEntityCert::try_from(others.last().unwrap_or(own)).ok()?;
    common_name(last.issuer())
}

/// Returns what to do if this is the root that newer systems lack, and `roots` lack it too.
pub fn remedy(name: &str, roots: &[CertificateDer<'_>]) -> Option<String> {
    let is_it = |root: &CertificateDer<'_>| {
        let root = EndEntityCert::try_from(root).ok();
        root.and_then(|root| common_name(root.subject())).as_deref() == Some(RETIRED)
    };
    (name == RETIRED && !roots.iter().any(is_it)).then(|| {
        format!(
            "add DigiCert's certificate with the SHA-256 fingerprint {FINGERPRINT} to the system's roots, or to a file that `PGSSLROOTCERT` names: Mozilla removed `{RETIRED}` in April 2026, and newer systems lack it"
        )
    })
}
