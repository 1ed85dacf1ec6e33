//! Every refusal of the server, each for its real reason.

use sandbox::{Identity, Manner, TokenChanges, directory::AUDITORS};

use crate::support::{complaint, psql, psql_at, sandbox};

/// Returns psql's error if `identity`, with a token changed like this, signs in as `role`.
#[track_caller]
fn refusal(role: &str, identity: Identity, changes: &TokenChanges) -> String {
    let token = sandbox().issue(identity, changes);
    let complaint = complaint(psql(role, &token).args(["-c", "SELECT 1"]), 2);
    assert!(!complaint.contains(&token), "the refusal tells the token");
    let (_, message) = complaint
        .split_once("FATAL:  ")
        .unwrap_or_else(|| panic!("{complaint}"));
    message.to_owned()
}

#[test]
fn an_expired_token() {
    assert_eq!(
        refusal(
            "alice@contoso.example",
            Identity::Alice,
            &TokenChanges::none().expires_in(-1)
        ),
        "The access token has expired. Acquire a new token and try again."
    );
}

#[test]
fn a_good_token_by_a_clock_that_is_ahead() {
    let gateway = sandbox().new_gateway(Manner::AheadOfTime).unwrap();
    let token = sandbox().issue(Identity::Alice, &TokenChanges::none());
    let complaint = complaint(&mut psql_at(&gateway, "alice@contoso.example", &token), 2);
    assert!(
        complaint.ends_with("The access token has expired. Acquire a new token and try again."),
        "{complaint}"
    );
}

#[test]
fn a_token_for_something_else() {
    for audience in [
        "https://management.core.windows.net/",
        "https://ossrdbms-aad.database.windows.net/",
    ] {
        assert_eq!(
            refusal(
                "alice@contoso.example",
                Identity::Alice,
                &TokenChanges::none().audience(audience)
            ),
            "The access token does not have a valid audience claim. Please acquire a new token for the resource \
             \"https://ossrdbms-aad.database.windows.net\"."
        );
    }
}

#[test]
fn a_token_of_another_tenant_or_without_a_holder() {
    let other = TokenChanges::none().tenant("fab21ca0-2f4d-4e7b-8a31-5c9be2d00002");
    let without = TokenChanges::none().claim("oid", serde_json::Value::Null);
    for changes in [other, without] {
        assert_eq!(
            refusal("alice@contoso.example", Identity::Alice, &changes),
            "The access token doesn't have a valid oid claim."
        );
    }
}

#[test]
fn something_that_is_no_token_of_ours() {
    let expected = "An error occurred while validating the access token. Please acquire a new token and retry.";
    assert_eq!(
        refusal(
            "alice@contoso.example",
            Identity::Alice,
            &TokenChanges::none().garbled()
        ),
        expected
    );
    let said = complaint(&mut psql("alice@contoso.example", "not a token"), 2);
    assert!(said.ends_with(expected), "{said}");
}

#[test]
fn a_token_that_was_cut_or_quoted() {
    let token = sandbox().issue(Identity::Alice, &TokenChanges::none());
    let cut = &token[..token.rfind('.').unwrap()];
    for damaged in [cut, &format!("\"{token}\""), &format!("{token}\n")] {
        let said = complaint(&mut psql("alice@contoso.example", damaged), 2);
        assert!(
            said.contains("The access token has invalid format."),
            "{said}"
        );
    }
}

#[test]
fn a_network_that_no_rule_matches() {
    let gateway = sandbox().new_gateway(Manner::UnknownNetwork).unwrap();
    let token = sandbox().issue(Identity::Alice, &TokenChanges::none());
    let said = complaint(&mut psql_at(&gateway, "alice@contoso.example", &token), 2);
    assert!(
        said.ends_with("no pg_hba.conf entry for host \"203.0.113.7\", user \"alice@contoso.example\", database \"postgres\", SSL encryption"),
        "{said}"
    );
}

#[test]
fn an_application_as_a_user() {
    assert_eq!(
        refusal(
            "alice@contoso.example",
            Identity::BillingService,
            &TokenChanges::none()
        ),
        "Service Principals cannot generate AAD_AUTH_TOKENTYPE_APP_USER tokens for role[alice@contoso.example]"
    );
}

#[test]
fn a_user_as_an_application() {
    let message = refusal("billing service", Identity::Alice, &TokenChanges::none());
    assert!(
        message.starts_with("user token for role[billing service] is neither "),
        "{message}"
    );
}

#[test]
fn somebody_else() {
    assert_eq!(
        refusal(
            "alice@contoso.example",
            Identity::Carol,
            &TokenChanges::none()
        ),
        "password authentication failed for user \"alice@contoso.example\""
    );
}

#[test]
fn a_group_that_one_is_not_in() {
    assert_eq!(
        refusal(AUDITORS.name, Identity::Alice, &TokenChanges::none()),
        "password authentication failed for user \"Auditors\""
    );
}

#[test]
fn a_role_that_is_not_mapped() {
    assert_eq!(
        refusal(
            sandbox().local_role(),
            Identity::Alice,
            &TokenChanges::none()
        ),
        "password authentication failed for user \"reporting\""
    );
}

#[test]
fn a_role_that_does_not_exist() {
    // Case and spelling matter.
    for role in ["Alice@contoso.example", r"Prod\ DB\ Readonly"] {
        assert_eq!(
            refusal(role, Identity::Alice, &TokenChanges::none()),
            format!("role \"{role}\" does not exist")
        );
    }
}

#[test]
fn a_connection_without_tls() {
    let sandbox = sandbox();
    let gateway = sandbox.new_gateway(Manner::Genuine).unwrap();
    let token = sandbox.issue(Identity::Alice, &TokenChanges::none());
    let complaint = complaint(
        psql_at(&gateway, "alice@contoso.example", &token).env("PGSSLMODE", "disable"),
        2,
    );
    assert!(
        complaint.ends_with(
            "FATAL:  no pg_hba.conf entry for host \"127.0.0.1\", user \"alice@contoso.example\", \
             database \"postgres\", no encryption"
        ),
        "{complaint}"
    );
    assert!(!gateway.sessions()[0].encrypted);
}

#[test]
fn servers_that_are_not_as_they_should_be() {
    let sandbox = sandbox();
    let token = sandbox.issue(Identity::Alice, &TokenChanges::none());
    for (manner, expected) in [
        (
            Manner::WrongName,
            "server certificate for \"otherdb.postgres.database.azure.com\" does not match host name \
             \"mydb.postgres.database.azure.com\"",
        ),
        (Manner::UnknownAuthority, "certificate verify failed"),
        (Manner::Expired, "certificate verify failed"),
        (
            Manner::Unencrypted,
            "server does not support SSL, but SSL was required",
        ),
        (Manner::Silent, "timeout expired"),
    ] {
        let gateway = sandbox.new_gateway(manner).unwrap();
        let complaint = complaint(
            psql_at(&gateway, "alice@contoso.example", &token).env("PGCONNECT_TIMEOUT", "2"),
            2,
        );
        assert!(complaint.contains(expected), "{manner:?}: {complaint}");
        assert_eq!(gateway.sessions(), [], "{manner:?}");
    }
}
