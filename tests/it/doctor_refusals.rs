//! `--doctor`, if the server refuses: each refusal is explained, with what an administrator would
//! run.

use sandbox::{Identity, Manner, Sandbox, TokenChanges};

use crate::doctor::{alice, examined};
use crate::identities::{nobody, ready};
use crate::support::User;

/// Returns a user with a ready token of `identity`.
fn holder(identity: Identity, changes: &TokenChanges) -> User {
    let token = Sandbox::shared().issue(identity, changes);
    nobody()
        .var("ENTRA_PSQL_TOKEN", token)
        .args(["--auth", "env"])
}

#[test]
fn the_token_is_refused() {
    let other_tenant = TokenChanges::none().tenant("fab21ca0-2f4d-4e7b-8a31-5c9be2d00002");
    let vault = "https://vault.azure.net";
    for (user, case) in [
        (ready(&other_tenant).0, "doctor/token_of_another_tenant"),
        (
            ready(&TokenChanges::none().garbled()).0,
            "doctor/token_garbled",
        ),
        (
            ready(&TokenChanges::none().audience(vault))
                .0
                .args(["--resource", vault]),
            "doctor/token_for_something_else",
        ),
    ] {
        examined(user).is_broken_at(&["sign-in"]).matches(case);
    }
    let server = Sandbox::shared()
        .new_gateway(Manner::AheadOfTime)
        .expect("a server");
    examined(
        ready(&TokenChanges::none())
            .0
            .var("PGPORT", server.port().to_string()),
    )
    .is_broken_at(&["sign-in"])
    .matches("doctor/token_expired");
}

#[test]
fn the_role_is_refused() {
    let none = TokenChanges::none();
    let in_postgres = |role: &str| {
        [
            "-U".to_owned(),
            role.to_owned(),
            "-d".to_owned(),
            "postgres".to_owned(),
        ]
    };
    for (identity, role, case) in [
        (
            Identity::BillingService,
            "alice@contoso.example",
            "doctor/role_of_a_person",
        ),
        (
            Identity::Alice,
            "billing service",
            "doctor/role_of_an_application",
        ),
        (Identity::Carol, "reporting", "doctor/role_with_a_password"),
        (Identity::Carol, "it's \"nobody\"", "doctor/role_missing"),
    ] {
        examined(holder(identity, &none).args(in_postgres(role)))
            .is_broken_at(&["sign-in"])
            .matches(case);
    }
    examined(ready(&none).0.args(["-d", "no such"]))
        .is_broken_at(&["sign-in"])
        .matches("doctor/database_missing");
    examined(ready(&none).0.args(["-U", "Prod DB Readonly"]))
        .is_broken_at(&["sign-in"])
        .matches("doctor/database_named_after_role");
}

#[test]
fn a_role_in_the_wrong_case() {
    examined(alice().args(["-U", "Alice@contoso.example", "-d", "postgres"]))
        .is_broken_at(&["sign-in"])
        .has("warn", &["role"])
        .matches("doctor/role_in_another_case");
}

#[test]
fn names_that_are_no_roles_by_default() {
    let none = TokenChanges::none();
    let billing = Identity::BillingService.entry();
    let long = "x".repeat(64);
    for (identity, role, case) in [
        (
            Identity::Bob,
            "bob@fabrikam.example",
            "doctor/role_of_a_guest_at_home",
        ),
        (
            Identity::BillingService,
            billing.app_id.expect("an id"),
            "doctor/role_named_by_id",
        ),
        (Identity::Alice, &long, "doctor/role_cut_by_postgresql"),
        (
            Identity::Alice,
            "alice@contoso.example ",
            "doctor/role_with_a_space_at_its_end",
        ),
    ] {
        examined(holder(identity, &none).args(["-d", "postgres", "-U", role]))
            .is_broken_at(&["sign-in"])
            .has("warn", &["role"])
            .matches(case);
    }
}

/// The statement in the report lets the person in when an administrator runs it unchanged. The report
/// also explains `NOLOGIN`.
#[test]
fn what_an_administrator_is_told_to_run_helps() {
    let sandbox = Sandbox::shared();
    let run = |sql: &str| sandbox.superuser_sql(sql).expect("SQL");
    let patient = || {
        holder(Identity::Carol, &TokenChanges::none()).args([
            "-U",
            "doctor's \"patient\"",
            "-d",
            "postgres",
        ])
    };
    let role = "\"doctor's \"\"patient\"\"\"";
    run(&format!("create role {role} login"));
    let found = examined(patient());
    found.is_broken_at(&["sign-in"]);
    let remedies = found.remedies("sign-in");
    let statement = remedies
        .iter()
        .find_map(|remedy| remedy.split_once("postgres: "));
    let (_, statement) = statement.expect("a statement");
    run(&format!("drop role {role}"));
    run(statement);
    examined(patient()).works();
    run(&format!("alter role {role} nologin"));
    let found = examined(patient());
    found
        .is_broken_at(&["sign-in"])
        .matches("doctor/role_without_login");
    run(&format!(
        "delete from pgaadauth.principals where role = (select oid from pg_roles where rolname = 'doctor''s \"patient\"'); drop role {role}"
    ));
}
