//! A token is remembered for as long as az is in the state that it was got in, and fetched once
//! however many ask at once.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;

use sandbox::{Behaviour, Fault, Identity, Refusal, TokenChanges};

use crate::support::{Ran, User, text};

const HOST: &str = "mydb.postgres.database.azure.com";
pub const ALICE: &str = "alice@contoso.example";

pub fn alice() -> User {
    User::signed_in(Identity::Alice)
        .var("PGHOST", HOST)
        .asks_who()
}

pub fn directory(user: &User) -> PathBuf {
    user.home.path().join("run/entra-psql")
}

/// The one file in which a token is.
pub fn token_file(user: &User) -> PathBuf {
    let files: Vec<_> = fs::read_dir(directory(user))
        .expect("the directory")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| fs::read_to_string(path).is_ok_and(|text| text.contains("eyJ")))
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

#[test]
fn a_second_launch_asks_nobody() {
    let user = alice();
    user.run().is_signed_in(ALICE, "postgres", 1);
    user.run().is_signed_in(ALICE, "postgres", 1);
    // As the group the token is the same one.
    user.args(["--group", "Prod DB Readonly"])
        .run()
        .is_signed_in("Prod DB Readonly", "postgres", 1);
}

#[test]
fn a_name_from_graph_is_remembered_with_its_token() {
    for identity in [Identity::Bob, Identity::BillingService] {
        let user = User::signed_in(identity).var("PGHOST", HOST);
        let as_group = |user: User| user.args(["-XAtc", "select 1"]);
        let user = as_group(user);
        assert_eq!(user.run().az.len(), 2);
        assert_eq!(user.run().az.len(), 2);
    }
}

#[test]
fn a_token_got_for_a_typed_role_is_completed_when_the_name_is_wanted() {
    let user = User::signed_in(Identity::Bob)
        .var("PGHOST", HOST)
        .var("PGUSER", Identity::Bob.name())
        .var("PGDATABASE", "app")
        .asks_who();
    user.run().is_signed_in(Identity::Bob.name(), "app", 1);
    let user = user.without("PGUSER");
    user.run().is_signed_in(Identity::Bob.name(), "app", 2);
    assert!(
        user.az_calls()[1].starts_with("ad signed-in-user show"),
        "{:?}",
        user.az_calls()
    );
    user.run().is_signed_in(Identity::Bob.name(), "app", 2);
}

#[test]
fn what_is_asked_for_tells_tokens_apart() {
    let user = alice();
    user.run().is_signed_in(ALICE, "postgres", 1);
    let user = user.args(["--tenant", sandbox::directory::TENANT]);
    user.run().is_signed_in(ALICE, "postgres", 2);
    user.run().is_signed_in(ALICE, "postgres", 2);
}

#[test]
fn fresh_fetches_and_replaces() {
    let user = alice();
    user.run().is_signed_in(ALICE, "postgres", 1);
    let first = fs::read(token_file(&user)).expect("a token");
    // az would answer from its own cache.
    fs::remove_file(user.home.path().join(".azure/msal_token_cache.json")).expect("az's cache");
    fs::create_dir(user.home.path().join("again")).expect("a directory");
    user.sandbox
        .sign_in(&user.home.path().join("again"), Identity::Alice)
        .expect("a profile");
    fs::copy(
        user.home.path().join("again/.azure/msal_token_cache.json"),
        user.home.path().join(".azure/msal_token_cache.json"),
    )
    .expect("az's cache");
    user.entra.behave(Behaviour::tokens(
        TokenChanges::none().claim("uti", "another"),
    ));
    let user = user.args(["--fresh"]);
    user.run().is_signed_in(ALICE, "postgres", 2);
    assert_ne!(fs::read(token_file(&user)).expect("a token"), first);
}

#[test]
fn nothing_is_kept_where_nobody_wants_it() {
    for (name, value) in [
        ("CI", "true"),
        ("ENTRA_PSQL_CACHE", "off"),
        ("ENTRA_PSQL_CACHE", "never"),
    ] {
        let user = alice().var(name, value);
        user.run().is_signed_in(ALICE, "postgres", 1);
        user.run().is_signed_in(ALICE, "postgres", 2);
        let files: Vec<_> = fs::read_dir(directory(&user))
            .expect("the directory")
            .flatten()
            .collect();
        assert!(
            files
                .iter()
                .all(|file| !file.file_name().display().to_string().starts_with("token")),
            "{files:?}"
        );
    }
}

