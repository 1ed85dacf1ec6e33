//! Where no token has any business, the program is psql; where one is asked for and may not go, it
//! says why.

use std::path::Path;

use sandbox::Identity;

use crate::support::{User, here};

const HOST: &str = "mydb.postgres.database.azure.com";
const GROUP: &str = "Prod DB Readonly";

fn alice() -> User {
    User::signed_in(Identity::Alice)
}

/// The same output, exit code and silence of az as psql itself.
#[track_caller]
pub fn is_psql(user: &User) {
    let (ours, theirs) = (user.run(), user.run_psql());
    assert_eq!(ours, theirs);
    assert_eq!(ours.az, Vec::<String>::new());
}

#[test]
fn sockets_and_localhost_are_psqls() {
    let sandbox = sandbox::Sandbox::shared();
    // Of sockets psql knows on Windows, and Wine does not.
    let host = here(sandbox.socket_dir(), Path::new("127.0.0.1"));
    let local = || {
        User::nobody()
            .var("PGHOST", host)
            .var("PGPORT", sandbox.tcp_port().to_string())
            .var("PGPASSWORD", sandbox.local_password())
            .args(["-XAt", "-U", sandbox.local_role(), "-d", "app"])
    };
    let user = local().args(["-c", "select current_user, current_setting('port')"]);
    assert_eq!(
        user.run().stdout,
        format!("{}|{}\n", sandbox.local_role(), sandbox.tcp_port())
    );
    is_psql(&user);
    is_psql(&local().args(["-c", "select 1/0"]));
    is_psql(&local().stdin("select 1;\n\\q\n"));
    is_psql(
        &local()
            .args(["-v", "ON_ERROR_STOP=1"])
            .stdin("select 1/0;\n"),
    );
    is_psql(
        &local()
            .args(["-h", "localhost"])
            .var("PGHOSTADDR", "127.0.0.1")
            .var("PGPASSWORD", "wrong"),
    );
    // Variables of ours that stay exported change nothing, not even wrong ones.
    is_psql(
        &user
            .var("ENTRA_PSQL_GROUP", GROUP)
            .var("ENTRA_PSQL_TIMEOUT", "soon")
            .var("ENTRA_PSQL_DRY_RUN", "1")
            .var("ENTRA_PSQL_VERBOSE", "1"),
    );
}

#[test]
fn look_alikes_are_psqls() {
    for host in [
        "evil-mydb.postgres.database.azure.com.example.com",
        "evilpostgres.database.azure.com",
        "postgres.database.azure.com",
        "mydb.postgres.database.azure.com.",
        "mydb.postgres.database.azure.net",
    ] {
        is_psql(&alice().args(["-h", host, "-w", "-d", "postgres"]));
    }
    // An address is no name, whatever its server is.
    is_psql(&alice().args(["-w", "-d", "postgres"]));
    is_psql(&alice().args(["-h", "127.0.0.1", "-w", "-d", "postgres"]));
}

#[test]
fn what_does_not_connect_is_psqls() {
    for words in [
        &["-V"][..],
        &["-?"],
        &["--help=variables"],
        &["--nonsense"],
        &["-h"],
        &["-P", "format=none", "-h", HOST],
        &["host=x host"],
        &["service=nowhere"],
        &["host=mydb.postgres.database.azure.com sslmode=never"],
    ] {
        is_psql(&alice().args(words));
    }
}

#[test]
fn another_password_at_hand_is_psqls() {
    let refused = "password authentication failed";
    let with = |user: User| {
        let user = user
            .var("PGHOST", HOST)
            .args(["-U", "alice@contoso.example", "-w"]);
        let ran = user.run();
        assert!(
            ran.stderr.contains(refused) || ran.stderr.contains("access token"),
            "{}",
            ran.stderr
        );
        assert_eq!(ran.az, Vec::<String>::new());
    };
    with(alice().var("PGPASSWORD", "hunter2"));
    with(alice().args(["-d", "password=hunter2"]));
    with(alice().args(["-d", &format!("postgresql://x:hunter2@{HOST}/")]));
    with(alice().file(".pgpass", "*:*:*:*:hunter2\n"));
    with(
        alice()
            .file("other", "mydb.postgres.database.azure.com:*:*:*:hunter2\n")
            .args(["-d", "passfile=other"]),
    );
    with(
        alice()
            .file(".pg_service.conf", "[s]\npassword=hunter2\n")
            .var("PGSERVICE", "s"),
    );
}

