//! Tokens from the Azure Developer CLI. It is in no package index that is at hand here, so that a
//! script stands in for it, which takes azd's words and answers in azd's form, as they are in its
//! source (`Azure/azure-dev`).

use std::fs;
use std::time::{Duration, Instant};

use sandbox::{Identity, TokenChanges};

use crate::identities::nobody;
use crate::support::User;

const ALICE: &str = "alice@contoso.example";

/// What azd keeps about who is signed in.
const SIGNED_IN: &str = r#"{"auth":{"account":{"currentUser":{"homeAccountId":"a11ce.c0a5"}}}}"#;

/// Somebody who is signed in to an azd that is this shell script; `answer` in it prints Alice's
/// token.
pub fn with_azd(script: &str) -> User {
    let user = nobody();
    let token = user.sandbox.issue(Identity::Alice, &TokenChanges::none());
    let answer = serde_json::json!({"token": token, "expiresOn": "2099-01-01T00:00:00Z"});
    user.program(
        "azd",
        &format!("#!/bin/sh\necho \"$*\" >> \"$HOME/azd.log\"\nanswer() {{ cat \"$HOME/answer\"; }}\n{script}\n"),
    );
    fs::create_dir(user.home.path().join(".azd")).expect("a directory");
    user.file("answer", &answer.to_string())
        .file(".azd/auth.json", SIGNED_IN)
}

/// The words of every azd that was started so far, a line each.
pub fn log_of_azd(user: &User) -> String {
    fs::read_to_string(user.home.path().join("azd.log")).unwrap_or_default()
}

fn asked(script: &str) -> User {
    with_azd(script).args(["--auth", "azd"])
}

#[test]
fn it_is_asked_once_with_fixed_words() {
    let user = asked("cat > \"$HOME/stdin\"; env > \"$HOME/env\"; answer")
        .var("PGPASSWORD", "secret")
        .stdin("select 1;\n")
        .asks_who();
    user.run().is_signed_in(ALICE, "postgres", 0);
    user.run().is_signed_in(ALICE, "postgres", 0);
    let resource = "https://ossrdbms-aad.database.windows.net";
    let words = format!("auth token --output json --no-prompt --scope {resource}/.default");
    assert_eq!(log_of_azd(&user), format!("{words}\n"));
    let read = |name: &str| fs::read_to_string(user.home.path().join(name)).expect("a file");
    assert_eq!(read("stdin"), "");
    assert!(!read("env").contains("PGPASSWORD"));
    let user = user.args(["--tenant", "contoso.example"]);
    user.run().is_signed_in(ALICE, "postgres", 0);
    let last = log_of_azd(&user).lines().last().map(str::to_owned);
    assert_eq!(last, Some(format!("{words} --tenant-id contoso.example")));
}

#[test]
fn its_sign_in_and_its_configuration_make_the_token_forgotten() {
    let user = asked("answer").asks_who();
    for (file, count) in [("auth.json", 2), ("config.json", 3)] {
        user.run().is_signed_in(ALICE, "postgres", 0);
        let file = user.home.path().join(".azd").join(file);
        fs::write(file, r#"{"auth":{"account":{"currentUser":{}}}}"#).expect("a file");
        user.run().is_signed_in(ALICE, "postgres", 0);
        assert_eq!(log_of_azd(&user).lines().count(), count);
    }
    let elsewhere = user.home.path().join("elsewhere");
    let user = user.var("AZD_CONFIG_DIR", elsewhere);
    user.run().is_signed_in(ALICE, "postgres", 0);
    assert_eq!(log_of_azd(&user).lines().count(), 4);
}

#[test]
fn its_own_words_are_passed_on() {
    let says = |message: &str| {
        asked(&format!(
            "printf '%s\\n' '{{\"type\":\"consoleMessage\",\"timestamp\":\"2026-11-20T10:00:00Z\",\"data\":{{\"message\":\"{message}\"}}}}' >&2; exit 1"
        ))
        .run()
    };
    says("\\nERROR: not logged in, run `azd auth login` to login\\n").fails("azd/not_signed_in");
    says("\\nERROR: fetching token: AADSTS70043: The refresh token has expired. Trace ID: x\\nSuggestion: login expired, run `azd auth login --scope y/.default` to acquire a new token.\\n")
        .fails("azd/refresh_token_expired");
}

#[test]
fn what_is_no_answer() {
    for (script, case) in [
        ("echo token", "azd/no_answer"),
        ("echo '{\"token\":1}'", "azd/no_answer"),
        ("echo '{\"token\":\"x\"}'", "azd/no_answer"),
        ("exit 3", "azd/no_reason"),
    ] {
        let ran = asked(script).run();
        ran.fails(case);
    }
    let user = asked("answer").args(["--resource", "https://graph.microsoft.com"]);
    user.run().fails("azd/token_for_something_else");
}

#[test]
fn it_is_broken() {
    let user = asked("");
    user.program("azd", "#!/nowhere/bin/azd\n");
    user.run().fails("azd/interpreter_missing");
}

#[test]
fn it_is_missing_or_silent() {
    nobody().args(["--auth", "azd"]).run().fails("azd/missing");
    let start = Instant::now();
    // The shell's child holds the pipe, and is ended with it.
    asked("sleep 600")
        .args(["--timeout", "1"])
        .run()
        .fails("azd/timeout");
    assert!(start.elapsed() < Duration::from_secs(10));
}
