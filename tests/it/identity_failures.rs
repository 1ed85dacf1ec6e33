//! What goes wrong for applications and managed identities ends in a cause and a remedy, soon, and
//! in two lines.

use std::time::{Duration, Instant};

use sandbox::directory::TENANT;
use sandbox::{Behaviour, Fault, Identity, Refusal, TokenChanges};

use crate::identities::{
    in_actions, in_app_service, in_pipelines, nobody, ready, secret, with_secret, with_token_file,
};
use crate::support::ClosedPort;

#[test]
fn a_ready_token_is_looked_at() {
    let (user, _) = ready(&TokenChanges::none().expires_in(-60));
    user.run().fails("ready_token/expired");
    let (user, _) = ready(&TokenChanges::none().audience("https://graph.microsoft.com"));
    user.run().fails("ready_token/for_something_else");
    nobody()
        .args(["--auth=env"])
        .run()
        .fails("ready_token/not_set");
}

#[test]
fn what_is_missing_is_named() {
    for (user, method, case) in [
        (
            with_secret().without("AZURE_TENANT_ID"),
            "client-secret",
            "identities/no_tenant",
        ),
        (
            with_secret().without("AZURE_CLIENT_ID"),
            "client-secret",
            "identities/no_client",
        ),
        (nobody(), "client-secret", "identities/no_secret"),
        (nobody(), "workload-identity", "identities/no_token_file"),
        (
            in_pipelines().without("SYSTEM_ACCESSTOKEN"),
            "azure-pipelines",
            "identities/no_token_of_pipelines",
        ),
        (
            nobody(),
            "github-actions",
            "identities/no_permission_at_github",
        ),
    ] {
        user.args(["--auth", method]).run().fails(case);
    }
    with_token_file()
        .var("AZURE_FEDERATED_TOKEN_FILE", "/nowhere/token")
        .run()
        .fails("identities/token_file_missing");
    with_secret()
        .var("AZURE_AUTHORITY_HOST", "http://127.0.0.1:1")
        .run()
        .fails("identities/authority_not_https");
}

#[test]
fn a_role_that_no_token_says_is_asked_for() {
    let user = nobody()
        .var("AZURE_TENANT_ID", TENANT)
        .var("AZURE_CLIENT_SECRET", secret())
        .args([
            "--client-id",
            Identity::BillingService.entry().app_id.expect("an id"),
        ]);
    user.run().fails("identities/role_not_in_token");
}

#[test]
fn refusals_are_passed_on_in_a_line() {
    for (refusal, case) in [
        (Refusal::SecretExpired, "identities/secret_expired"),
        (Refusal::ConditionalAccess, "identities/conditional_access"),
        (Refusal::UnknownResource, "identities/unknown_resource"),
        (Refusal::Consent, "identities/without_consent"),
    ] {
        let user = with_secret();
        user.entra.behave(Behaviour::fault(Fault::Refuse(refusal)));
        user.run().fails(case);
    }
    in_app_service()
        .args(["--client-id", "11111111-2222-3333-4444-555555555555"])
        .run()
        .fails("identities/managed_identity_unknown");
    in_actions()
        .var("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "wrong")
        .run()
        .fails("identities/github_refuses");
}

#[test]
fn a_token_file_is_exchanged_only_for_what_entra_trusts() {
    let none = TokenChanges::none;
    for (changes, case) in [
        (
            none().expires_in(-600),
            "identities/federated_token_expired",
        ),
        (
            none().claim("iss", "https://issuer.elsewhere.example"),
            "identities/federated_token_of_another_issuer",
        ),
        (
            none().audience("https://kubernetes.default.svc"),
            "identities/federated_token_for_something_else",
        ),
        (
            none().claim("sub", "system:serviceaccount:shop:another"),
            "identities/federated_token_of_another_subject",
        ),
        (
            none().claim("sub", "system:serviceaccount:shop:Billing"),
            "identities/federated_token_in_another_case",
        ),
        (none().garbled(), "identities/federated_token_garbled"),
    ] {
        let user = with_token_file();
        let token = user.entra.changed_federated_token(&changes);
        user.file("federated", &token).run().fails(case);
    }
    let directory = with_token_file().var("AZURE_FEDERATED_TOKEN_FILE", "/");
    directory.run().fails("identities/token_file_unreadable");
}

#[test]
fn what_is_no_answer_of_entras_is_said() {
    let user = with_secret();
    user.entra.behave(Behaviour::fault(Fault::Html));
    user.run().fails("identities/page_in_place_of_entra");
    user.entra.behave(Behaviour::fault(Fault::Unavailable));
    user.run().fails("identities/entra_unavailable");
}

#[test]
fn silence_ends_at_the_deadline() {
    for (user, case) in [
        (with_secret(), "identities/entra_silent"),
        (in_app_service(), "identities/endpoint_silent"),
    ] {
        let user = user.args(["--timeout", "1"]);
        user.entra.behave(Behaviour::fault(Fault::Silence));
        let start = Instant::now();
        user.run().fails(case);
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn an_unreachable_entra_fails_long_before_the_deadline() {
    let port = ClosedPort::new();
    let closed = format!("http://127.0.0.1:{}", port.number());
    let start = Instant::now();
    with_secret()
        .var("HTTPS_PROXY", &closed)
        .run()
        .fails("identities/entra_unreachable");
    with_secret()
        .var("AZURE_AUTHORITY_HOST", "https://login.elsewhere.example")
        .run()
        .fails("identities/proxy_refuses");
    in_app_service()
        .var("IDENTITY_ENDPOINT", format!("{closed}/msi/token"))
        .run()
        .fails("identities/endpoint_unreachable");
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn an_unknown_authority_is_not_trusted() {
    let user = with_secret().without("SSL_CERT_FILE");
    user.run().fails("identities/entra_not_trusted");
    assert_eq!(user.entra.token_requests().len(), 0);
    let none = with_secret().file("empty.pem", "");
    let empty = none.home.path().join("empty.pem");
    none.var("SSL_CERT_FILE", empty)
        .run()
        .fails("identities/roots_empty");
}
