//! What is kept is kept in a directory that is ours, and nothing is made in one that is not.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use sandbox::Identity;

use crate::support::{User, tell};

const HOST: &str = "mydb.postgres.database.azure.com";
const ALICE: &str = "alice@contoso.example";

fn alice() -> User {
    User::signed_in(Identity::Alice)
        .var("PGHOST", HOST)
        .asks_who()
}

/// Somebody whose session has no runtime directory, and whose cache directory is `directory` in
/// their home.
fn with_cache(directory: &str) -> (User, PathBuf) {
    let user = alice().without("XDG_RUNTIME_DIR");
    let cache = user.home.path().join(directory);
    (user.var("XDG_CACHE_HOME", &cache), cache)
}

/// Signs in twice, and says nothing either time: the second asks az again only where nothing was
/// kept.
#[track_caller]
fn keeps(user: &User, something: bool) {
    user.run().is_signed_in(ALICE, "postgres", 1);
    let calls = if something { 1 } else { 2 };
    user.run().is_signed_in(ALICE, "postgres", calls);
}

#[test]
fn the_cache_directory_is_made_in_a_home_that_is_ours() {
    let (user, cache) = with_cache("cache");
    keeps(&user, true);
    let mode = fs::metadata(cache.join("entra-psql")).expect("the directory");
    assert_eq!(mode.permissions().mode() & 0o777, 0o700);
}

#[test]
fn nothing_is_made_where_what_it_is_in_is_missing_or_relative() {
    let (user, cache) = with_cache("missing/cache");
    keeps(&user, false);
    assert!(!cache.parent().expect("a directory").exists());
    let user = alice()
        .var("XDG_RUNTIME_DIR", "run")
        .var("XDG_CACHE_HOME", "/dev/null");
    keeps(&user, false);
    let runtime = alice();
    let missing = runtime.home.path().join("gone");
    let user = runtime
        .var("XDG_RUNTIME_DIR", &missing)
        .var("XDG_CACHE_HOME", "/dev/null");
    keeps(&user, false);
    assert!(!missing.exists());
}

#[test]
fn a_runtime_directory_that_others_can_enter_is_none() {
    let user = alice();
    let run = user.home.path().join("run");
    fs::set_permissions(&run, Permissions::from_mode(0o755)).expect("a mode");
    let cache = user.home.path().join("cache");
    let user = user.var("XDG_CACHE_HOME", &cache);
    keeps(&user, true);
    assert!(cache.join("entra-psql").exists() && !run.join("entra-psql").exists());
}

/// Who may rename a directory on the way, or owns a link there, can have psql read another's files.
#[test]
fn a_runtime_directory_that_others_can_move_away_is_none() {
    type Make = fn(&Path) -> PathBuf;
    let made = |path: &Path, mode| {
        fs::create_dir_all(path.join("run")).expect("a directory");
        fs::set_permissions(path.join("run"), Permissions::from_mode(0o700)).expect("a mode");
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
        path.join("run")
    };
    let linked: Make = |home| {
        symlink("run", home.join("link")).expect("a link");
        home.join("link")
    };
    let slashed: Make = |home| {
        symlink("run", home.join("link")).expect("a link");
        home.join("link/")
    };
    for (case, runtime) in [
        (
            "everybody's",
            &(|home: &Path| made(&home.join("all"), 0o777)) as &dyn Fn(&Path) -> PathBuf,
        ),
        ("a group's", &|home| made(&home.join("group"), 0o770)),
        ("a link", &linked),
        ("a link with a slash", &slashed),
    ] {
        let user = alice();
        let runtime = runtime(user.home.path());
        let cache = user.home.path().join("cache");
        let user = user
            .var("XDG_RUNTIME_DIR", &runtime)
            .var("XDG_CACHE_HOME", &cache);
        keeps(&user, true);
        assert!(!runtime.join("entra-psql").exists(), "{case}");
        assert!(cache.join("entra-psql").exists(), "{case}");
    }
    if nix::unistd::geteuid().is_root() {
        let user = alice();
        let theirs = user.home.path().join("theirs");
        let ours = made(&theirs, 0o755);
        chown(&theirs, Some(1), None).expect("another owner");
        let user = user
            .var("XDG_RUNTIME_DIR", &ours)
            .var("XDG_CACHE_HOME", "/dev/null");
        keeps(&user, false);
        assert!(!ours.join("entra-psql").exists());
    }
}

/// The link may lead elsewhere by the time that psql reads what is named.
#[test]
fn a_link_on_the_way_is_followed_once() {
    let user = alice();
    let link = user.home.path().join("link");
    symlink(".", &link).expect("a link");
    let store = user.home.path().join("store.pem");
    let public = fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
    let ours = fs::read_to_string(user.sandbox.ca_file()).expect("a root");
    fs::write(&store, public.clone() + &ours).expect("a store");
    if public.is_empty() {
        return tell("NOT RUN: a_link_on_the_way_is_followed_once wants the roots of a Debian");
    }
    let expected = format!(
        "PGSSLROOTCERT={}/run/entra-psql/",
        user.home.path().display()
    );
    let user = user
        .without("PGSSLROOTCERT")
        .var("SSL_CERT_FILE", store)
        .var("XDG_RUNTIME_DIR", link.join("run"))
        .args(["--dry-run"]);
    let said = user.run().stdout;
    assert!(said.contains(&expected), "{said}");
}

#[test]
fn a_cache_directory_that_others_can_move_away_is_none() {
    let (user, cache) = with_cache("open/cache");
    let open = cache.parent().expect("a directory");
    fs::create_dir(open).expect("a directory");
    fs::set_permissions(open, Permissions::from_mode(0o777)).expect("a mode");
    keeps(&user, false);
    assert!(!cache.exists());
    // Whoever may write to a sticky directory can move only what is theirs.
    fs::set_permissions(open, Permissions::from_mode(0o1777)).expect("a mode");
    user.run().is_signed_in(ALICE, "postgres", 3);
    user.run().is_signed_in(ALICE, "postgres", 3);
}

/// After `su` or `sudo -E`, the variables are still those of whoever called it.
#[test]
fn nothing_is_made_below_somebody_elses_directory() {
    if !nix::unistd::geteuid().is_root() {
        return tell(
            "NOT RUN: nothing_is_made_below_somebody_elses_directory gives directories away, as root alone may",
        );
    }
    let user = alice();
    let run = user.home.path().join("run");
    let (home, cache) = (
        user.home.path().join("theirs"),
        user.home.path().join("theirs/.cache"),
    );
    fs::create_dir_all(&cache).expect("a directory");
    for directory in [&run, &home, &cache] {
        fs::set_permissions(directory, Permissions::from_mode(0o700)).expect("a mode");
        chown(directory, Some(1), Some(1)).expect("another owner");
    }
    let user = user.var("XDG_CACHE_HOME", &cache);
    keeps(&user, false);
    for directory in [&run, &cache] {
        let mut entries = fs::read_dir(directory).expect("a directory");
        assert!(entries.next().is_none(), "{}", directory.display());
    }
}
