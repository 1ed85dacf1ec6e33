//! A token is remembered, for us alone and for as long as az is in the state that it was got in, and fetched once
//! however many ask at once.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Stdio;

use sandbox::{Behaviour, Fault, Identity, Refusal, TokenChanges};

use crate::support::{Ran, User, text, tool};

const HOST: &str = "mydb.postgres.database.azure.com";
const ALICE: &str = "alice@contoso.example";

fn alice() -> User {
    User::signed_in(Identity::Alice)
        .var("PGHOST", HOST)
        .asks_who()
}

fn directory(user: &User) -> PathBuf {
    user.home.path().join("run/entra-psql")
}

/// The one file in which a token is.
fn token_file(user: &User) -> PathBuf {
    let files: Vec<_> = fs::read_dir(directory(user))
        .expect("the directory")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| fs::read_to_string(path).is_ok_and(|text| text.contains("eyJ")))
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

fn mode(path: &PathBuf) -> u32 {
    fs::symlink_metadata(path)
        .expect("its mode")
        .permissions()
        .mode()
        & 0o777
}

/// Signed in once more, with a warning, which is not silence but no failure.
#[track_caller]
fn is_warned(ran: &Ran, case: &str) {
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "alice@contoso.example|t|postgres\n")
    );
    ran.matches(case);
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
fn it_is_for_its_owner_alone() {
    let user = alice();
    user.run().is_signed_in(ALICE, "postgres", 1);
    assert_eq!(mode(&directory(&user)), 0o700);
    assert_eq!(mode(&token_file(&user)), 0o600);
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

#[test]
fn a_file_that_is_not_what_we_wrote_is_a_miss() {
    let user = alice();
    user.run().is_signed_in(ALICE, "postgres", 1);
    let file = token_file(&user);
    let good = fs::read_to_string(&file).expect("a token");
    let mut calls = 1;
    let other = user.sandbox.issue(Identity::Carol, &TokenChanges::none());
    let soon = user
        .sandbox
        .issue(Identity::Alice, &TokenChanges::none().expires_in(590));
    let ahead = user.sandbox.issue(
        Identity::Alice,
        &TokenChanges::none()
            .claim("iat", 4_000_000_000_u64)
            .claim("exp", 4_000_003_600_u64),
    );
    let parsed: serde_json::Value = serde_json::from_str(&good).expect("JSON");
    let with_token = |token: &str| {
        let mut changed = parsed.clone();
        changed["token"] = token.into();
        changed.to_string()
    };
    for text in [
        String::new(),
        good[..good.len() / 2].to_owned(),
        "[1, 2]".to_owned(),
        "\u{0}\u{1}".to_owned(),
        with_token("eyJ.eyJ.eyJ"),
        with_token(&soon),
        with_token(&ahead),
        good.replace(
            parsed["state"].as_str().expect("a state"),
            "0000000000000000",
        ),
    ] {
        fs::write(&file, text).expect("a file");
        calls += 1;
        user.run().is_signed_in(ALICE, "postgres", calls);
    }
    // That it is read at all: another's token in it is what is used.
    fs::write(&file, with_token(&other)).expect("a file");
    assert!(user.run().stderr.contains("carol@contoso.example"));
}

#[test]
fn what_others_could_reach_is_refused_and_said() {
    let user = alice();
    user.run().is_signed_in(ALICE, "postgres", 1);
    let file = token_file(&user);
    fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("a mode");
    is_warned(&user.run(), "cache/file_open_to_others");
    // It was fetched anew and replaced by one that is ours alone.
    assert_eq!(mode(&file), 0o600);
    user.run().is_signed_in(ALICE, "postgres", 2);
    fs::set_permissions(directory(&user), Permissions::from_mode(0o755)).expect("a mode");
    is_warned(&user.run(), "cache/directory_open_to_others");
}

#[test]
fn a_link_in_the_place_of_the_file_or_the_directory_is_not_followed() {
    let user = alice();
    user.run().is_signed_in(ALICE, "postgres", 1);
    let file = token_file(&user);
    let elsewhere = user.home.path().join("elsewhere");
    fs::rename(&file, &elsewhere).expect("a move");
    symlink(&elsewhere, &file).expect("a link");
    let before = fs::read(&elsewhere).expect("a token");
    is_warned(&user.run(), "cache/link_in_place_of_file");
    assert_eq!(fs::read(&elsewhere).expect("a token"), before);
    assert!(fs::symlink_metadata(&file).expect("a file").is_file());

    let user = alice();
    let target = user.home.path().join("target");
    fs::create_dir(&target).expect("a directory");
    fs::create_dir(user.home.path().join("run")).expect("a directory");
    symlink(&target, directory(&user)).expect("a link");
    is_warned(&user.run(), "cache/link_in_place_of_directory");
    assert_eq!(fs::read_dir(&target).expect("a directory").count(), 0);
}

#[test]
fn a_directory_of_somebody_elses_is_refused() {
    let user = alice();
    fs::create_dir_all(directory(&user)).expect("a directory");
    if nix::unistd::geteuid().is_root() {
        std::os::unix::fs::chown(directory(&user), Some(1), None).expect("another owner");
        is_warned(&user.run(), "cache/directory_of_somebody_else");
    } else {
        // Only root can give a directory away; somebody else's is at hand in `/`.
        let user = user.keeps_nothing();
        user.run().is_signed_in(ALICE, "postgres", 1);
    }
}

#[test]
fn where_nothing_can_be_kept_nothing_fails() {
    let nowhere = alice().keeps_nothing();
    nowhere.run().is_signed_in(ALICE, "postgres", 1);
    nowhere.run().is_signed_in(ALICE, "postgres", 2);
}

#[test]
fn a_full_disk_fails_nothing_and_leaves_nothing() {
    // No file may grow: every write of a token fails, as on a full disk.
    let user = alice();
    let script = "ulimit -f 0; trap '' XFSZ; exec \"$@\"";
    let token = user.sandbox.issue(Identity::Alice, &TokenChanges::none());
    let user = user.file(
        "answer",
        &serde_json::json!({"accessToken": token}).to_string(),
    );
    user.program("az", "#!/bin/sh\ncat \"$HOME/answer\"\n");
    let output = user
        .tool(tool("sh"))
        .args([
            "-c",
            script,
            "sh",
            crate::support::PROGRAM,
            "-XAtc",
            "select current_user",
        ])
        .output()
        .expect("a run");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "alice@contoso.example\n"
    );
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    for entry in fs::read_dir(directory(&user))
        .expect("the directory")
        .flatten()
    {
        assert!(
            !entry.file_name().display().to_string().starts_with("token"),
            "{entry:?}"
        );
    }
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
    // Who comes later tries for themselves. (az itself repeats this refusal for a minute without asking again.)
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
