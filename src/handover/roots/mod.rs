//! The operating system's roots in a form that costs a connection nothing.
//!
//! libpq parses a root file whole for every connection, and a system's bundle is some 140
//! certificates. From version 16 it accepts the word `system` instead and looks roots up as it needs
//! them. For older ones a smaller file is derived from the bundle: without the public authorities
//! that don't certify Azure's servers. Nothing is trusted that the system's store doesn't hold.
//! `system_word.rs` decides whether the word will do.

pub mod libraries;
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

/// The authorities that certify Azure's servers, by a part of the subject: all roots that
/// Microsoft's pages name, since servers move between them. Newer systems lack the first. Each
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

/// Where Debian, Ubuntu and Alpine keep the certificates of their bundle, a file for each. What an
/// administrator adds is elsewhere.
const PACKAGED: &str = "/usr/share/ca-certificates/mozilla";

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Returns the value for `PGSSLROOTCERT` that stands for the system's roots.
///
/// `psql` is the psql that will read it, and `mode` its `sslmode`. `psql` is `None` for another
/// program: its libpq may have any version, so the value is a file, which every version accepts.
/// `is_azure` is whether every host is one of Azure's own: another server may have a certificate of
/// any authority that the system trusts. What was found out is kept in `directory`.
pub fn roots(
    psql: Option<&Path>,
    mode: &str,
    is_azure: bool,
    directory: Option<&PrivateDirectory>,
    environment: &Environment,
) -> Result<OsString, Failure> {
    // Below `verify-full`, a libpq that knows the word rejects it ("weak sslmode").
    if mode == "verify-full"
        && psql.is_some_and(|psql| system_word::store(psql, directory, environment).is_some())
    {
        return Ok("system".into());
    }
    // An absolute path, since a file might be called `system`.
    let bundle = bundle(directory).and_then(|bundle| std::path::absolute(bundle).ok());
    let bundle = bundle.ok_or_else(no_roots)?;
    let derived = directory
        .filter(|_| is_azure)
        .and_then(|directory| derived(&bundle, directory));
    Ok(derived.unwrap_or_else(|| bundle.into_os_string()))
}

/// Reports that there are no roots. The word `system` would not do: to libpq up to 15 that is a file
/// of the current directory, and anyone may have put it there.
fn no_roots() -> Failure {
    Failure::sign_in("found no root certificates to check the server's certificate with")
        .hint("install the system's `ca-certificates`, or set `PGSSLROOTCERT` to a file of root certificates")
}

/// Returns the file that holds all of the system's roots.
#[cfg(not(windows))]
fn bundle(_directory: Option<&PrivateDirectory>) -> Option<PathBuf> {
    openssl_probe::probe().cert_file
}

/// Returns a file that holds all of the system's roots. Windows has a store but no such file, so one
/// is written, and again when the store has changed.
///
/// The word `system` would not do: to psql's OpenSSL that is a directory on the machine where it was
/// built.
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

/// Returns a certificate as text, in lines that OpenSSL reads.
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

/// Returns the file derived from `bundle`, and writes it if it is missing or the bundle has changed.
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

/// Returns the certificates of a bundle, without the public authorities that don't certify Azure's
/// servers. What an administrator added is kept, since it may be what this server needs. Returns
/// `None` if none of Azure's is left.
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
        // These lists of public authorities say what to leave out, never what to trust.
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

/// Returns the public authorities of the system's package, which may be older than Mozilla's list of
/// today.
fn packaged() -> HashSet<String> {
    let files = fs::read_dir(PACKAGED).into_iter().flatten().flatten();
    files
        .filter_map(|file| fs::read_to_string(file.path()).ok())
        .flat_map(|text| certificates(&text).map(without_spaces).collect::<Vec<_>>())
        .collect()
}

/// Returns what is between the lines that begin and end a certificate.
fn certificates(pem: &str) -> impl Iterator<Item = &str> {
    pem.split(BEGIN)
        .skip(1)
        .filter_map(|block| block.split(END).next())
}

fn without_spaces(text: &str) -> String {
    text.split_ascii_whitespace().collect()
}