#[test]
fn a_password_prompt_is_psqls() {
    let user = alice()
        .args(["-h", HOST, "-U", "alice@contoso.example", "-W"])
        .stdin("hunter2\n");
    let ran = user.run();
    assert!(ran.stderr.starts_with("Password: "), "{}", ran.stderr);
    assert_eq!(ran.az, Vec::<String>::new());
}

#[test]
fn where_a_token_is_asked_for_passwords_at_hand_are_overridden() {
    let entra = || alice().var("PGHOST", HOST).args(["--entra"]).asks_who();
    let who = "alice@contoso.example";
    entra()
        .var("PGPASSWORD", "hunter2")
        .run()
        .is_signed_in(who, "postgres", 1);
    entra()
        .file(".pgpass", "*:*:*:*:hunter2\n")
        .run()
        .is_signed_in(who, "postgres", 1);
}

#[test]
fn a_password_that_was_typed_contradicts_a_request_for_a_token() {
    alice()
        .args(["--entra", "-W", "-h", HOST])
        .run()
        .fails("decision/password_prompt");
    alice()
        .args(["--group", GROUP, &format!("host={HOST} password=x")])
        .run()
        .fails("decision/password_in_string");
    alice()
        .file(".pg_service.conf", "[s]\npassword=x\n")
        .args(["--entra", "-h", HOST, "service=s"])
        .run()
        .fails("decision/password_in_service_file");
}

#[test]
fn a_token_that_is_asked_for_goes_to_no_stranger() {
    alice()
        .args(["--group", GROUP, "-h", "localhost"])
        .run()
        .fails("decision/group_at_localhost");
    alice()
        .args(["--auth=azure-cli", "-h", "/tmp"])
        .run()
        .fails("decision/auth_at_socket");
    alice()
        .args(["--entra", "-h", "/tmp"])
        .without("PGHOSTADDR")
        .run()
        .fails("decision/entra_at_socket");
    alice()
        .args(["--group", GROUP])
        .without("PGHOSTADDR")
        .run()
        .fails("decision/no_host");
}

#[test]
fn mixed_hosts_are_refused() {
    let mixed = format!("{HOST},db.example.com");
    alice()
        .args(["-h", &mixed])
        .without("PGHOSTADDR")
        .run()
        .fails("decision/mixed_hosts");
    // With a password of its own the list is psql's.
    is_psql(
        &alice()
            .args(["-w", "-h", &mixed])
            .without("PGHOSTADDR")
            .var("PGPASSWORD", "x"),
    );
}

#[test]
fn no_entra_is_psqls() {
    is_psql(
        &alice()
            .args(["-w", "-h", HOST])
            .var("ENTRA_PSQL_NO_ENTRA", "1"),
    );
    let user = alice().args(["--no-entra", "-w", "-h", HOST]);
    assert!(
        user.run()
            .stderr
            .contains("fe_sendauth: no password supplied"),
        "{}",
        user.run().stderr
    );
    assert_eq!(user.az_calls(), Vec::<String>::new());
}

#[test]
fn a_group_excludes_another_user_on_the_line() {
    for words in [
        &["-U", "x"][..],
        &["db", "x"],
        &["user=x"],
        &["postgres://x@/"],
    ] {
        alice()
            .args(["--group", GROUP, "-h", HOST])
            .args(words)
            .run()
            .fails("decision/group_and_user");
    }
}

#[test]
fn wrong_usage() {
    alice()
        .args(["--timeout", "0"])
        .run()
        .fails("usage/timeout_of_zero");
    alice()
        .args(["--group"])
        .run()
        .fails("usage/group_without_value");
    alice()
        .args(["--entra=yes"])
        .run()
        .fails("usage/entra_with_value");
    alice()
        .args(["--auth", "magic"])
        .run()
        .fails("usage/auth_unknown");
    alice()
        .args(["-h", HOST])
        .var("ENTRA_PSQL_TIMEOUT", "soon")
        .run()
        .fails("usage/timeout_in_variable");
    alice()
        .args(["--tenant", "a", "--subscription", "b"])
        .run()
        .fails("usage/tenant_and_subscription");
    alice()
        .args(["--no-entra", "--entra"])
        .run()
        .fails("usage/no_entra_and_entra");
}
