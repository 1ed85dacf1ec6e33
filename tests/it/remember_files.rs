//! The file that a token is remembered in: ours alone, believed only if it is what we wrote, and
//! never needed.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use sandbox::{Identity, TokenChanges};

use crate::remember::{ALICE, alice, directory, token_file};
use crate::support::{Ran, tool};

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
fn it_is_for_its_owner_alone() {
    let user = alice();
    user.run().is_signed_in(ALICE, "postgres", 1);
    assert_eq!(mode(&directory(&user)), 0o700);
    assert_eq!(mode(&token_file(&user)), 0o600);
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
        .issue(Identity::Alice, &TokenChanges::none().expires_in(290));
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
