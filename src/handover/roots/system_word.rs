//! Whether the word `system` will do for a psql: its libpq takes it, and the store that its OpenSSL
//! looks into holds something.
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
use crate::system::process;

use super::size_and_time;

/// How long psql may take for an answer that touches neither the network nor a server.
const PATIENCE: Duration = Duration::from_secs(5);

/// More than any libcrypto.
const LONGEST_LIBRARY: u64 = 64 * 1024 * 1024;

/// How much of a file of roots is looked through for the first of them: comments may stand in
/// front.
const BEGINNING: u64 = 64 * 1024;

/// How libcrypto says where it was built to find its store (`OpenSSL_version(OPENSSL_DIR)`).
const MARK: &[u8] = b"OPENSSLDIR: \"";

/// Whether it will do. What psql is asked is asked once for each program.
pub(super) fn is_good(
    psql: &Path,
    directory: Option<&PrivateDirectory>,
    environment: &Environment,
) -> bool {
    let Some(program) = program(psql) else {
        return false;
    };
    let name = format!("libpq-{:016x}", identity(&program, environment));
    let known = directory.and_then(|directory| directory.read(&name).ok().flatten());
    let answer = known.and_then(|known| String::from_utf8(known).ok());
    let answer = answer.unwrap_or_else(|| {
        let store = takes_system(&program, environment).then(|| store(&program, environment));
        // No store is an answer too.
        let answer = store.flatten().unwrap_or_default();
        if let Some(directory) = directory {
            // Where it cannot be kept, psql is asked again.
            let _ = directory.replace(&name, answer.as_bytes());
        }
        answer
    });
    !answer.is_empty() && holds_something(Path::new(&answer), environment)
}

/// psql without links, where it is a program that is called so.
fn program(psql: &Path) -> Option<PathBuf> {
    let program = fs::canonicalize(psql).ok()?;
    let mut beginning = [0; 4];
    let read = File::open(&program).and_then(|mut file| file.read_exact(&mut beginning));
    let is_program = read.is_ok() && &beginning == b"\x7fELF";
    (is_program && program.file_name()? == "psql").then_some(program)
}

/// What changes when psql or the libraries that it loads do.
fn identity(program: &Path, environment: &Environment) -> u64 {
    let mut hasher = DefaultHasher::new();
    for name in ["LD_LIBRARY_PATH", "LD_PRELOAD"] {
        environment.get(name).hash(&mut hasher);
    }
    for file in [program, "/etc/ld.so.cache".as_ref()] {
        (file, size_and_time(file)).hash(&mut hasher);
    }
    hasher.finish()
}

/// Asks psql for a connection that a libpq with `system` refuses at once, since such a connection
/// must verify; an older one looks for a socket that is not there. Neither touches the network.
fn takes_system(psql: &Path, environment: &Environment) -> bool {
    let mut environment = environment.without_secrets();
    environment.set("LC_ALL", "C");
    // Nothing that could lead it elsewhere.
    for name in ["PGSERVICE", "PGHOSTADDR", "PGPORT"] {
        environment.remove(name);
    }
    ourselves::count(psql, &mut environment);
    let question = "host=/dev/null sslmode=prefer sslrootcert=system";
    let words = ["-X", "-w", "-d", question].map(Into::into);
    let answer = process::run(psql, &words, &environment, Deadline::after(PATIENCE));
    answer.is_ok_and(|answer| String::from_utf8_lossy(&answer.stderr).contains("weak sslmode"))
}

/// The directory in which the OpenSSL that psql loads was built to find its store.
fn store(psql: &Path, environment: &Environment) -> Option<String> {
    let library = libraries(psql, environment).into_iter().find(|library| {
        let name = library.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("libcrypto"))
    })?;
    let bytes = plain_file::read(&library, LONGEST_LIBRARY).ok()?;
    let at = bytes
        .windows(MARK.len())
        .position(|window| window == MARK)?;
    let rest = &bytes[at + MARK.len()..];
    let end = rest.iter().position(|&byte| byte == b'"')?;
    String::from_utf8(rest[..end].to_vec()).ok()
}

/// Has the loader say which libraries it would load, as `ldd` does: psql itself never runs.
fn libraries(psql: &Path, environment: &Environment) -> Vec<PathBuf> {
    let mut environment = environment.without_secrets();
    environment.set("LD_TRACE_LOADED_OBJECTS", "1");
    let Ok(answer) = process::run(psql, &[], &environment, Deadline::after(PATIENCE)) else {
        return Vec::new();
    };
    let said = String::from_utf8_lossy(&answer.stdout).into_owned();
    said.lines()
        .filter_map(|line| line.split("=> ").nth(1)?.split(" (").next())
        .map(PathBuf::from)
        .collect()
}

/// Whether the store in `directory`, or what the variables put in its place, holds a certificate
/// (OpenSSL's `X509_STORE_set_default_paths`): in a file, or under its hash in a directory.
fn holds_something(directory: &Path, environment: &Environment) -> bool {
    let file = environment
        .get("SSL_CERT_FILE")
        .map_or_else(|| directory.join("cert.pem"), PathBuf::from);
    if holds_certificate(&file) {
        return true;
    }
    let directories = environment
        .get("SSL_CERT_DIR")
        .map_or_else(|| directory.join("certs").into(), ToOwned::to_owned);
    std::env::split_paths(&directories).any(|directory| {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let mut names = entries.map(|entry| entry.file_name());
        names.any(|name| is_hash(name.as_encoded_bytes()))
    })
}

fn holds_certificate(file: &Path) -> bool {
    const BEGIN: &[u8] = super::BEGIN.as_bytes();
    let mut text = Vec::new();
    let read = File::open(file).and_then(|file| file.take(BEGINNING).read_to_end(&mut text));
    read.is_ok() && text.windows(BEGIN.len()).any(|window| window == BEGIN)
}

/// Whether a name is one by which OpenSSL looks certificates up: eight hexadecimal digits, a dot
/// and a number.
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
