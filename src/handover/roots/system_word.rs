//! Whether the word `system` will do for a psql: its libpq accepts it, and the store of its OpenSSL
//! holds something. What is not known for certain is a no.
//!
//! Only a program that is psql itself is asked. A script, or a version manager's link to a program
//! of another name, may lead to another psql the next time.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::environment::Environment;
use crate::psql::ourselves;
use crate::system::deadline::Deadline;
use crate::system::plain_file;
use crate::system::private_directory::PrivateDirectory;
use crate::system::process::{self, NoAnswer};

use super::{libraries, size_and_time};

/// How long psql may take for an answer that touches neither the network nor a server.
const PATIENCE: Duration = Duration::from_secs(5);

/// More than any library, program or file of roots.
const LONGEST: u64 = 64 * 1024 * 1024;

/// What comes before the built-in path of its store in libcrypto (`OpenSSL_version(OPENSSL_DIR)`).
const MARK: &[u8] = b"OPENSSLDIR: \"";

/// Where an OpenSSL looks roots up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// The file that holds some.
    pub file: PathBuf,
    /// The directories that hold some, each in a file named for its hash.
    pub directories: Vec<PathBuf>,
}

/// Returns the store that the word stands for, or `None` unless the libpq of `psql` is known to
/// accept the word and the store holds something. psql is asked once for each program.
pub fn store(
    psql: &Path,
    directory: Option<&PrivateDirectory>,
    environment: &Environment,
) -> Option<Store> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let program = program(psql)?;
    let name = format!("libpq-{:016x}", identity(&program, environment));
    let known = directory.and_then(|directory| directory.read(&name).ok().flatten());
    let known = known.and_then(|known| Answer::parse(&String::from_utf8(known).ok()?));
    let answer = if let Some(answer) = known {
        answer
    } else {
        let answer = Answer::ask(&program, environment).ok()?;
        if let Some(directory) = directory {
            // If it cannot be kept, psql is asked again.
            let _ = directory.replace(&name, answer.to_text().as_bytes());
        }
        answer
    };
    let built_for = answer.built_for.filter(|path| path.starts_with('/'))?;
    let store = Store::locate(Path::new(&built_for), environment);
    store.holds_something().then_some(store)
}

/// What was found out about a psql.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    /// The built-in directory of its OpenSSL's store; `None` if its libpq does not accept the word,
    /// or that is not known.
    built_for: Option<String>,
    /// The libraries that this depends on.
    libraries: Vec<String>,
}

impl Answer {
    /// Asks psql, its loader and its libraries.
    fn ask(psql: &Path, environment: &Environment) -> Result<Self, NoAnswer> {
        let deadline = Deadline::after(PATIENCE);
        // Another program may run any psql, and its libraries would be listed.
        if !loads_libpq(psql) {
            return Ok(Self::default());
        }
        let (mut libpq, mut libcrypto) = (Vec::new(), Vec::new());
        for library in libraries::list(psql, environment, deadline)? {
            let name = library.rsplit('/').next().unwrap_or_default();
            if name.starts_with("libpq.") || name.starts_with("libpq-") {
                libpq.push(library);
            } else if name.starts_with("libcrypto") {
                libcrypto.push(library);
            }
        }
        let ([_], [openssl]) = (&libpq[..], &libcrypto[..]) else {
            return Ok(Self::default());
        };
        if !takes_system(psql, environment, deadline)? {
            return Ok(Self::default());
        }
        Ok(Self {
            built_for: built_for(Path::new(openssl)),
            libraries: [libpq, libcrypto].concat(),
        })
    }

    fn to_text(&self) -> String {
        let Some(built_for) = &self.built_for else {
            return String::new();
        };
        let mut lines = vec![state(&self.libraries), built_for.clone()];
        lines.extend_from_slice(&self.libraries);
        lines.join("\n")
    }

    /// Reads an answer that was kept; `None` if a library has changed since.
    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let mut lines = text.split('\n').map(str::to_owned);
        let (kept, built_for) = (lines.next()?, lines.next()?);
        let libraries: Vec<String> = lines.collect();
        (kept == state(&libraries)).then_some(Self {
            built_for: Some(built_for),
            libraries,
        })
    }
}

/// Whether `psql` itself loads libpq.
fn loads_libpq(psql: &Path) -> bool {
    plain_file::read(psql, LONGEST).is_ok_and(|program| {
        let mut strings = program.split(|&byte| byte == 0);
        strings.any(|string| string.starts_with(b"libpq.so."))
    })
}

