//! The roles of managed identities: that of an App Service slot is named after app and slot.

use sandbox::Identity;

use crate::identities::nobody;
use crate::support::User;

const SLOT: &str = "shop/slots/staging";

#[test]
fn a_slot_is_named_after_its_app_and_itself() {
    let slot = || {
        let user = nobody();
        let variables = user.entra.slot_identity_env();
        variables
            .into_iter()
            .fold(user, |user, (name, value)| user.var(&name, value))
    };
    slot().asks_who().run().is_signed_in(SLOT, "postgres", 0);
    let user = slot().args(["--auth", "managed-identity"]).asks_who();
    user.run().is_signed_in(SLOT, "postgres", 0);
    // From the cache.
    user.run().is_signed_in(SLOT, "postgres", 0);
    assert_eq!(user.entra.token_requests().len(), 1);
    // az in the slot.
    User::signed_in(Identity::ShopStaging)
        .var("PGHOST", "mydb.postgres.database.azure.com")
        .args(["--auth", "azure-cli"])
        .asks_who()
        .run()
        .is_signed_in(SLOT, "postgres", 1);
}

#[test]
fn a_slots_role_is_printed_as_its_reader_needs_it() {
    let user = nobody();
    let variables = user.entra.slot_identity_env();
    let user = variables
        .into_iter()
        .fold(user, |user, (name, value)| user.var(&name, value))
        .var("PGSSLROOTCERT", "/ca.pem")
        .without("PGPORT");
    let ran = user.args(["--print-conninfo"]).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert!(ran.stdout.contains(&format!("user={SLOT} ")), "{ran:?}");
}
