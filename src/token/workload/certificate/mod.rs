//! An application's certificate, and the file that holds it.
//!
//! [`contents`] extracts certificates and keys, [`key`] signs, and [`assertion`] is what gets
//! signed. The file is read with the identity, since its change drops a cached token. It is
//! decrypted only when a token is fetched, since deriving a key from the password is slow on
//! purpose.

pub mod assertion;
pub mod contents;
pub mod key;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use azure_core::credentials::Secret;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::time::ASN1Time;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::system::plain_file;

use super::credential::fingerprint;
use contents::Contents;
use key::{Key, Misfit};

/// More than any certificate with its chain and key, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// A PEM or PKCS#12 (PFX) file with the certificate, its chain and the private key.
pub struct CertificateFile {
    path: PathBuf,
    bytes: Zeroizing<Vec<u8>>,
    password: Option<Secret>,
}

/// A certificate that proves an application, with its key.
pub struct Signer {
    /// The certificate and then its issuers, in DER.
    chain: Vec<Vec<u8>>,
    key: Key,
}

impl fmt::Debug for CertificateFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateFile({:?}, hidden)", self.path)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(hidden)")
    }
}

impl CertificateFile {
    pub fn read(path: &Path, password: Option<Secret>) -> Result<Self, Failure> {
        let bytes = plain_file::read(path, LONGEST).map_err(|why| {
            Failure::sign_in(format!(
                "the certificate file `{}` cannot be read: {why}",
                path.display()
            ))
            .hint("set `AZURE_CLIENT_CERTIFICATE_PATH` to a file that you may read")
        })?;
        Ok(Self::holding(path, bytes, password))
    }

    /// Takes bytes that were read from `path`.
    pub fn holding(path: &Path, bytes: Zeroizing<Vec<u8>>, password: Option<Secret>) -> Self {
        Self {
            path: path.to_owned(),
            bytes,
            password,
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a digest that changes with the contents or the password.
    pub fn fingerprint(&self) -> String {
        let password = self.password.as_ref().map_or("", Secret::secret);
        fingerprint(&[&self.bytes, password.as_bytes()])
    }

    /// Finds the private key, its certificate and that one's issuers.
    pub fn open(&self, now: SystemTime) -> Result<Signer, Failure> {
        let Contents { certificates, keys } =
            contents::read(&self.bytes, self.password.as_ref()).map_err(|why| self.unread(&why))?;
        if certificates.is_empty() {
            return Err(self.lacking("no certificate"));
        }
        if keys.is_empty() {
            return Err(self.lacking("no private key"));
        }
        let parsed = certificates
            .iter()
            .map(|der| Some(X509Certificate::from_der(der).ok()?.1))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| self.lacking("something other than a certificate in its place"))?;
        let mut unfit = None;
        for key in &keys {
            for (at, certificate) in parsed.iter().enumerate() {
                match Key::pair(key, certificate.public_key()) {
                    Ok(key) => {
                        self.check(certificate, now)?;
                        let chain = chain(&parsed, at)
                            .into_iter()
                            .map(|at| certificates[at].clone());
                        return Ok(Signer {
                            chain: chain.collect(),
                            key,
                        });
                    }
                    Err(Misfit::Another) => {}
                    Err(Misfit::Unusable(why)) => unfit = Some(why),
                }
            }
        }
        Err(match unfit {
            Some(why) => self
                .failure(&format!("holds a private key that cannot be used: {why}"))
                .hint("create a certificate with an RSA key of 2048 bits or more, or an EC key on P-256 or P-384"),
            None => self
                .failure("holds a private key that belongs to none of its certificates")
                .hint("put the certificate and its own private key into one file"),
        })
    }

    fn check(&self, certificate: &X509Certificate<'_>, now: SystemTime) -> Result<(), Failure> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH);
        let now = i64::try_from(now.unwrap_or_default().as_secs()).unwrap_or(i64::MAX);
        let validity = certificate.validity();
        let said = |time: &ASN1Time| time.to_rfc2822().unwrap_or_else(|_| time.to_string());
        if validity.not_after.timestamp() < now {
            let when = said(&validity.not_after);
            return Err(self
                .failure(&format!("holds a certificate that expired on {when}"))
                .hint("create a new certificate, upload it to the application's registration, and set `AZURE_CLIENT_CERTIFICATE_PATH` to its file"));
        }
        if validity.not_before.timestamp() > now {
            let when = said(&validity.not_before);
            return Err(self
                .failure(&format!(
                    "holds a certificate that isn't valid before {when}"
                ))
                .hint("check this machine's clock"));
        }
        Ok(())
    }

    fn unread(&self, why: &contents::Unread) -> Failure {
        match why {
            contents::Unread::Nothing => self
                .failure("is neither PEM nor PKCS#12 (PFX)")
                .hint("set `AZURE_CLIENT_CERTIFICATE_PATH` to a file with the certificate and its private key"),
            contents::Unread::WantsPassword => self
                .failure("is protected by a password")
                .hint("set `AZURE_CLIENT_CERTIFICATE_PASSWORD` to the password"),
            contents::Unread::WrongPassword => self
                .failure("does not open with the password in `AZURE_CLIENT_CERTIFICATE_PASSWORD`")
                .hint("correct `AZURE_CLIENT_CERTIFICATE_PASSWORD`, or unset it if the file has no password"),
            contents::Unread::Unsupported(what) => self
                .failure(&format!("cannot be read: {what}"))
                .hint("convert it with `openssl pkcs12 -export`, or to PEM with `openssl pkcs8 -topk8`"),
        }
    }

    fn lacking(&self, what: &str) -> Failure {
        self.failure(&format!("holds {what}"))
            .hint("set `AZURE_CLIENT_CERTIFICATE_PATH` to one file that holds the certificate and its private key")
    }

    fn failure(&self, what: &str) -> Failure {
        Failure::sign_in(format!(
            "the certificate file `{}` {what}",
            self.path.display()
        ))
    }
}

/// Returns the positions of a certificate and its issuers, each after the one that it certifies.
fn chain(all: &[X509Certificate<'_>], leaf: usize) -> Vec<usize> {
    let mut chain = vec![leaf];
    let mut last = leaf;
    while all[last].issuer() != all[last].subject() {
        let issuer = all[last].issuer();
        let next = (0..all.len()).find(|at| !chain.contains(at) && all[*at].subject() == issuer);
        match next {
            Some(at) => last = at,
            None => break,
        }
        chain.push(last);
    }
    chain
}
