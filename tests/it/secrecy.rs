//! The token is in psql's environment and nowhere else.

use std::fs;
use std::path::Path;

use sandbox::{Behaviour, Fault, Identity, Refusal};

use crate::support::{User, here, preloaded};

const HOST: &str = "mydb.postgres.database.azure.com";

/// How every JWT begins: `{"` in base64url.
const TOKEN: &str = "eyJ";

#[test]
fn no_program_is_started_with_the_token_among_its_words() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("log");
    for identity in [Identity::Alice, Identity::Bob] {
        User::signed_in(identity)
            .var("PGHOST", HOST)
            .var("LD_PRELOAD", preloaded("exec_log.c", directory.path()))
            .var("EXEC_LOG", &log)
            .args(["-XAtc", "\\! true"])
            .args(["-c", "select length(current_user)"])
            .run();
    }
    let log = fs::read_to_string(log).expect("a log");
    // That the log sees all: our az, the real one's Python, psql, and the shell inside psql.
    for program in [
        "az account get-access-token",
        "azure.cli account get-access-token",
        "azure.cli ad signed-in-user show",
        here("/psql -XAtc", r"\psql.exe -XAtc"),
    ] {
        assert!(log.contains(program), "no {program:?} in {log}");
    }
    assert!(!log.contains(TOKEN), "{log}");
}

#[test]
fn no_file_and_no_output_holds_the_token() {
    let runs = [
        User::signed_in(Identity::Alice).args(["-XAtc", "select 1"]),
        User::signed_in(Identity::Alice).args(["--entra-verbose", "-XAtc", "select 1"]),
        User::signed_in(Identity::Alice).args(["--dry-run"]),
        User::signed_in(Identity::Carol).args(["-c", "select 1"]),
    ];
    for user in runs {
        let user = user.var("PGHOST", HOST);
        let before = files_with_token(user.home.path());
        let ran = user.run();
        assert!(
            !ran.stdout.contains(TOKEN) && !ran.stderr.contains(TOKEN),
            "{ran:?}"
        );
        // az keeps its own cache, and we the one file that is for it.
        let is_meant = |file: &str| {
            file.ends_with("msal_token_cache.json") || file.contains("/run/entra-psql/token-")
        };
        let after = files_with_token(user.home.path());
        assert!(
            after
                .iter()
                .all(|file| before.contains(file) || is_meant(file)),
            "{after:?}"
        );
    }
    let user = User::signed_in(Identity::Alice).var("PGHOST", HOST);
    user.entra
        .behave(Behaviour::fault(Fault::Refuse(Refusal::Inactive)));
    assert!(!user.run().stderr.contains(TOKEN));
}

pub fn files_with_token(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with_token(&path));
        } else if fs::read(&path)
            .is_ok_and(|bytes| bytes.windows(3).any(|window| window == TOKEN.as_bytes()))
        {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn az_does_not_see_an_inherited_password() {
    let user = User::signed_in(Identity::Alice)
        .var("PGHOST", HOST)
        .var("PGPASSWORD", "hunter2")
        .args(["--entra"]);
    user.program("az", "#!/bin/sh\nenv > \"$HOME/az.env\"\nexit 1\n");
    user.run().fails("az/no_reason");
    let variables = fs::read_to_string(user.home.path().join("az.env")).expect("what az saw");
    assert!(!variables.contains("PGPASSWORD"), "{variables}");
    assert!(
        variables.contains("AZURE_CORE_COLLECT_TELEMETRY=no"),
        "{variables}"
    );
}
