//! The database's Entra functions, as an administrator uses them.

use sandbox::{
    Identity, Sandbox, TokenChanges,
    directory::{DATABASE_ADMINISTRATORS, PROD_DB_READONLY, TENANT},
};

use crate::support::{answer, complaint, psql_at};

/// Returns what `role` gets, in a sandbox of its own, since the test changes the mapping.
fn as_role(sandbox: &Sandbox, role: &str, identity: Identity, sql: &str) -> std::process::Command {
    let token = sandbox.issue(identity, &TokenChanges::none());
    let mut command = psql_at(sandbox.gateway(), role, &token);
    command.args(["-v", "ON_ERROR_STOP=1", "-c", sql]);
    command
}

#[test]
fn an_administrator_maps_principals() {
    let sandbox = Sandbox::start().unwrap();
    let admin = |sql: &str| {
        answer(&mut as_role(
            &sandbox,
            DATABASE_ADMINISTRATORS.name,
            Identity::Alice,
            sql,
        ))
    };

    let carol = || {
        as_role(
            &sandbox,
            "carol@contoso.example",
            Identity::Carol,
            "SELECT current_user",
        )
    };
    let before = complaint(&mut carol(), 2);
    assert!(
        before.ends_with("role \"carol@contoso.example\" does not exist"),
        "{before}"
    );
    assert_eq!(
        admin("SELECT * FROM pgaadauth_create_principal('carol@contoso.example', false, false)"),
        "Created role for \"carol@contoso.example\""
    );
    assert_eq!(answer(&mut carol()), "carol@contoso.example");

    // With an object id, any name will do.
    let oid = Identity::Carol.oid();
    admin(&format!(
        "SELECT pgaadauth_create_principal_with_oid('The Auditor', '{oid}', 'user', false, false)"
    ));
    assert_eq!(
        answer(&mut as_role(
            &sandbox,
            "The Auditor",
            Identity::Carol,
            "SELECT session_user"
        )),
        "The Auditor"
    );

    let listed = admin("SELECT * FROM pgaadauth_list_principals(false)");
    for (role, kind, oid) in [
        (PROD_DB_READONLY.name, "group", PROD_DB_READONLY.oid),
        (
            Identity::BillingService.name(),
            "service",
            Identity::BillingService.oid(),
        ),
    ] {
        let line = format!("{role}|{kind}|{oid}|{TENANT}|0|0");
        assert!(listed.lines().any(|known| known == line), "{listed}");
    }
    assert_eq!(
        admin("SELECT rolename FROM pgaadauth_list_principals(true)"),
        DATABASE_ADMINISTRATORS.name
    );
    // As the documentation spells them, which folds to lower case.
    assert_eq!(
        admin(
            "SELECT rolename, principalType, objectId, tenantId, isMfa, isAdmin FROM pgaadauth_list_principals(true)"
        ),
        format!(
            "{}|group|{}|{TENANT}|0|1",
            DATABASE_ADMINISTRATORS.name, DATABASE_ADMINISTRATORS.oid
        )
    );

    let unknown = complaint(
        &mut as_role(
            &sandbox,
            DATABASE_ADMINISTRATORS.name,
            Identity::Alice,
            "SELECT pgaadauth_create_principal('nobody@contoso.example', false, false)",
        ),
        1,
    );
    assert!(
        unknown.contains("Could not validate AAD user")
            && unknown.contains("not found in the tenant"),
        "{unknown}"
    );

    // Dropping a role also removes its mapping.
    admin("DROP ROLE \"The Auditor\"");
    let dropped = complaint(
        &mut as_role(&sandbox, "The Auditor", Identity::Carol, "SELECT 1"),
        2,
    );
    assert!(
        dropped.ends_with("role \"The Auditor\" does not exist"),
        "{dropped}"
    );
}

#[test]
fn nobody_else_may() {
    let sandbox = crate::support::sandbox();
    let sql = "SELECT pgaadauth_create_principal('carol@contoso.example', true, false)";
    let refused = complaint(
        &mut as_role(sandbox, PROD_DB_READONLY.name, Identity::Alice, sql),
        1,
    );
    assert!(
        refused.contains("only Microsoft Entra administrators"),
        "{refused}"
    );
}

#[test]
fn members_of_groups_get_roles_of_their_own_where_synchronised() {
    let sandbox = Sandbox::start().unwrap();
    sandbox
        .superuser_sql(
            "DROP ROLE \"alice@contoso.example\";
             SET pgaadauth.enable_group_sync = on;
             SELECT pgaadauth_sync_roles_for_group_members()",
        )
        .unwrap();
    let sql = "SELECT pg_has_role('Prod DB Readonly', 'member')";
    assert_eq!(
        answer(&mut as_role(
            &sandbox,
            "alice@contoso.example",
            Identity::Alice,
            sql
        )),
        "t"
    );
    let off = sandbox
        .superuser_sql("SELECT pgaadauth_sync_roles_for_group_members()")
        .unwrap_err();
    assert!(
        off.to_string().contains("group synchronisation is off"),
        "{off}"
    );
}
