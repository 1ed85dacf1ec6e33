//! The word `system` reaches psql only where its libpq takes it and finds something by it, whatever
//! becomes of its libraries later, and the doctor knows what is behind it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use sandbox::Sandbox;
use serde_json::Value;

use crate::roots::{ALICE, roots_of, store, with_store};
use crate::support::{PROGRAM, Ran, User, tell, tool};
use crate::user::WHO;

/// Alice with a psql that runs on a newer libpq than the system's.
fn with_newer_libpq(store: &Path) -> User {
    let libraries = Sandbox::shared().newer_libpq();
    with_store(store).var(
        "LD_LIBRARY_PATH",
        libraries.expect("a libpq of PostgreSQL 18"),
    )
}

/// The program, where `mounts` is done first and nobody else sees it; `None` where the system lets
/// nobody mount.
fn run_where(mounts: &str, user: &User, words: &[&str]) -> Option<Ran> {
    let in_own_place = |script: &str| {
        let mut command = user.tool(tool("unshare"));
        command.args(["--mount", "--propagation", "private"]);
        if !nix::unistd::geteuid().is_root() {
            command.arg("--map-root-user");
        }
        command.args(["/bin/sh", "-c", script, "sh"]);
        command
    };
    let is_allowed = in_own_place("mount -t tmpfs none /mnt").output();
    if !is_allowed.expect("unshare").status.success() {
        tell("NOT RUN: the system lets nobody mount");
        return None;
    }
    let mut command = in_own_place(&format!("{mounts} && exec \"$@\""));
    command.arg(PROGRAM).args(words);
    Some(user.ran(command))
}

fn finding(ran: &Ran, link: &str) -> Value {
    let report: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let findings = report["findings"].as_array().expect("findings");
    let finding = findings.iter().find(|finding| finding["link"] == link);
    finding.expect("every link is told").clone()
}

#[test]
fn a_file_called_system_is_named_with_its_directory() {
    let user = with_store(Path::new("system"));
    let file = user.home.path().join("system");
    fs::copy(user.sandbox.ca_file(), &file).expect("a root");
    user.run().is_signed_in(ALICE, "postgres", 1);
    assert_eq!(roots_of(&user.args(["--dry-run"]).run()), file);
}

/// As where a newer libpq is taken away again: an older one takes the word for a file.
#[test]
fn another_library_of_the_same_name_is_another_answer() {
    let libraries = tempfile::tempdir().expect("a directory");
    let sandbox = Sandbox::shared();
    let newer = sandbox.newer_libpq().expect("a libpq of PostgreSQL 18");
    let places: Vec<_> = std::env::split_paths(&newer).collect();
    let libpq = libraries.path().join("libpq.so.5");
    symlink(places[0].join("libpq.so.5"), &libpq).expect("a link");
    let mut path = libraries.path().as_os_str().to_owned();
    path.push(":");
    path.push(&newer);
    let user = with_store(sandbox.ca_file()).args(["--dry-run"]);
    let user = user.var("LD_LIBRARY_PATH", path);
    assert_eq!(roots_of(&user.run()), Path::new("system"));
    let output = Command::new("/sbin/ldconfig").arg("-p").output();
    let known = String::from_utf8(output.expect("the libraries").stdout).expect("text");
    let older = known.lines().find_map(|line| {
        line.trim()
            .strip_prefix("libpq.so.5 ")?
            .rsplit(" => ")
            .next()
    });
    fs::remove_file(&libpq).expect("a link");
    symlink(older.expect("the system's libpq"), &libpq).expect("a link");
    assert_eq!(roots_of(&user.run()), sandbox.ca_file());
}

/// psycopg's libpq, whose OpenSSL was built for a directory that is not here.
#[test]
fn an_openssl_that_was_built_elsewhere_gets_a_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = store(directory.path());
    let user = with_newer_libpq(&store).without("SSL_CERT_FILE");
    // The system's own store, with what an administrator added.
    let added = format!(
        "for f in /etc/ssl/certs/ca-certificates.crt /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem; do \
         [ ! -e $f ] || mount --bind '{}' $f; done",
        store.display()
    );
    let Some(ran) = run_where(&added, &user, &["-XAt", "-c", WHO]) else {
        return;
    };
    ran.is_signed_in(ALICE, "postgres", 1);
    let ran = run_where(&added, &user, &["--dry-run"]).expect("as before");
    let roots = roots_of(&ran);
    assert!(roots.is_absolute(), "{}", roots.display());

    // The doctor tells of the same roots, and of none that psql has not.
    let ran = run_where(&added, &user, &["--doctor=json"]).expect("as before");
    let tls = finding(&ran, "tls");
    assert_eq!(tls["status"], "ok", "{tls}");
    assert!(tls["found"].to_string().contains("roots-"), "{tls}");
    assert_eq!(finding(&ran, "sign-in")["status"], "ok");
    let user = user.var("PGSSLROOTCERT", "system");
    let ran = run_where(&added, &user, &["--doctor=json"]).expect("as before");
    let tls = finding(&ran, "tls");
    assert_eq!(tls["status"], "warn", "{tls}");
    assert!(tls.to_string().contains("unset `PGSSLROOTCERT`"), "{tls}");
    assert_eq!(finding(&ran, "sign-in")["status"], "fail");
}

