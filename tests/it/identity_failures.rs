//! What goes wrong for applications and managed identities ends in a cause and a remedy, soon, and in two lines.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use sandbox::directory::TENANT;
use sandbox::{Behaviour, Fault, Identity, Refusal, TokenChanges};

use crate::identities::{
    in_actions, in_app_service, in_pipelines, nobody, ready, secret, with_secret, with_token_file,
};
use crate::support::no_such_path;

#[test]
fn a_ready_token_is_looked_at() {
    let (user, _) = ready(&TokenChanges::none().expires_in(-60));
    user.run().fails(
        2,
        "the token in `ENTRA_PSQL_TOKEN` expired",
        "get a new one",
    );
    let (user, _) = ready(&TokenChanges::none().audience("https://graph.microsoft.com"));
    user.run()
        .fails(2, "is for `https://graph.microsoft.com`", "get a new one");
    nobody().args(["--auth=env"]).run().fails(
        2,
        "`ENTRA_PSQL_TOKEN` is not set",
        "put a database token",
    );
}

#[test]
fn what_is_missing_is_named() {
    for (user, method, missing, remedy) in [
        (
            with_secret().without("AZURE_TENANT_ID"),
            "client-secret",
            "`AZURE_TENANT_ID`",
            "`--tenant ID`",
        ),
        (
            with_secret().without("AZURE_CLIENT_ID"),
            "client-secret",
            "`AZURE_CLIENT_ID`",
            "`--client-id ID`",
        ),
        (
            nobody(),
            "client-secret",
            "`AZURE_CLIENT_SECRET`",
            "set `AZURE_CLIENT_SECRET`",
        ),
        (
            nobody(),
            "workload-identity",
            "`AZURE_FEDERATED_TOKEN_FILE`",
            "`--auth METHOD`",
        ),
        (
            in_pipelines().without("SYSTEM_ACCESSTOKEN"),
            "azure-pipelines",
            "`SYSTEM_ACCESSTOKEN`",
            "$(System.AccessToken)",
        ),
        (
            nobody(),
            "github-actions",
            "`ACTIONS_ID_TOKEN_REQUEST_URL`",
            "id-token: write",
        ),
    ] {
        let ran = user.args(["--auth", method]).run();
        ran.fails(2, missing, remedy);
        assert!(
            ran.stderr.contains("is not set, and `"),
            "{method}: {}",
            ran.stderr
        );
    }
    with_token_file()
        .var("AZURE_FEDERATED_TOKEN_FILE", "/nowhere/token")
        .run()
        .fails(
            2,
            &format!(
                "the token file `/nowhere/token` cannot be read: {}",
                no_such_path()
            ),
            "`AZURE_FEDERATED_TOKEN_FILE`",
        );
    with_secret()
        .var("AZURE_AUTHORITY_HOST", "http://127.0.0.1:1")
        .run()
        .fails(
            2,
            "`AZURE_AUTHORITY_HOST` is no `https://` address",
            "correct",
        );
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
    user.run().fails(
        2,
        "the role of the service principal `b1111a99-93cd-4f0e-bb5a-1f2e3d4c0204` is not in the token",
        "`-U ROLE`",
    );
}

