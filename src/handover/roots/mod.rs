//! The operating system's roots in a form that costs a connection nothing.
//!
//! libpq parses a root file whole for every connection, and a system's bundle is some 140
//! certificates. From version 16 it takes the word `system` instead and looks roots up as it needs
//! them. For older ones a smaller file is derived from the bundle: without the public authorities
//! that do not certify Azure's servers. Either way the system's store is the authority: nothing is
//! trusted that it does not hold. `system_word.rs` says when the word will do.

pub mod system_word;

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::system::private_directory::PrivateDirectory;

/// Who certifies Azure's servers, by a part of the subject: all roots that Microsoft's pages name,
/// since servers move between them without notice. Newer systems lack the first. Each one more
/// costs every connection an eighth of a millisecond.
const AUTHORITIES_OF_AZURE: [&str; 7] = [
    "DigiCert Global Root CA",
    "DigiCert Global Root G2",
    "DigiCert Global Root G3",
    "DigiCert TLS ECC P384 Root G5",
    "DigiCert TLS RSA4096 Root G5",
    "Microsoft ECC Root Certificate Authority 2017",
    "Microsoft RSA Root Certificate Authority 2017",
];

/// Where Debian, Ubuntu and Alpine keep the certificates of which they make their bundle, a file
/// each. What an administrator adds is elsewhere.
const PACKAGED: &str = "/usr/share/ca-certificates/mozilla";

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The value for `PGSSLROOTCERT` that stands for the system's roots.
///
/// `psql` is the psql that will read it, and `mode` the `sslmode` that it will use. Where another
/// program will, whose libpq may be any, `psql` is `None`, and the value is a file, which every
/// version takes. `is_azure` says whether every host is one of Azure's own: other servers may be
/// certified by anybody whom the system trusts. `directory` is where what was found out is kept.
///
/// # Errors
///
/// The system has no roots in a form that this libpq takes.
pub fn roots(
    psql: Option<&Path>,
    mode: &str,
    is_azure: bool,
    directory: Option<&PrivateDirectory>,
    environment: &Environment,
) -> Result<OsString, Failure> {
    // Below `verify-full` a libpq that knows the word refuses it ("weak sslmode").
    if mode == "verify-full"
        && psql.is_some_and(|psql| system_word::store(psql, directory, environment).is_some())
    {
        return Ok("system".into());
    }
    // With its directory, since a file's name might be the word.
    let bundle = bundle(directory).and_then(|bundle| std::path::absolute(bundle).ok());
    let bundle = bundle.ok_or_else(no_roots)?;
    let derived = directory
        .filter(|_| is_azure)
        .and_then(|directory| derived(&bundle, directory));
    Ok(derived.unwrap_or_else(|| bundle.into_os_string()))
}

/// Never the word `system` in their place: to libpq up to 15 that is a file of the current
/// directory, which anybody may have put there.
fn no_roots() -> Failure {
    Failure::sign_in("there are no roots to check the server's certificate by")
        .hint("install the system's `ca-certificates`, or name a file of roots in `PGSSLROOTCERT`")
}

/// The file that holds all of the system's roots.
#[cfg(not(windows))]
fn bundle(_directory: Option<&PrivateDirectory>) -> Option<PathBuf> {
    openssl_probe::probe().cert_file
}

/// The file that holds all of the system's roots: Windows has a store and no such file, so that one
/// is written, and again when the store has changed.
///
/// `system` would not do: to psql's OpenSSL that is a directory on the machine where it was built.
#[cfg(windows)]
fn bundle(directory: Option<&PrivateDirectory>) -> Option<PathBuf> {
    const NAME: &str = "roots.pem";
    let directory = directory?;
    let store = rustls_native_certs::load_native_certs().certs;
    let text: String = store.iter().map(|root| pem(root)).collect();
    if text.is_empty() {
        return None;
    }
    if directory.read(NAME).ok()?.as_deref() != Some(text.as_bytes()) {
        directory.replace(NAME, text.as_bytes()).ok()?;
    }
    Some(directory.path_of(NAME))
}

/// A certificate as text, in lines that OpenSSL takes.
#[cfg(windows)]
fn pem(certificate: &[u8]) -> String {
    let mut text = format!("{BEGIN}\n");
    let base64 = STANDARD.encode(certificate);
    for (at, letter) in base64.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            text.push('\n');
        }
        text.push(letter);
    }
    text + "\n" + END + "\n"
}

fn size_and_time(file: &Path) -> Option<(u64, SystemTime)> {
    let about = fs::metadata(file).ok()?;
    Some((about.len(), about.modified().ok()?))
}

/// The file derived from `bundle`, made where it is missing or older than the bundle is.
fn derived(bundle: &Path, directory: &PrivateDirectory) -> Option<OsString> {
    let mut hasher = DefaultHasher::new();
    bundle.hash(&mut hasher);
    let name = format!("roots-{:016x}.pem", hasher.finish());
    let mut origin = DefaultHasher::new();
    // What another version left out, this one may keep.
    (size_and_time(bundle)?, AUTHORITIES_OF_AZURE).hash(&mut origin);
    let heading = format!("Of {}, state {:016x}\n", bundle.display(), origin.finish());
    let known = directory.read(&name).ok()?;
    if !known.is_some_and(|text| text.starts_with(heading.as_bytes())) {
        let kept = without_other_authorities(&fs::read_to_string(bundle).ok()?)?;
        directory
            .replace(&name, (heading + &kept).as_bytes())
            .ok()?;
    }
    Some(directory.path_of(&name).into_os_string())
}

/// The certificates of a bundle, without the public authorities that do not certify Azure's
/// servers. What an administrator added is kept, since nobody else knows what it is for. `None`
/// where nothing of Azure's is left.
fn without_other_authorities(bundle: &str) -> Option<String> {
    let packaged = packaged();
    let mut kept = String::new();
    let mut has_azures = false;
    for text in certificates(bundle) {
        let base64 = without_spaces(text);
        let Ok(certificate) = STANDARD.decode(&base64) else {
            continue;
        };
        let holds = |part: &[u8]| certificate.windows(part.len()).any(|window| window == part);
        let is_azures = AUTHORITIES_OF_AZURE
            .iter()
            .any(|name| holds(name.as_bytes()));
        // Lists of public authorities, to leave them out; never to trust one.
        let is_public = || {
            let mut known = webpki_roots::TLS_SERVER_ROOTS.iter();
            packaged.contains(&base64) || known.any(|authority| holds(&authority.subject))
        };
        if is_azures || !is_public() {
            kept.extend([BEGIN, text, END, "\n"]);
        }
        has_azures |= is_azures;
    }
    has_azures.then_some(kept)
}

/// The public authorities that the system's package brought, older ones than Mozilla's list of
/// today among them.
fn packaged() -> HashSet<String> {
    let files = fs::read_dir(PACKAGED).into_iter().flatten().flatten();
    files
        .filter_map(|file| fs::read_to_string(file.path()).ok())
        .flat_map(|text| certificates(&text).map(without_spaces).collect::<Vec<_>>())
        .collect()
}

/// What stands between the lines that begin and end a certificate.
fn certificates(pem: &str) -> impl Iterator<Item = &str> {
    pem.split(BEGIN)
        .skip(1)
        .filter_map(|block| block.split(END).next())
}

fn without_spaces(text: &str) -> String {
    text.split_ascii_whitespace().collect()
}
