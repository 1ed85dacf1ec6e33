//! A tenant that is named by its id is the token's, whoever gives it.

use sandbox::directory::{HOME_TENANT_OF_GUEST, TENANT};
use sandbox::{Behaviour, Identity, Sandbox, TokenChanges};

use crate::identities::{nobody, ready, with_secret};
use crate::remember::{ALICE, alice, token_file};
use crate::support::User;

/// Gives tokens of another tenant than the one that is asked.
fn lying(user: User) -> User {
    user.entra.behave(Behaviour::tokens(
        TokenChanges::none().tenant(HOME_TENANT_OF_GUEST),
    ));
    user
}

fn managed() -> User {
    let user = nobody();
    let variables = user.entra.managed_identity_env();
    variables
        .into_iter()
        .fold(user, |user, (name, value)| user.var(&name, value))
        .asks_who()
}

#[test]
fn a_token_of_another_tenant_is_refused() {
    let user = lying(alice()).args(["--tenant", TENANT]);
    user.run().fails("tenant/az_gives_another");
    // Nothing of it is kept: an honest source is heard at once.
    user.entra.behave(Behaviour::default());
    let ran = user.args(["--fresh"]).run();
    assert_eq!(ran.az.len(), 2, "{ran:?}");
    let (user, _) = ready(&TokenChanges::none().tenant(HOME_TENANT_OF_GUEST));
    user.var("ENTRA_PSQL_TENANT", TENANT)
        .run()
        .fails("tenant/ready_of_another");
    lying(with_secret())
        .args(["--tenant", TENANT])
        .run()
        .fails("tenant/application_gets_another");
    lying(managed())
        .args(["--tenant", TENANT])
        .run()
        .fails("tenant/identity_of_another");
}

#[test]
fn a_cached_token_of_another_tenant_is_refused() {
    // An identity endpoint knows no tenants, and what it gave is cached for all.
    let user = managed();
    user.run().is_signed_in("build-vm", "postgres", 0);
    let other = HOME_TENANT_OF_GUEST;
    let ran = user.args(["--tenant", other]).run();
    ran.fails("tenant/cached_of_another");
}

#[test]
fn the_right_one_is_taken_in_any_case_and_domains_are_not_compared() {
    let named = |tenant: &str| alice().args(["--tenant", tenant]);
    named(&TENANT.to_uppercase())
        .run()
        .is_signed_in(ALICE, "postgres", 1);
    named("contoso.onmicrosoft.com")
        .run()
        .is_signed_in(ALICE, "postgres", 1);
    let (user, _) = ready(&TokenChanges::none());
    user.args(["--tenant", TENANT])
        .asks_who()
        .run()
        .is_signed_in(ALICE, "postgres", 0);
}

#[test]
fn a_guest_is_at_home_in_another_tenant() {
    let bob = || {
        User::signed_in(Identity::Bob)
            .var("PGHOST", "mydb.postgres.database.azure.com")
            .args(["-d", "postgres"])
    };
    let user = bob().args(["--tenant", HOME_TENANT_OF_GUEST, "--print-token"]);
    let ran = user.run();
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    // For each tenant a token of its own.
    let file = token_file(&user);
    let text = std::fs::read_to_string(file).expect("a token");
    assert!(text.contains(HOME_TENANT_OF_GUEST), "{text}");
    // The server is in the other one.
    let ran = bob().args(["--tenant", HOME_TENANT_OF_GUEST]).run();
    assert!(ran.stderr.contains("valid oid claim"), "{ran:?}");
    bob()
        .args(["--tenant", TENANT, "-U", Identity::Bob.name()])
        .asks_who()
        .run()
        .is_signed_in(Identity::Bob.name(), "postgres", 1);
}

#[test]
fn a_tenant_that_entra_does_not_know_is_refused() {
    let nowhere = "00000000-1111-2222-3333-444444444444";
    alice()
        .args(["--tenant", nowhere])
        .run()
        .fails("tenant/unknown_to_az");
    with_secret()
        .args(["--tenant", nowhere])
        .run()
        .fails("tenant/unknown_to_an_application");
    // And one in which the person has no account.
    alice()
        .args(["--tenant", HOME_TENANT_OF_GUEST])
        .run()
        .fails("tenant/without_an_account");
}

#[test]
fn an_inherited_token_of_another_tenant_is_replaced() {
    let changes = TokenChanges::none().tenant(HOME_TENANT_OF_GUEST);
    let token = Sandbox::shared().issue(Identity::Alice, &changes);
    alice()
        .var("PGPASSWORD", token)
        .var("ENTRA_PSQL_TENANT", TENANT)
        .run()
        .is_signed_in(ALICE, "postgres", 1);
}

#[test]
fn the_doctor_names_both() {
    let user = lying(alice()).args(["--tenant", TENANT, "--doctor"]);
    let ran = user.run();
    let line = ran
        .stdout
        .lines()
        .find(|line| line.starts_with("FAIL  token"));
    let line = line.unwrap_or_else(|| panic!("{}", ran.stdout));
    assert!(
        line.contains(TENANT) && line.contains(HOME_TENANT_OF_GUEST),
        "{line}"
    );
}
