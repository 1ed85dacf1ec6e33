//! `auto` takes one way to a token, by what there is, says which and why, and no other when that
//! one fails.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use sandbox::{Identity, KeyKind, Sandbox};

use crate::azd::{log_of_azd, with_azd};
use crate::identities::{
    application, in_actions, in_app_service, in_pipelines, nobody, on_a_virtual_machine,
    registered, secret, with_certificate, with_secret, with_token_file,
};
use crate::support::User;

const HOST: &str = "mydb.postgres.database.azure.com";

/// The user without `az` or `azd`, but with psql.
fn without_programs(user: User) -> User {
    let bin = user.sandbox.postgres_bin_dir().to_owned();
    user.var("PATH", bin)
}

#[test]
fn variables_come_first_each_in_its_turn() {
    for (user, case) in [
        (with_secret(), "dry_run/client_secret"),
        (
            with_certificate("app.pem", registered(KeyKind::P256)),
            "dry_run/client_certificate",
        ),
        (
            with_certificate("app.pem", "nothing").var("AZURE_CLIENT_SECRET", secret()),
            "dry_run/client_secret",
        ),
        (
            with_token_file().var("AZURE_CLIENT_SECRET", "another"),
            "dry_run/workload_identity",
        ),
        (in_pipelines(), "dry_run/azure_pipelines"),
        (in_actions(), "dry_run/github_actions"),
        (in_app_service(), "dry_run/managed_identity"),
    ] {
        let ran = user.asks_who().args(["--dry-run"]).run();
        assert_eq!(ran.az.len(), 0);
        ran.matches(case);
    }
}

#[test]
fn what_was_picked_is_not_given_up_when_it_fails() {
    let user = User::signed_in(Identity::Alice)
        .var("PGHOST", HOST)
        .var("SSL_CERT_FILE", Sandbox::shared().ca_file());
    let ran = application(user)
        .var("AZURE_CLIENT_SECRET", "not the secret")
        .run();
    ran.fails("auto/picked_and_refused");
    assert_eq!(ran.az.len(), 0);
}

#[test]
fn azd_comes_after_az() {
    let user = with_azd("answer").asks_who();
    user.run()
        .is_signed_in("alice@contoso.example", "postgres", 0);
    let ran = user.args(["--dry-run"]).run();
    ran.matches("dry_run/azd");
    let both = with_azd("answer");
    let home = both.home.path().to_owned();
    both.sandbox
        .sign_in(&home, Identity::Alice)
        .expect("a profile");
    let az = both.sandbox.az_env(&both.entra, Identity::Alice);
    let both = az
        .into_iter()
        .fold(both, |user, (name, value)| user.var(&name, value));
    let ran = both.asks_who().run();
    ran.is_signed_in("alice@contoso.example", "postgres", 1);
}

#[test]
fn a_program_that_nobody_is_signed_in_to_is_not_taken() {
    let user = with_azd("answer");
    std::fs::write(user.home.path().join(".azd/auth.json"), "{}").expect("a file");
    // az says best how to sign in.
    user.run().fails("auto/nobody_signed_in");
    assert_eq!(log_of_azd(&user), "");
    // Someone who asks hears how it came to az.
    let ran = user.run_changed(|command| {
        command.arg("--entra-verbose");
    });
    ran.fails("auto/nobody_signed_in_verbose");
    let user = without_programs(user).run();
    user.fails("auto/neither_on_path");
}

#[test]
fn the_machines_own_identity_comes_last_and_is_looked_for_once() {
    for user in [
        on_a_virtual_machine(),
        without_programs(on_a_virtual_machine()),
    ] {
        let user = user.asks_who();
        for _ in 0..2 {
            user.run().is_signed_in("build-vm", "postgres", 0);
            // A look, and a token; then neither, since the token is remembered.
            assert_eq!(user.entra.requests().len(), 2);
        }
        let ran = user.args(["--dry-run"]).run();
        ran.matches("dry_run/identity_of_the_machine");
    }
    let user = on_a_virtual_machine()
        .args(["--client-id", "11111111-2222-3333-4444-555555555555"])
        .run();
    user.fails("auto/managed_identity_unknown");
    assert_eq!(user.az.len(), 0);
}

#[test]
fn where_there_is_nothing_that_is_said_soon() {
    // A port that takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("its number").port();
    for user in [
        without_programs(nobody()),
        without_programs(nobody()).var(
            "AZURE_POD_IDENTITY_AUTHORITY_HOST",
            format!("http://127.0.0.1:{port}"),
        ),
    ] {
        let start = Instant::now();
        user.run().fails("auto/nothing_found");
        assert!(start.elapsed() < Duration::from_secs(3));
    }
}

#[test]
fn others_who_answer_at_that_address_are_not_taken_for_it() {
    // As the metadata services of other clouds do, this one knows no such path.
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = other.local_addr().expect("its number").port();
    let answers = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().expect("a connection");
        let mut asked = [0; 1024];
        let read = stream.read(&mut asked).expect("a request");
        let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).expect("an answer");
        String::from_utf8_lossy(&asked[..read]).into_owned()
    });
    let user = without_programs(nobody()).var(
        "AZURE_POD_IDENTITY_AUTHORITY_HOST",
        format!("http://127.0.0.1:{port}"),
    );
    let ran = user.run();
    ran.fails("auto/another_metadata_service");
    let asked = answers.join().expect("a request").to_lowercase();
    assert!(asked.starts_with("get /metadata/identity/oauth2/token "));
    assert!(!asked.contains("metadata: true"), "{asked}");
}
