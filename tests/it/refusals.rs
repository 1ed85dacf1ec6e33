//! Azure's refusals, each for its real reason, reach the person as psql prints them.

use sandbox::{Behaviour, Identity, Sandbox, TokenChanges};

use crate::support::{Ran, User};

const HOST: &str = "mydb.postgres.database.azure.com";

/// Runs with a token that the caller may have spoilt, handed over as the variable by hand.
fn with_token(identity: Identity, changes: &TokenChanges, role: &str) -> Ran {
    let token = Sandbox::shared().issue(identity, changes);
    User::signed_in(identity)
        .var("PGHOST", HOST)
        .var("PGPASSWORD", token)
        .args(["--no-entra", "-U", role, "-d", "postgres"])
        .asks_who()
        .run()
}

#[track_caller]
fn is_refused(ran: &Ran, with: &str) {
    assert!(ran.stderr.contains(with), "{}", ran.stderr);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
}

#[test]
fn every_refusal_has_its_reason() {
    let alice = "alice@contoso.example";
    let good = TokenChanges::none();
    let refused = |changes: TokenChanges, with: &str| {
        is_refused(&with_token(Identity::Alice, &changes, alice), with);
    };
    with_token(Identity::Alice, &good, alice).is_signed_in(alice, "postgres", 0);
    refused(
        good.clone().expires_in(-10),
        "The access token has expired. Acquire a new token and try again.",
    );
    refused(
        good.clone().audience("https://management.azure.com"),
        "does not have a valid audience claim",
    );
    refused(
        good.clone().claim("oid", serde_json::Value::Null),
        "valid oid claim",
    );
    refused(
        good.clone().garbled(),
        "An error occurred while validating the access token",
    );
    Sandbox::shared()
        .superuser_sql("create role unmapped login")
        .expect("a role");
    is_refused(
        &with_token(Identity::Alice, &good, "unmapped"),
        "password authentication failed for user \"unmapped\"",
    );
    is_refused(
        &with_token(Identity::Alice, &good, "ALICE@contoso.example"),
        "role \"ALICE@contoso.example\" does not exist",
    );
    is_refused(
        &with_token(Identity::Carol, &good, alice),
        "password authentication failed",
    );
    is_refused(
        &with_token(Identity::Carol, &good, "Prod DB Readonly"),
        "password authentication failed",
    );
    is_refused(
        &with_token(Identity::Alice, &good, "billing service"),
        "neither",
    );
    is_refused(
        &with_token(Identity::BillingService, &good, alice),
        "Service Principals cannot generate",
    );
}

#[test]
fn an_unmapped_role_is_refused_by_the_server_and_psql_says_so() {
    let ran = User::signed_in(Identity::Carol)
        .var("PGHOST", HOST)
        .asks_who()
        .run();
    is_refused(&ran, "role \"carol@contoso.example\" does not exist");
    assert_eq!(ran.az.len(), 1);
}

#[test]
fn a_token_of_another_tenant_is_refused_by_the_server() {
    let user = User::signed_in(Identity::Alice)
        .var("PGHOST", HOST)
        .asks_who();
    user.entra.behave(Behaviour::tokens(
        TokenChanges::none().tenant("11111111-2222-3333-4444-555555555555"),
    ));
    let ran = user.run();
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("FATAL"), "{}", ran.stderr);
}
