//! A sign-in is kept in the system's credential store, a real Secret Service here, and in no other
//! place.

use std::fs;
use std::path::Path;

use sandbox::{Behaviour, Person, SecretService};

use crate::interactive::{ALICE, browsers, grants, person};
use crate::support::{Ran, User, here, is_windows};

/// Somebody whose browser signs them in, and who has a credential store: the system's own on
/// Windows.
fn with_store() -> (User, Option<SecretService>) {
    if is_windows() {
        return (person("browser"), None);
    }
    let (user, store) = with_secret_service();
    (user, Some(store))
}

fn with_secret_service() -> (User, SecretService) {
    let store = SecretService::start().expect("a Secret Service");
    let user = person("browser").var("DBUS_SESSION_BUS_ADDRESS", store.address());
    (user, store)
}

/// Signs out, and gives what was said.
fn sign_out(user: &User) -> Ran {
    let mut command = user.command_with_only("--sign-out");
    command
        .env_remove("PGHOST")
        .env(here("PATH", "WINEPATH"), "/nowhere");
    user.ran(command)
}

#[test]
fn whoever_signed_in_is_not_asked_again() {
    let (user, _store) = with_store();
    assert_eq!(user.run().stdout, ALICE);
    let user = user.args(["--fresh"]);
    for _ in 0..2 {
        user.run()
            .is_signed_in("alice@contoso.example", "postgres", 0);
    }
    assert_eq!(browsers(&user).len(), 1);
    assert_eq!(
        grants(&user),
        ["authorization_code", "refresh_token", "refresh_token"]
    );
    // Each launch shows what the one before was given.
    let issued = user.entra.refresh_tokens();
    let requests = user.entra.token_requests();
    for (request, token) in requests[1..].iter().zip(&issued) {
        assert_eq!(request.parameter("refresh_token"), Some(token.as_str()));
        let scope = "https://ossrdbms-aad.database.windows.net/.default offline_access";
        assert_eq!(request.parameter("scope"), Some(scope));
    }
    // The other method's sign-in is the same one.
    let user = user.args(["--auth", "device-code"]);
    user.run()
        .is_signed_in("alice@contoso.example", "postgres", 0);
}

#[test]
fn a_sign_in_that_entra_ended_is_forgotten() {
    let (user, _store) = with_store();
    let user = user.args(["--fresh"]);
    user.run();
    user.entra.revoke_refresh_tokens();
    user.entra.behave(Behaviour::person(Person::Declines));
    user.run().matches("interactive/declined_in_the_browser");
    user.entra.behave(Behaviour::default());
    assert_eq!(user.run().stdout, ALICE);
    assert_eq!(
        grants(&user),
        ["authorization_code", "refresh_token", "authorization_code"]
    );
    assert_eq!(browsers(&user).len(), 3);
    user.run()
        .is_signed_in("alice@contoso.example", "postgres", 0);
}

#[test]
fn without_a_store_everything_works_and_it_is_said_on_request_alone() {
    let user = person("browser").args(["--fresh"]);
    for count in 1..=2 {
        let ran = user.run();
        assert_eq!(ran.stdout, ALICE);
        assert_eq!(ran.stderr.lines().count(), 3, "{}", ran.stderr);
        assert_eq!(browsers(&user).len(), count);
    }
    let ran = user.args(["--entra-verbose"]).run();
    ran.matches("interactive/without_a_store");
}

#[test]
fn nothing_is_kept_where_nobody_wants_it() {
    let (user, _store) = with_store();
    let user = user.var("ENTRA_PSQL_CACHE", "off");
    user.run();
    assert_eq!(user.run().stdout, ALICE);
    assert_eq!(browsers(&user).len(), 2);
    sign_out(&user).matches("sign_out/nothing_was_kept");
}