/// Runs the real az with the user's environment.
fn az(user: &User, words: &[&str]) {
    let status = user
        .tool(user.home.path().join("bin/az"))
        .args(words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("az");
    assert!(status.success(), "az {words:?}");
}

#[test]
fn az_logout_makes_it_forgotten() {
    let user = alice();
    user.run().is_signed_in(ALICE, "postgres", 1);
    let file = token_file(&user);
    az(&user, &["logout"]);
    user.run().fails("cache/after_logout");
    assert!(!file.exists());
}

#[test]
fn az_login_as_somebody_else_makes_it_forgotten() {
    let user = alice();
    user.run().is_signed_in(ALICE, "postgres", 1);
    user.entra.sign_in_as(Identity::Bob);
    az(&user, &["login", "--use-device-code", "--output", "none"]);
    let ran = user.run();
    assert!(ran.stdout.starts_with(Identity::Bob.name()), "{ran:?}");
}

#[test]
fn az_account_set_and_cloud_set_make_it_forgotten() {
    let user = alice();
    // A second subscription, as az writes them down.
    let profile = user.home.path().join(".azure/azureProfile.json");
    let text = fs::read_to_string(&profile).expect("az's profile");
    let text = text.trim_start_matches('\u{feff}');
    let mut parsed: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let mut second = parsed["subscriptions"][0].clone();
    second["id"] = "00000000-0000-0000-0000-000000000009".into();
    second["name"] = "Second".into();
    second["isDefault"] = false.into();
    parsed["subscriptions"]
        .as_array_mut()
        .expect("a list")
        .push(second);
    fs::write(&profile, parsed.to_string()).expect("a profile");
    user.run().is_signed_in(ALICE, "postgres", 1);
    az(&user, &["account", "set", "--subscription", "Second"]);
    let calls = user.az_calls().len();
    assert_eq!(user.run().az.len(), calls + 1);
    az(&user, &["cloud", "set", "--name", "AzureUSGovernment"]);
    let ran = user.run();
    assert_eq!(ran.code, Some(2), "{ran:?}");
}

/// Launches `count` at once and waits for them all.
fn at_once(user: &User, count: usize) -> Vec<Ran> {
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..count).map(|_| scope.spawn(|| user.run())).collect();
        let ended = started.into_iter().map(|run| run.join().expect("a run"));
        ended.collect()
    })
}

#[test]
fn many_at_once_make_one_call() {
    let user = alice();
    for ran in at_once(&user, 32) {
        ran.is_signed_in(ALICE, "postgres", 1);
    }
    assert_eq!(user.entra.token_requests().len(), 1);
}

#[test]
fn the_failure_of_one_is_told_to_those_who_waited() {
    let user = alice();
    user.entra
        .behave(Behaviour::fault(Fault::Refuse(Refusal::ConditionalAccess)));
    let all = at_once(&user, 12);
    for ran in &all {
        ran.fails("cache/failure_of_another");
    }
    let calls = user.az_calls().len();
    assert!(calls < 4, "{calls} calls for {} launches", all.len());
    // Who comes later tries for themselves. (az itself repeats this refusal for a minute without
    // asking again.)
    assert_eq!(user.run().az.len(), calls + 1);
}

#[test]
fn a_fetcher_that_is_killed_leaves_the_turn_to_the_next() {
    let user = alice();
    let marker = user.home.path().join("in-az");
    let real = user.sandbox.az_dir().join("az");
    user.program(
        "az",
        &format!(
            "#!/bin/sh\nmkdir \"$HOME/in-az\" 2>/dev/null && exec sleep 20\nexec '{}' \"$@\"\n",
            real.display()
        ),
    );
    let mut first = user.command_itself().spawn().expect("a launch");
    while !marker.exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let second = user
        .command()
        .stdout(Stdio::piped())
        .spawn()
        .expect("a launch");
    first.kill().expect("its end");
    first.wait().expect("its end");
    let output = second.wait_with_output().expect("its end");
    assert_eq!(text(&output.stdout), "alice@contoso.example|t|postgres\n");
    // Whatever is locked stays so only while its holder lives.
    File::open(directory(&user).join("az.lock"))
        .expect("the lock")
        .try_lock()
        .expect("nobody holds it");
}