#[test]
fn refusals_are_passed_on_in_a_line() {
    for (refusal, remedy) in [
        (Refusal::SecretExpired, "make a new one"),
        (Refusal::ConditionalAccess, "Conditional Access"),
        (Refusal::UnknownResource, "AZURE_AUTHORITY_HOST"),
        (Refusal::Consent, "check the application"),
    ] {
        let user = with_secret();
        user.entra.behave(Behaviour::fault(Fault::Refuse(refusal)));
        let code = format!(
            "`login.microsoftonline.com` refused: AADSTS{}: ",
            refusal.code()
        );
        let ran = user.run();
        ran.fails(2, &code, remedy);
        assert!(!ran.stderr.contains("Trace ID"), "{}", ran.stderr);
    }
    in_app_service()
        .args(["--client-id", "11111111-2222-3333-4444-555555555555"])
        .run()
        .fails(
            2,
            "the identity endpoint refused: Identity not found",
            "`--client-id ID`",
        );
    in_actions()
        .var("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "wrong")
        .run()
        .fails(
            2,
            "`pipelines.actions.githubusercontent.com` refused with HTTP status 401",
            "the job's permissions",
        );
}

#[test]
fn a_token_file_is_exchanged_only_for_what_entra_trusts() {
    let none = TokenChanges::none;
    for (changes, code, remedy) in [
        (none().expires_in(-600), "AADSTS700024: ", "clock right"),
        (
            none().claim("iss", "https://issuer.elsewhere.example"),
            "AADSTS700211: ",
            "a federated credential",
        ),
        (
            none().audience("https://kubernetes.default.svc"),
            "AADSTS700212: ",
            "`api://AzureADTokenExchange`",
        ),
        (
            none().claim("sub", "system:serviceaccount:shop:another"),
            "AADSTS700213: ",
            "a federated credential",
        ),
        (
            none().claim("sub", "system:serviceaccount:shop:Billing"),
            "AADSTS7002138: ",
            "upper and lower case",
        ),
        (none().garbled(), "AADSTS700027: ", "a federated credential"),
    ] {
        let user = with_token_file();
        let token = user.entra.changed_federated_token(&changes);
        user.file("federated", &token).run().fails(2, code, remedy);
    }
    let directory = with_token_file().var("AZURE_FEDERATED_TOKEN_FILE", "/");
    directory.run().fails(
        2,
        "the token file `/` cannot be read: is a directory",
        "may you read it?",
    );
}

#[test]
fn what_is_no_answer_of_entras_is_said() {
    let user = with_secret();
    user.entra.behave(Behaviour::fault(Fault::Html));
    user.run().fails(
        2,
        "`login.microsoftonline.com` answered with something else than a token",
        "a network that wants you to log in first",
    );
    user.entra.behave(Behaviour::fault(Fault::Unavailable));
    user.run().fails(
        2,
        "`login.microsoftonline.com` answered with HTTP status 503",
        "try again in a while",
    );
}

#[test]
fn silence_ends_at_the_deadline() {
    for user in [with_secret(), in_app_service()] {
        let user = user.args(["--timeout", "1"]);
        user.entra.behave(Behaviour::fault(Fault::Silence));
        let start = Instant::now();
        user.run()
            .fails(2, "gave no token within 1 s", "`--timeout SECONDS`");
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn an_unreachable_entra_fails_long_before_the_deadline() {
    // A port that was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    drop(listener);
    let closed = format!("http://127.0.0.1:{port}");
    let start = Instant::now();
    with_secret().var("HTTPS_PROXY", &closed).run().fails(
        2,
        "`login.microsoftonline.com` cannot be reached: Connection refused",
        "behind a proxy, set `HTTPS_PROXY`",
    );
    with_secret()
        .var("AZURE_AUTHORITY_HOST", "https://login.elsewhere.example")
        .run()
        .fails(
            2,
            "`login.elsewhere.example` cannot be reached: the proxy refused",
            "`HTTPS_PROXY`",
        );
    in_app_service()
        .var("IDENTITY_ENDPOINT", format!("{closed}/msi/token"))
        .run()
        .fails(
            2,
            "the identity endpoint cannot be reached: Connection refused",
            "`--auth METHOD`",
        );
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn an_unknown_authority_is_not_trusted() {
    let user = with_secret().without("SSL_CERT_FILE");
    user.run().fails(
        2,
        "`login.microsoftonline.com` cannot be reached: invalid peer certificate",
        "`SSL_CERT_FILE`",
    );
    assert_eq!(user.entra.token_requests().len(), 0);
    let none = with_secret().file("empty.pem", "");
    let empty = none.home.path().join("empty.pem");
    none.var("SSL_CERT_FILE", empty).run().fails(
        2,
        "there are no roots to check Entra's certificate by",
        "ca-certificates",
    );
}
