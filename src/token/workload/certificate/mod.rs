//! An application's certificate: its file, and what it is good for.
//!
//! [`contents`] takes certificates and key out of the file, [`key`] signs, [`assertion`] is what is
//! signed. The file is read when the identity is, since its change makes a remembered token
//! forgotten, and understood only when a token is fetched: the password's derivation is slow on
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

/// The file with the certificate, its chain and the private key: PEM, or PKCS#12 (PFX).
pub struct CertificateFile {
    path: PathBuf,
    bytes: Zeroizing<Vec<u8>>,
    password: Option<Secret>,
}

/// A certificate that proves an application, with its key.
pub struct Signer {
    /// The certificate, and those that certify it in this order, in DER.
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
    /// Reads the file.
    pub fn read(path: &Path, password: Option<Secret>) -> Result<Self, Failure> {
        let bytes = plain_file::read(path, LONGEST).map_err(|why| {
            Failure::sign_in(format!(
                "the certificate file `{}` cannot be read: {why}",
                path.display()
            ))
            .hint("does `AZURE_CLIENT_CERTIFICATE_PATH` name the file, and may you read it?")
        })?;
        Ok(Self::holding(path, bytes, password))
    }

    /// The file at `path`, which holds `bytes`.
    pub fn holding(path: &Path, bytes: Zeroizing<Vec<u8>>, password: Option<Secret>) -> Self {
        Self {
            path: path.to_owned(),
            bytes,
            password,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What tells its contents and password from others.
    pub fn fingerprint(&self) -> String {
        let password = self.password.as_ref().map_or("", Secret::secret);
        fingerprint(&[&self.bytes, password.as_bytes()])
    }

    /// Understands the file: the private key, the certificate that it belongs to, and those that
    /// certify that one.
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
            .ok_or_else(|| self.lacking("something else than a certificate in its place"))?;
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
                .hint("make a certificate with an RSA key of 2048 bits or more, or an EC key on P-256 or P-384"),
            None => self
                .failure("holds a private key that belongs to none of its certificates")
                .hint("put the certificate and the key that it was made with into one file"),
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
                .hint("make a new one, upload it to the application's registration, and name its file in `AZURE_CLIENT_CERTIFICATE_PATH`"));
        }
        if validity.not_before.timestamp() > now {
            let when = said(&validity.not_before);
            return Err(self
                .failure(&format!(
                    "holds a certificate that is not valid before {when}"
                ))
                .hint("is this machine's clock right?"));
        }
        Ok(())
    }

    fn unread(&self, why: &contents::Unread) -> Failure {
        match why {
            contents::Unread::Nothing => self
                .failure("is neither PEM nor PKCS#12 (PFX)")
                .hint("name a file with the certificate and its private key in `AZURE_CLIENT_CERTIFICATE_PATH`"),
            contents::Unread::WantsPassword => self
                .failure("is protected by a password")
                .hint("put it into `AZURE_CLIENT_CERTIFICATE_PASSWORD`"),
            contents::Unread::WrongPassword => self
                .failure("does not open with the password in `AZURE_CLIENT_CERTIFICATE_PASSWORD`")
                .hint("correct `AZURE_CLIENT_CERTIFICATE_PASSWORD`, or unset it where there is no password"),
            contents::Unread::Unsupported(what) => self
                .failure(&format!("cannot be read: {what}"))
                .hint("write it anew with `openssl pkcs12 -export`, or as PEM with `openssl pkcs8 -topk8`"),
        }
    }

    fn lacking(&self, what: &str) -> Failure {
        self.failure(&format!("holds {what}"))
            .hint("`AZURE_CLIENT_CERTIFICATE_PATH` names one file with both, the certificate and its private key")
    }

    fn failure(&self, what: &str) -> Failure {
        Failure::sign_in(format!(
            "the certificate file `{}` {what}",
            self.path.display()
        ))
    }
}

/// The places of a certificate and of those that certify it, as far as there are any, each behind
/// the one that it certifies.
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
