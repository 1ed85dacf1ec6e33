//! Proxies, roots and answers that are not as they should be, for those who ask Entra themselves.

use std::fs;
use std::time::{Duration, Instant};

use sandbox::entra::Request;
use sandbox::{Behaviour, ExpiresIn, Fault, KeyKind};

use crate::identities::{
    in_actions, in_pipelines, on_a_virtual_machine, registered, with_certificate, with_secret,
    with_token_file,
};
use crate::support::User;

const BILLING: &str = "billing service";

/// Everybody who asks over HTTPS.
fn all() -> Vec<User> {
    vec![
        with_secret(),
        with_certificate("app.pem", registered(KeyKind::P256)),
        with_token_file(),
        in_pipelines(),
        in_actions(),
    ]
}

#[test]
fn who_is_in_no_proxy_is_asked_directly() {
    let user = with_secret().var("AZURE_AUTHORITY_HOST", "https://localhost:1");
    user.run().fails("network/proxy_refuses");
    let asked = user.entra.requests();
    assert!(asked.iter().all(Request::is_refused_connection));
    assert_ne!(asked.len(), 0);
    user.entra.forget_requests();
    let user = user.var("NO_PROXY", "localhost");
    user.run().fails("network/unreachable_directly");
    assert_eq!(user.entra.requests().len(), 0);
}

#[test]
fn roots_may_be_in_a_directory() {
    let user = with_secret().without("SSL_CERT_FILE");
    let directory = user.home.path().join("roots");
    fs::create_dir(&directory).expect("a directory");
    fs::copy(user.sandbox.ca_file(), directory.join("ca.pem")).expect("a file");
    let user = user.var("SSL_CERT_DIR", directory).asks_who();
    user.run().is_signed_in(BILLING, "postgres", 0);
}

#[test]
fn without_any_roots_nothing_is_asked() {
    let cases = [
        "network/no_roots_with_secret",
        "network/no_roots_with_certificate",
        "network/no_roots_with_token_file",
        "network/no_roots_in_pipelines",
        "network/no_roots_in_actions",
    ];
    for (user, case) in all().into_iter().zip(cases) {
        let directory = user.home.path().join("roots");
        fs::create_dir(&directory).expect("a directory");
        let user = user
            .var("SSL_CERT_DIR", &directory)
            .var("SSL_CERT_FILE", directory.join("none.pem"));
        user.run().fails(case);
        assert_eq!(user.entra.requests().len(), 0);
    }
}

#[test]
fn a_redirection_is_not_followed() {
    let user = with_secret();
    user.entra.behave(Behaviour::fault(Fault::Redirect));
    user.run().fails("network/redirection");
    let hosts = user
        .entra
        .requests()
        .into_iter()
        .map(|request| request.host);
    assert_eq!(hosts.collect::<Vec<_>>(), ["login.microsoftonline.com"]);
}

#[test]
fn how_long_a_token_is_good_is_the_tokens_to_say() {
    let user = with_secret().asks_who();
    user.entra.behave(Behaviour::expires_in(ExpiresIn::Missing));
    user.run().is_signed_in(BILLING, "postgres", 0);
    // A number in quotes is not Entra's form, and not taken for it.
    user.entra.behave(Behaviour::expires_in(ExpiresIn::Text));
    user.args(["--fresh"])
        .run()
        .fails("network/lifetime_in_quotes");
}

#[test]
fn an_identity_endpoint_that_is_not_there_fails_at_once() {
    let user = on_a_virtual_machine().args(["--auth", "managed-identity"]);
    let start = Instant::now();
    user.var("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1")
        .run()
        .fails("network/no_identity_endpoint");
    assert!(start.elapsed() < Duration::from_secs(3));
    let user = on_a_virtual_machine().args(["--auth", "managed-identity", "--timeout", "1"]);
    user.entra.behave(Behaviour::fault(Fault::Silence));
    let start = Instant::now();
    user.run().fails("network/identity_endpoint_silent");
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[test]
fn identity_endpoints_that_are_not_spoken_are_named() {
    for (case, variables) in [
        (
            "network/endpoint_of_azure_arc",
            &["IDENTITY_ENDPOINT", "IMDS_ENDPOINT"] as &[&str],
        ),
        ("network/endpoint_of_cloud_shell", &["MSI_ENDPOINT"]),
        (
            "network/endpoint_of_machine_learning",
            &["MSI_ENDPOINT", "MSI_SECRET"],
        ),
        (
            "network/endpoint_of_service_fabric",
            &[
                "IDENTITY_ENDPOINT",
                "IDENTITY_HEADER",
                "IDENTITY_SERVER_THUMBPRINT",
            ],
        ),
    ] {
        let user = on_a_virtual_machine().args(["--auth", "managed-identity"]);
        let user = variables
            .iter()
            .fold(user, |user, name| user.var(name, "http://127.0.0.1:1/x"));
        user.run().fails(case);
        assert_eq!(user.entra.requests().len(), 0);
    }
}