#[test]
fn signing_out_forgets_all() {
    let (user, _store) = with_store();
    sign_out(&user).matches("sign_out/nothing_was_kept");
    user.run();
    sign_out(&user).matches("sign_out/one_forgotten");
    sign_out(&user).matches("sign_out/nothing_was_kept");
    assert_eq!(user.run().stdout, ALICE);
    assert_eq!(browsers(&user).len(), 2);
    let nobody = User::nobody().without_sign_ins();
    sign_out(&nobody).matches("sign_out/nothing_was_kept");
}

#[test]
fn many_accounts_are_kept_beside_each_other() {
    let (user, _store) = with_store();
    let mut user = user.args(["--auth", "device-code", "--fresh"]);
    let tenants = ["a", "b", "c", "d", "e", "f"].map(|name| format!("{name}.contoso.example"));
    for tenant in tenants.iter().chain(&tenants) {
        user = user.args(["--tenant", tenant]);
        assert_eq!(user.run().stdout, ALICE);
    }
    // More than one entry of Windows would hold.
    let length: usize = user.entra.refresh_tokens()[..6]
        .iter()
        .map(String::len)
        .sum();
    assert!(length > 2560, "{length}");
    let grants = grants(&user);
    assert_eq!(grants[6..], ["refresh_token"; 6], "{grants:?}");
    sign_out(&user).matches("sign_out/many_forgotten");
    assert!(user.run().stderr.contains("SANDBOX42"));
}

#[test]
fn a_store_that_is_locked_or_silent_is_waited_for_no_longer_than_it_is_worth() {
    let (user, store) = with_secret_service();
    let user = user.args(["--fresh", "--timeout", "9"]);
    user.run();
    store.lock().expect("a locked keyring");
    assert_eq!(user.run().stdout, ALICE);
    let ran = sign_out(&user);
    ran.fails("sign_out/store_locked");
    store.silence().expect("a silent keyring");
    let ran = user.args(["--entra-verbose"]).run();
    ran.matches("interactive/store_silent");
}

#[test]
fn no_output_no_word_and_no_file_holds_a_secret() {
    let (user, store) = with_secret_service();
    // psql shows its own words, which were ours.
    let user = user.args([
        "--entra-verbose",
        "-c",
        "\\! tr '\\0' ' ' < /proc/$PPID/cmdline",
    ]);
    let mut outputs = Vec::new();
    outputs.push(user.run());
    let user = user.args(["--fresh"]);
    outputs.push(user.run());
    user.entra.revoke_refresh_tokens();
    user.entra.behave(Behaviour::person(Person::Declines));
    outputs.push(user.run());
    let codes: Vec<_> = outputs.iter().map(|ran| ran.code).collect();
    assert_eq!(codes, [Some(0), Some(0), Some(2)], "{outputs:?}");
    assert!(outputs[0].stdout.contains("psql -XAt"), "{outputs:?}");
    let requests = user.entra.token_requests();
    let shown = ["code", "code_verifier", "refresh_token"].map(|name| {
        let mut shown = requests
            .iter()
            .filter_map(|request| request.parameter(name));
        shown.next().expect("the parameter").to_owned()
    });
    let mut secrets = user.entra.refresh_tokens();
    secrets.extend(shown);
    let words = browsers(&user);
    assert_eq!(words.len(), 2);
    for secret in secrets.iter().map(String::as_str).chain(["eyJ"]) {
        for ran in &outputs {
            assert!(
                !ran.stdout.contains(secret) && !ran.stderr.contains(secret),
                "{ran:?}"
            );
        }
        assert!(!words.iter().any(|word| word.contains(secret)), "{words:?}");
    }
    for secret in &secrets {
        for directory in [user.home.path(), store.dir()] {
            let found = files_with(directory, secret.as_bytes());
            assert_eq!(found, Vec::<String>::new());
        }
    }
}

fn files_with(directory: &Path, secret: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, secret));
        } else if path.is_file()
            && fs::read(&path)
                .is_ok_and(|bytes| bytes.windows(secret.len()).any(|window| window == secret))
        {
            found.push(path.display().to_string());
        }
    }
    found
}