/// Returns a text that changes when one of `libraries` does.
fn state(libraries: &[String]) -> String {
    let mut hasher = DefaultHasher::new();
    for library in libraries {
        size_and_time(Path::new(library)).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

/// Returns psql without links, if it is a program of that name.
fn program(psql: &Path) -> Option<PathBuf> {
    let program = fs::canonicalize(psql).ok()?;
    let mut beginning = [0; 4];
    let read = File::open(&program).and_then(|mut file| file.read_exact(&mut beginning));
    let is_program = read.is_ok() && &beginning == b"\x7fELF";
    (is_program && program.file_name()? == "psql").then_some(program)
}

/// Returns a number that changes when psql or the libraries that it loads do.
fn identity(program: &Path, environment: &Environment) -> u64 {
    let mut hasher = DefaultHasher::new();
    for name in ["LD_LIBRARY_PATH", "LD_PRELOAD"] {
        let value = environment.get(name);
        value.hash(&mut hasher);
        let mut places = value.into_iter().flat_map(std::env::split_paths);
        // A relative path means another file in every directory.
        if places.any(|place| place.is_relative()) {
            fs::canonicalize(".").ok().hash(&mut hasher);
        }
    }
    for file in [program, "/etc/ld.so.cache".as_ref()] {
        (file, size_and_time(file)).hash(&mut hasher);
    }
    hasher.finish()
}

/// Asks psql for a connection that a libpq with `system` rejects at once, since such a connection
/// must verify. An older one looks for a socket that does not exist. Neither uses the network.
fn takes_system(
    psql: &Path,
    environment: &Environment,
    deadline: Deadline,
) -> Result<bool, NoAnswer> {
    // No variable that could lead it elsewhere, or that it might reject first.
    let mut environment: Environment = environment
        .iter()
        .filter(|(name, _)| !name.as_encoded_bytes().starts_with(b"PG"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    environment = environment.without_secrets();
    environment.set("LC_ALL", "C");
    ourselves::count(psql, &mut environment);
    let question = "host=/dev/null sslmode=prefer sslrootcert=system";
    let words = ["-X", "-w", "-d", question].map(Into::into);
    let answer = process::run(psql, &words, &environment, deadline)?;
    Ok(String::from_utf8_lossy(&answer.stderr).contains("weak sslmode"))
}

/// Returns the built-in directory of an OpenSSL's store, from its library.
fn built_for(library: &Path) -> Option<String> {
    let bytes = plain_file::read(library, LONGEST).ok()?;
    let mut strings = bytes.split(|&byte| byte == 0);
    let found = strings.find_map(|string| string.strip_prefix(MARK))?;
    Some(
        std::str::from_utf8(found)
            .ok()?
            .strip_suffix('"')?
            .to_owned(),
    )
}

impl Store {
    /// Returns the store of an OpenSSL that was built for `directory`, or the one that the variables
    /// name instead (OpenSSL's `X509_STORE_set_default_paths`).
    fn locate(directory: &Path, environment: &Environment) -> Self {
        let file = environment.get("SSL_CERT_FILE");
        let directories = environment.get("SSL_CERT_DIR");
        Self {
            file: file.map_or_else(|| directory.join("cert.pem"), PathBuf::from),
            directories: directories.map_or_else(
                || vec![directory.join("certs")],
                |directories| std::env::split_paths(directories).collect(),
            ),
        }
    }

    /// Whether it holds a certificate: in the file, or under its hash in a directory.
    fn holds_something(&self) -> bool {
        holds_certificate(&self.file)
            || self.directories.iter().any(|directory| {
                let entries = fs::read_dir(directory).into_iter().flatten().flatten();
                let mut names = entries.map(|entry| entry.file_name());
                names.any(|name| is_hash(name.as_encoded_bytes()))
            })
    }
}

fn holds_certificate(file: &Path) -> bool {
    const BEGIN: &[u8] = super::BEGIN.as_bytes();
    plain_file::read(file, LONGEST)
        .is_ok_and(|text| text.windows(BEGIN.len()).any(|window| window == BEGIN))
}

/// Whether OpenSSL looks certificates up by this name: eight hexadecimal digits, a dot and a number.
fn is_hash(name: &[u8]) -> bool {
    let (hash, rest) = name.split_at(name.len().min(8));
    let is_number = |digits: &[u8]| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    hash.len() == 8
        && hash.iter().all(u8::is_ascii_hexdigit)
        && rest.strip_prefix(b".").is_some_and(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_while_its_libraries_stay() {
        let directory = tempfile::tempdir().unwrap();
        let library = directory.path().join("libpq.so.5");
        fs::write(&library, "one").unwrap();
        let answer = Answer {
            built_for: Some("/usr/lib/ssl".to_owned()),
            libraries: vec![library.to_str().unwrap().to_owned()],
        };
        let text = answer.to_text();
        assert_eq!(Answer::parse(&text), Some(answer));
        fs::write(&library, "another").unwrap();
        assert_eq!(Answer::parse(&text), None);
        let no = Answer::default();
        assert_eq!(Answer::parse(&no.to_text()), Some(no));
        // An earlier version kept this.
        assert_eq!(Answer::parse("/usr/lib/ssl"), None);
    }

    #[test]
    fn names_under_which_certificates_are_looked_up() {
        for (name, is_one) in [
            ("5ad8a5d6.0", true),
            ("5ad8a5d6.12", true),
            ("5ad8a5d6.r0", false),
            ("5ad8a5d6", false),
            ("5ad8a5d6.", false),
            ("ca-certificates.crt", false),
            ("", false),
        ] {
            assert_eq!(is_hash(name.as_bytes()), is_one, "{name}");
        }
    }
}
