//! Who a token makes us: guests, service principals, managed identities, Single Server, and
//! warnings.

use sandbox::Identity;

use crate::support::User;

const HOST: &str = "mydb.postgres.database.azure.com";

fn signed_in(identity: Identity) -> User {
    User::signed_in(identity).var("PGHOST", HOST)
}

#[test]
fn a_guest_is_looked_up_in_graph() {
    signed_in(Identity::Bob).asks_who().run().is_signed_in(
        "bob_fabrikam.example#EXT#@contoso.onmicrosoft.com",
        "postgres",
        2,
    );
}

#[test]
fn a_guest_who_says_who_is_not_looked_up() {
    signed_in(Identity::Bob)
        .args(["-U", Identity::Bob.name(), "-d", "app"])
        .asks_who()
        .run()
        .is_signed_in(Identity::Bob.name(), "app", 1);
}

#[test]
fn a_service_principal_is_looked_up_in_graph() {
    signed_in(Identity::BillingService)
        .asks_who()
        .run()
        .is_signed_in("billing service", "postgres", 2);
}

#[test]
fn managed_identities_are_named_by_their_resource() {
    let through_az = |identity| signed_in(identity).args(["--auth", "azure-cli"]);
    through_az(Identity::OrdersIdentity)
        .asks_who()
        .run()
        .is_signed_in("orders-identity", "postgres", 1);
    through_az(Identity::BuildVm)
        .asks_who()
        .run()
        .is_signed_in("build-vm", "postgres", 1);
}

#[test]
fn a_lookup_that_fails_ends_in_what_to_type() {
    let user = signed_in(Identity::Bob);
    user.program(
        "az",
        &format!(
            "#!/bin/sh\n[ \"$1\" = account ] && exec '{}' \"$@\"\necho 'ERROR: Insufficient privileges to complete the operation.' >&2\nexit 1\n",
            user.sandbox.az_dir().join("az").display()
        ),
    );
    user.run().fails("roles/guest_not_looked_up");
}

#[test]
fn single_server_wants_its_name_behind_the_role_once() {
    let role = "alice@contoso.example@mydb";
    let sandbox = sandbox::Sandbox::shared();
    sandbox
        .superuser_sql(&format!(
            "select pgaadauth_create_principal_with_oid('{role}', '{}', 'user', false, false) where not exists (select from pg_roles where rolname = '{role}')",
            Identity::Alice.oid()
        ))
        .expect("a principal");
    let user = || signed_in(Identity::Alice).asks_who();
    user()
        .args(["--single-server"])
        .run()
        .is_signed_in(role, "postgres", 1);
    user()
        .args(["--single-server", "-U", "alice@contoso.example", "app"])
        .run()
        .is_signed_in(role, "app", 1);
    user()
        .args(["--single-server", "app", role])
        .run()
        .is_signed_in(role, "app", 1);
    user()
        .var("ENTRA_PSQL_SINGLE_SERVER", "1")
        .run()
        .is_signed_in(role, "postgres", 1);
    user()
        .args(["--single-server", "user=alice@contoso.example"])
        .run()
        .fails("roles/single_server_in_string");
}

#[test]
fn a_name_in_another_case_is_warned_of() {
    let ran = signed_in(Identity::Alice)
        .args(["-U", "Alice@Contoso.Example", "-d", "app"])
        .asks_who()
        .run();
    ran.matches_in_our_words("roles/in_another_case");
}

#[test]
fn a_name_that_postgresql_cuts_is_warned_of() {
    let name = "g".repeat(64);
    let ran = signed_in(Identity::Alice)
        .args(["--group", &name])
        .asks_who()
        .run();
    ran.matches_in_our_words("roles/cut_by_postgresql");
    let fits = signed_in(Identity::Alice)
        .args(["--group", &name[..63]])
        .asks_who()
        .run();
    assert!(!fits.stderr.contains("warning"), "{}", fits.stderr);
}
