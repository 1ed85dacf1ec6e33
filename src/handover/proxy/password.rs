//! The local password. It is random, and libpq reads it from a password file that only its owner may
//! read.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::system::private_directory::PrivateDirectory;

use super::scram::Verifier;

/// How the name of a file begins that is for one run.
pub const OF_THIS_RUN: &str = "once-";

/// A password and its file. It has no `Debug`, which would show the secret.
pub struct Password {
    secret: Zeroizing<String>,
    verifier: Verifier,
    file: PassFile,
}

enum PassFile {
    /// Stays for later runs.
    Kept(PathBuf),
    /// Is removed at the end.
    OfThisRun(NamedTempFile),
}

impl Password {
    /// Returns the password for libpq's `host` that is kept in `directory`, or keeps a new one. A
    /// program's saved connection then works again tomorrow.
    pub fn kept(directory: &PrivateDirectory, host: &str) -> Result<Self, Failure> {
        let name = format!("proxy-{host}.pgpass");
        let path = directory.path_of(&name);
        let kept = directory
            .read(&name)
            .map_err(|exposed| unusable(&exposed.0))?;
        let kept = kept.map(Zeroizing::new);
        let known = kept.and_then(|line| password_in(&line, host));
        let is_new = known.is_none();
        let password = known.or_else(random).ok_or_else(no_random)?;
        if is_new {
            directory
                .replace(&name, line(host, &password).as_bytes())
                .map_err(|why| unusable(&why.to_string()))?;
        }
        Ok(Self {
            verifier: Verifier::new(&password).ok_or_else(no_random)?,
            secret: password,
            file: PassFile::Kept(path),
        })
    }

    /// Returns a new password for this run only. Its file is in `directory`, if there is one.
    pub fn of_this_run(directory: Option<&PrivateDirectory>, host: &str) -> Result<Self, Failure> {
        let password = random().ok_or_else(no_random)?;
        let written = |password: &str| -> io::Result<NamedTempFile> {
            let mut file = match directory {
                Some(directory) => directory.temporary_file(OF_THIS_RUN)?,
                // Only its owner can read it there too.
                None => NamedTempFile::new()?,
            };
            // Later runs remove the file if this one is killed. On Windows a lock would keep libpq from
            // reading it.
            if cfg!(unix) {
                let _ = file.as_file().lock();
            }
            file.write_all(line(host, password).as_bytes())?;
            Ok(file)
        };
        let file = written(&password).map_err(|why| unusable(&why.to_string()))?;
        Ok(Self {
            verifier: Verifier::new(&password).ok_or_else(no_random)?,
            secret: password,
            file: PassFile::OfThisRun(file),
        })
    }

    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Removes the file unless it is kept. Open connections may still hold the password.
    pub fn forget(&self) {
        if let PassFile::OfThisRun(file) = &self.file {
            // If it can't be removed, the password is useless anyway.
            let _ = std::fs::remove_file(file.path());
        }
    }

    /// Returns the password itself, for the program that gets it in a variable.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Returns the password file.
    pub fn path(&self) -> &Path {
        match &self.file {
            PassFile::Kept(path) => path,
            PassFile::OfThisRun(file) => file.path(),
        }
    }
}

/// Returns the line of a password file for this host only.
fn line(host: &str, password: &str) -> Zeroizing<String> {
    let host = host.replace('\\', "\\\\").replace(':', "\\:");
    Zeroizing::new(format!("{host}:*:*:*:{password}\n"))
}

/// Returns the password if `text` is a line of `line`'s.
fn password_in(text: &[u8], host: &str) -> Option<Zeroizing<String>> {
    let text = std::str::from_utf8(text).ok()?;
    let password = text.trim_end().rsplit(':').next()?;
    let is_ours = password.len() >= 40 && *line(host, password) == text;
    is_ours.then(|| Zeroizing::new(password.to_owned()))
}

/// Returns 256 random bits as text that needs no escaping.
fn random() -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; 32]);
    SystemRandom::new().fill(&mut *bytes).ok()?;
    Some(Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes)))
}

fn no_random() -> Failure {
    Failure::sign_in("the system returned no random numbers for a local password")
        .hint("use a socket: `--proxy=DIRECTORY`")
}

fn unusable(why: &str) -> Failure {
    Failure::sign_in(format!("the local password can't be kept: {why}"))
        .hint("remove that file, or set `ENTRA_PSQL_CACHE=off` to use a new password for each run")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_line_is_read() {
        let host = "::1";
        let password = random().unwrap();
        assert_eq!(password.len(), 43);
        let text = line(host, &password);
        assert!(text.starts_with("\\:\\:1:*:*:*:"), "{}", &text[..10]);
        assert!(password_in(text.as_bytes(), host) == Some(password));
        for other in ["", "x", "\\:\\:1:*:*:*:short\n", "\\:\\:1:*:*:*:\n"] {
            assert!(password_in(other.as_bytes(), host).is_none());
        }
        assert!(password_in(text.as_bytes(), "127.0.0.1").is_none());
    }
}
