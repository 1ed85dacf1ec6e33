//! `--server` beside all that a launch can be, and for a server of another tenant.

use sandbox::{Identity, Manner, Sandbox};

use crate::proxy_support::{ALICE, HOST, Proxy};
use crate::renew::{nothing_is_left, with_psql};
use crate::support::User;

fn named() -> User {
    User::signed_in(Identity::Alice).args(["--server", "mydb"])
}

#[test]
fn a_session_at_a_server_of_another_tenant() {
    let sandbox = Sandbox::start().expect("a sandbox of its own");
    let create = "select pgaadauth_create_principal_with_oid('bob@fabrikam.example', \
        'b0b00000-77aa-4c21-9d34-5e6f7a8b0103', 'user', false, false)";
    sandbox.superuser_sql(create).expect("a role");
    let server = sandbox.new_gateway(Manner::OfAnotherTenant);
    let port = server.as_ref().expect("a server").port().to_string();
    let bob = || User::signed_in(Identity::Bob).var("PGPORT", &port);
    bob()
        .args(["--server", "otherdb"])
        .asks_who()
        .run()
        .is_signed_in("bob@fabrikam.example", "postgres", 2);
    // Without the tenant from the list, the token is of the tenant that az is signed in to.
    let ran = bob()
        .args(["-h", "otherdb.postgres.database.azure.com"])
        .asks_who()
        .run();
    assert_eq!(ran.code, Some(2), "{ran:?}");
}

#[test]
fn what_is_printed_and_checked_is_of_that_server() {
    for (option, expected) in [
        ("--dry-run", " -h mydb.postgres.database.azure.com\n"),
        (
            "--print-env=sh",
            "export PGHOST='mydb.postgres.database.azure.com'\n",
        ),
        ("--print-conninfo", "host=mydb.postgres.database.azure.com"),
        ("--doctor", HOST),
    ] {
        let ran = named().args([option]).run();
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
        assert!(ran.stdout.contains(expected), "{option}: {}", ran.stdout);
    }
}

#[test]
fn another_program_is_run_for_that_server() {
    let ran = with_psql(named())
        .args(["--exec", "psql", "-XAt", "-c"])
        .args(["\\echo :USER at :HOST"])
        .run();
    let expected = format!("{ALICE} at {HOST}\n");
    assert_eq!((ran.stdout, ran.code), (expected, Some(0)));
}

#[test]
fn later_connections_are_to_that_server() {
    let user = named().args(["--renew", "-XAt", "-c", "\\c -", "-c", "\\echo :HOST"]);
    let ran = user.run();
    assert!(ran.stdout.ends_with(&format!("{HOST}\n")), "{ran:?}");
    assert_eq!(ran.code, Some(0));
    nothing_is_left(&user);
    let user = named().args(["--proxy"]);
    let proxy = Proxy::start(&user);
    proxy.is_signed_in(&user, "", ALICE, "postgres");
}
