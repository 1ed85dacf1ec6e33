//! The system's roots reach psql in a form that its libpq takes and that costs little, and stay the
//! system's.

use std::fs;
use std::path::{Path, PathBuf};

use sandbox::{Identity, Sandbox};

use crate::support::{PROGRAM, Ran, User, tell, tool};

const HOST: &str = "mydb.postgres.database.azure.com";
pub const ALICE: &str = "alice@contoso.example";

/// Alice, whose system's store is `store`: the file that the variable names, as OpenSSL has it.
pub fn with_store(store: &Path) -> User {
    User::signed_in(Identity::Alice)
        .var("PGHOST", HOST)
        .without("PGSSLROOTCERT")
        .var("SSL_CERT_FILE", store)
        .asks_who()
}

/// A store like a system's: public authorities, and the sandbox's own, which an administrator
/// added.
pub fn store(directory: &Path) -> PathBuf {
    let public = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
    ]
    .iter()
    .find_map(|file| fs::read_to_string(file).ok())
    .expect("this system's own roots");
    let ours = fs::read_to_string(Sandbox::shared().ca_file()).expect("the sandbox's");
    let file = directory.join("store.pem");
    fs::write(&file, public + &ours).expect("a store");
    file
}

pub fn roots_of(ran: &Ran) -> PathBuf {
    let line = ran
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("PGSSLROOTCERT="));
    line.expect("roots").trim_matches('\'').into()
}

fn certificates(file: &Path) -> usize {
    fs::read_to_string(file)
        .expect("a file")
        .matches("BEGIN CERTIFICATE")
        .count()
}

#[test]
fn an_older_libpq_gets_a_smaller_file_that_follows_the_store() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = store(directory.path());
    let user = with_store(&store);
    user.run().is_signed_in(ALICE, "postgres", 1);
    user.run().is_signed_in(ALICE, "postgres", 1);

    let user = user.args(["--dry-run"]);
    let roots = roots_of(&user.run());
    assert!(
        roots.starts_with(user.home.path().join("run/entra-psql")),
        "{}",
        roots.display()
    );
    // What Azure may use and what was added, and little else.
    let (all, few) = (certificates(&store), certificates(&roots));
    assert!(few > 1 && few * 3 < all, "{few} of {all}");

    // Another store: the file is derived anew.
    let (text, added) = (
        fs::read_to_string(&store).expect("the store"),
        fs::read_to_string(user.sandbox.ca_file()).expect("the sandbox's"),
    );
    fs::write(&store, text.replace(&added, "")).expect("a store");
    assert_eq!(certificates(&roots_of(&user.run())), few - 1);
}

#[test]
fn a_server_that_anybody_may_certify_gets_the_whole_store() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = store(directory.path());
    let user = with_store(&store).args(["--dry-run", "--entra", "-h", "db.example.com"]);
    assert_eq!(roots_of(&user.run()), store);
}

#[test]
fn where_nothing_can_be_kept_the_whole_store_is_used() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = store(directory.path());
    let user = with_store(&store)
        .var("XDG_RUNTIME_DIR", "/dev/null")
        .var("XDG_CACHE_HOME", "/dev/null");
    user.run().is_signed_in(ALICE, "postgres", 1);
    assert_eq!(roots_of(&user.args(["--dry-run"]).run()), store);
}

#[test]
fn a_newer_libpq_looks_roots_up_in_the_store_itself() {
    let sandbox = Sandbox::shared();
    let libraries = sandbox.newer_libpq().expect("a libpq of PostgreSQL 18");
    let newer = || with_store(sandbox.ca_file()).var("LD_LIBRARY_PATH", &libraries);
    let user = newer();
    user.run().is_signed_in(ALICE, "postgres", 1);
    assert_eq!(
        roots_of(&user.args(["--dry-run"]).run()),
        Path::new("system")
    );
    // A store that does not know the server: its token stays here.
    let directory = tempfile::tempdir().expect("a directory");
    let stranger = store(directory.path());
    let text = fs::read_to_string(&stranger).expect("the store");
    let ours = fs::read_to_string(sandbox.ca_file()).expect("the sandbox's");
    fs::write(&stranger, text.replace(&ours, "")).expect("a store");
    let ran = with_store(&stranger)
        .var("LD_LIBRARY_PATH", &libraries)
        .run();
    assert!(
        ran.stderr.contains("certificate verify failed"),
        "{}",
        ran.stderr
    );
}

