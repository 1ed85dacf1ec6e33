//! `--fresh` asks the source again, and what the source then does is said: the doctor compares the
//! token's age with that.

use sandbox::directory::AUDITORS;
use sandbox::{Behaviour, Identity, TokenChanges};
use serde_json::Value;

use crate::doctor::{alice, examined};
use crate::identities::{in_app_service, ready, with_secret};
use crate::remember::token_file;
use crate::support::User;

/// The claim `iat` of a token that was issued so many minutes ago, and half a one.
fn issued_before(minutes: i64) -> TokenChanges {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = i64::try_from(now.expect("a time").as_secs()).expect("a time");
    TokenChanges::none().claim("iat", now - minutes * 60 - 30)
}

fn as_auditor(user: User, minutes: i64) -> User {
    user.entra.behave(Behaviour::tokens(issued_before(minutes)));
    user.args(["--group", AUDITORS.name])
}

#[test]
fn a_refused_group_is_compared_with_the_tokens_age() {
    examined(as_auditor(alice(), 42))
        .is_broken_at(&["group", "sign-in"])
        .matches("doctor/group_with_an_older_token_of_azs");
    examined(as_auditor(in_app_service(), 42))
        .is_broken_at(&["sign-in"])
        .matches("doctor/group_with_an_older_token_of_a_machines");
    let token = ready(&issued_before(42)).0;
    examined(token.args(["--group", AUDITORS.name]))
        .is_broken_at(&["sign-in"])
        .matches("doctor/group_with_an_older_ready_token");
    // A new token includes the groups of now.
    let found = examined(alice().args(["--group", AUDITORS.name]));
    assert!(
        !found.ran.stdout.contains("after the token was issued"),
        "{found}"
    );
}

/// What is said of each source, shown by the sources themselves.
#[test]
fn the_sources_do_as_is_said() {
    let identifier = |user: &User| -> String {
        let text = std::fs::read_to_string(token_file(user)).expect("a token");
        let kept: Value = serde_json::from_str(&text).expect("JSON");
        kept["token"].as_str().expect("a token").to_owned()
    };
    // az gives the same one.
    let user = alice().asks_who();
    user.run();
    let first = identifier(&user);
    let user = user.args_in_front(["--fresh"]);
    user.run();
    assert_eq!(identifier(&user), first);
    assert_eq!(user.entra.token_requests().len(), 1);
    // After a new sign-in it is another.
    for words in [&["logout"][..], &["login", "--use-device-code"]] {
        let status = user
            .tool(user.home.path().join("bin/az"))
            .args(words)
            .args(["--output", "none"])
            .stderr(std::process::Stdio::null())
            .status();
        assert!(status.expect("az").success());
    }
    user.run()
        .is_signed_in(Identity::Alice.name(), "postgres", 5);
    assert_ne!(identifier(&user), first);
    // An application gets another one at once.
    let user = with_secret().asks_who();
    user.run();
    let first = identifier(&user);
    let user = user.args_in_front(["--fresh"]);
    user.run();
    assert_ne!(identifier(&user), first);
}