#[test]
fn an_openssl_whose_own_directory_holds_roots_is_left_to_it() {
    const BUILT_FOR: &str = "/usr/lib/psycopg-openssl";
    let sandbox = Sandbox::shared();
    let libraries = tempfile::tempdir().expect("a directory");
    // A path of the same length, to be written in its place.
    let openssl = tempfile::Builder::new()
        .prefix("")
        .rand_bytes(BUILT_FOR.len() - "/tmp/".len())
        .tempdir_in("/tmp")
        .expect("a directory");
    let newer = sandbox.newer_libpq().expect("a libpq of PostgreSQL 18");
    let original = std::env::split_paths(&newer).last().expect("its directory");
    for entry in fs::read_dir(original).expect("libraries").flatten() {
        let name = entry.file_name().into_string().expect("a name");
        let mut library = fs::read(entry.path()).expect("a library");
        if name.starts_with("libcrypto") {
            let places: Vec<usize> = library
                .windows(BUILT_FOR.len())
                .enumerate()
                .filter(|(_, window)| *window == BUILT_FOR.as_bytes())
                .map(|(at, _)| at)
                .collect();
            assert!(!places.is_empty(), "{name}");
            for at in places {
                let new = openssl.path().as_os_str().as_encoded_bytes();
                library[at..at + BUILT_FOR.len()].copy_from_slice(new);
            }
        }
        let name = if name.starts_with("libpq-") {
            "libpq.so.5"
        } else {
            &name
        };
        fs::write(libraries.path().join(name), library).expect("a library");
    }
    let user = with_newer_libpq(sandbox.ca_file())
        .without("SSL_CERT_FILE")
        .var("LD_LIBRARY_PATH", libraries.path());
    let user = user.args(["--dry-run"]);
    // There is nothing in it yet.
    assert_ne!(roots_of(&user.run()), Path::new("system"));
    let file = openssl.path().join("cert.pem");
    fs::copy(sandbox.ca_file(), &file).expect("a root");
    assert_eq!(roots_of(&user.run()), Path::new("system"));

    let run = |words: &[&str]| {
        let mut command = user.tool(PROGRAM);
        command.args(words);
        user.ran(command)
    };
    run(&["-XAt", "-c", WHO]).is_signed_in(ALICE, "postgres", 1);
    let tls = finding(&run(&["--doctor=json"]), "tls");
    assert_eq!(tls["status"], "ok", "{tls}");
    assert!(tls["found"].to_string().contains("psql's OpenSSL"), "{tls}");

    // What is in it is looked at each time.
    fs::remove_file(file).expect("a file");
    assert_ne!(roots_of(&user.run()), Path::new("system"));
    fs::create_dir(openssl.path().join("certs")).expect("a directory");
    assert_ne!(roots_of(&user.run()), Path::new("system"));
    fs::copy(sandbox.ca_file(), openssl.path().join("certs/01234567.0")).expect("a root");
    assert_eq!(roots_of(&user.run()), Path::new("system"));
}

/// Alice with the library of `psql_runs.c` in every psql.
fn counted(directory: &Path) -> User {
    let library = directory.join("psql_runs.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/psql_runs.c");
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([library.as_os_str(), source.as_ref()])
        .status()
        .expect("a C compiler");
    assert!(status.success(), "cc");
    with_newer_libpq(Sandbox::shared().ca_file()).var("LD_PRELOAD", library)
}

fn runs(user: &User) -> usize {
    let runs = fs::read_to_string(user.home.path().join("runs"));
    runs.unwrap_or_default().lines().count()
}

#[test]
fn psql_is_asked_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let user = counted(directory.path());
    let psql = user.home.path().join("bin/psql");
    fs::copy(user.sandbox.postgres_bin_dir().join("psql"), &psql).expect("a program");
    user.run().is_signed_in(ALICE, "postgres", 1);
    assert_eq!(runs(&user), 2);
    user.run().is_signed_in(ALICE, "postgres", 1);
    assert_eq!(runs(&user), 3);
    // Another program in its place is asked again.
    let mut changed = fs::read(&psql).expect("the program");
    changed.push(0);
    fs::write(&psql, changed).expect("a program");
    user.run().is_signed_in(ALICE, "postgres", 1);
    assert_eq!(runs(&user), 5);
}

#[test]
fn a_psql_that_does_not_answer_is_not_waited_for_long() {
    let directory = tempfile::tempdir().expect("a directory");
    let user = counted(directory.path()).var("SILENT_PSQL", "1");
    user.run().is_signed_in(ALICE, "postgres", 1);
    // The one that was silent, and the one that signed in.
    assert_eq!(runs(&user), 2);
}