#[test]
fn which_libpq_it_is_is_found_out_once() {
    let libraries = Sandbox::shared()
        .newer_libpq()
        .expect("a libpq of PostgreSQL 18");
    let user = with_store(Sandbox::shared().ca_file())
        .var("LD_LIBRARY_PATH", &libraries)
        .args(["--dry-run"]);
    assert_eq!(roots_of(&user.run()), Path::new("system"));
    let directory = user.home.path().join("run/entra-psql");
    let answers: Vec<_> = fs::read_dir(directory)
        .expect("the directory")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.display().to_string().contains("/libpq-"))
        .collect();
    assert_eq!(answers.len(), 1, "{answers:?}");
    // That it is read at all: another answer in it is what counts.
    fs::write(&answers[0], "").expect("an answer");
    assert_ne!(roots_of(&user.run()), Path::new("system"));
}

#[test]
fn the_word_is_given_only_to_psql_itself_and_only_with_the_strictest_mode() {
    let sandbox = Sandbox::shared();
    let libraries = sandbox.newer_libpq().expect("a libpq of PostgreSQL 18");
    let newer = || with_store(sandbox.ca_file()).var("LD_LIBRARY_PATH", &libraries);
    let is_a_file = |user: User| {
        user.run().is_signed_in(ALICE, "postgres", 1);
        let roots = roots_of(&user.args(["--dry-run"]).run());
        assert!(roots.is_absolute(), "{}", roots.display());
    };
    is_a_file(newer().var("PGSSLMODE", "verify-ca"));
    // A script may lead to another psql the next time, and so may a link to a program of another
    // name. Neither is asked.
    let psql = sandbox.postgres_bin_dir().join("psql");
    let user = newer();
    user.program(
        "psql",
        &format!("#!/bin/sh\nexec '{}' \"$@\"\n", psql.display()),
    );
    is_a_file(user);
    let user = newer();
    let bin = user.home.path().join("bin");
    fs::copy(&psql, bin.join("manager")).expect("a copy");
    std::os::unix::fs::symlink("manager", bin.join("psql")).expect("a link");
    is_a_file(user);
}

/// The newer libpq's OpenSSL was built to look for its store where there is none.
#[test]
fn a_store_that_is_not_there_is_not_relied_on() {
    let sandbox = Sandbox::shared();
    let libraries = sandbox.newer_libpq().expect("a libpq of PostgreSQL 18");
    let user = User::signed_in(Identity::Alice)
        .var("PGHOST", HOST)
        .without("PGSSLROOTCERT")
        .var("LD_LIBRARY_PATH", &libraries)
        .args(["--dry-run"]);
    let roots = roots_of(&user.run());
    assert!(roots.is_absolute(), "{}", roots.display());
}

/// To libpq up to 15 the word is a file of the current directory, which anybody may have put there.
#[test]
fn without_a_store_nothing_is_trusted() {
    if !nix::unistd::geteuid().is_root() {
        return tell(
            "NOT RUN: without_a_store_nothing_is_trusted hides the system's store, as root alone may",
        );
    }
    let user = User::signed_in(Identity::Alice)
        .var("PGHOST", HOST)
        .without("PGSSLROOTCERT")
        .asks_who();
    fs::copy(user.sandbox.ca_file(), user.home.path().join("system")).expect("a planted file");
    let hidden = "mount -t tmpfs none /etc/ssl && exec \"$0\" \"$@\"";
    let mut command = user.tool(tool("unshare"));
    command.args(["-m", "sh", "-c", hidden, PROGRAM]);
    command.args(user.command().get_args());
    let ran = user.ran(command);
    ran.fails("roots/without_a_store_nothing_is_trusted");
    assert!(ran.stderr.contains("`PGSSLROOTCERT`"), "{}", ran.stderr);
    assert_eq!(ran.az, Vec::<String>::new());
}
