//! Every way to name the server and the role ends in the right session, with one az call and
//! nothing said.

use std::fs;

use sandbox::Identity;

use crate::support::User;

const HOST: &str = "mydb.postgres.database.azure.com";
const ALICE: &str = "alice@contoso.example";
const GROUP: &str = "Prod DB Readonly";

fn alice() -> User {
    User::signed_in(Identity::Alice)
}

#[test]
fn a_host_and_a_database() {
    let user = alice().args(["-h", HOST, "-d", "postgres"]).asks_who();
    user.run().is_signed_in(ALICE, "postgres", 1);
    assert_eq!(user.entra.token_requests().len(), 1);
    let session = user
        .sandbox
        .gateway()
        .sessions()
        .into_iter()
        .find(|session| session.user == ALICE);
    assert!(session.is_some_and(|session| session.encrypted));
}

#[test]
fn no_database_is_postgres_where_the_role_was_worked_out() {
    alice()
        .args(["-h", HOST])
        .asks_who()
        .run()
        .is_signed_in(ALICE, "postgres", 1);
}

#[test]
fn a_typed_role_keeps_the_rule_that_the_database_is_called_after_it() {
    let ran = alice().args(["-h", HOST, "-U", ALICE]).asks_who().run();
    assert!(
        ran.stderr
            .contains(&format!("database \"{ALICE}\" does not exist")),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.code, Some(2));
}

#[test]
fn a_group() {
    alice()
        .var("PGHOST", HOST)
        .args(["--group", GROUP])
        .asks_who()
        .run()
        .is_signed_in(GROUP, "postgres", 1);
}

#[test]
fn a_group_spelled_with_backslashes() {
    alice()
        .var("PGHOST", HOST)
        .args([r"--group=Prod\ DB\ Readonly"])
        .asks_who()
        .run()
        .is_signed_in(GROUP, "postgres", 1);
}

#[test]
fn a_group_in_a_variable_gives_way_to_a_user_on_the_line() {
    let with_variable = || {
        alice()
            .var("PGHOST", HOST)
            .var("ENTRA_PSQL_GROUP", GROUP)
            .asks_who()
    };
    with_variable().run().is_signed_in(GROUP, "postgres", 1);
    with_variable()
        .args(["-U", ALICE, "app"])
        .run()
        .is_signed_in(ALICE, "app", 1);
}

#[test]
fn a_role_spelled_with_backslashes_in_each_place_that_can_be_put_right() {
    let escaped = r"Prod\ DB\ Readonly";
    let place = |user: User| {
        user.var("PGHOST", HOST)
            .var("PGDATABASE", "app")
            .asks_who()
            .run()
            .is_signed_in(GROUP, "app", 1);
    };
    place(alice().args(["-U", escaped]));
    place(alice().args([r"-qUProd\ DB\ Readonly"]));
    place(alice().args([r"--username=Prod\ DB\ Readonly"]));
    place(alice().args(["app", escaped]));
    place(alice().var("PGUSER", escaped));
    place(alice().args([r"user=Prod\ DB\ Readonly"]));
    place(
        alice()
            .file(".pg_service.conf", "[prod]\nuser=Prod\\ DB\\ Readonly\n")
            .var("PGSERVICE", "prod"),
    );
}

#[test]
fn a_role_spelled_with_backslashes_in_a_uri_is_pointed_out() {
    alice()
        .args([format!(r"postgresql://Prod\ DB\ Readonly@{HOST}/app")])
        .run()
        .fails("roles/backslashes_in_uri");
}

#[test]
fn a_connection_string() {
    alice()
        .args([format!("host={HOST} dbname=app user='{GROUP}'")])
        .asks_who()
        .run()
        .is_signed_in(GROUP, "app", 1);
    alice()
        .args(["-d", &format!("host={HOST}")])
        .asks_who()
        .run()
        .is_signed_in(ALICE, "postgres", 1);
}

#[test]
fn a_uri() {
    alice()
        .args([format!("postgresql://Prod%20DB%20Readonly@{HOST}/app")])
        .asks_who()
        .run()
        .is_signed_in(GROUP, "app", 1);
    alice()
        .args([format!("postgres://{HOST}")])
        .asks_who()
        .run()
        .is_signed_in(ALICE, "postgres", 1);
}

#[test]
fn a_service_file() {
    let service = format!("[prod]\nhost={HOST}\ndbname=app\n");
    let user = || alice().file(".pg_service.conf", &service).asks_who();
    user()
        .args(["service=prod"])
        .run()
        .is_signed_in(ALICE, "app", 1);
    user()
        .var("PGSERVICE", "prod")
        .run()
        .is_signed_in(ALICE, "app", 1);
}

#[test]
fn a_group_beats_a_user_in_a_service_file() {
    alice()
        .file(
            ".pg_service.conf",
            &format!("[prod]\nhost={HOST}\nuser=nobody\ndbname=app\n"),
        )
        .args(["service=prod", "--group", GROUP])
        .asks_who()
        .run()
        .is_signed_in(GROUP, "app", 1);
}

#[test]
fn pghost() {
    alice()
        .var("PGHOST", HOST)
        .asks_who()
        .run()
        .is_signed_in(ALICE, "postgres", 1);
}

#[test]
fn a_positional_user() {
    alice()
        .args(["-h", HOST, "app", GROUP])
        .asks_who()
        .run()
        .is_signed_in(GROUP, "app", 1);
}

#[test]
fn a_script_on_standard_input() {
    let ran = alice()
        .args(["-h", HOST, "-XAtq"])
        .stdin("select current_user;\n\\echo :DBNAME\n")
        .run();
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("alice@contoso.example\npostgres\n", "")
    );
    assert_eq!(ran.az.len(), 1);
}

#[test]
fn a_list_of_databases() {
    let ran = alice().args(["-h", HOST, "-XAtl"]).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert!(
        ran.stdout.lines().any(|line| line.starts_with("app|")),
        "{}",
        ran.stdout
    );
}

#[test]
fn names_that_are_hard_to_quote() {
    alice()
        .var("PGHOST", HOST)
        .args(["--group", sandbox::directory::AWKWARD.name])
        .asks_who()
        .run()
        .is_signed_in(sandbox::directory::AWKWARD.name, "postgres", 1);
}

#[test]
fn a_token_inherited_from_a_shell_inside_psql_is_replaced() {
    let stale = alice().sandbox.issue(
        Identity::Alice,
        &sandbox::TokenChanges::none().expires_in(-60),
    );
    alice()
        .var("PGHOST", HOST)
        .var("PGPASSWORD", stale)
        .asks_who()
        .run()
        .is_signed_in(ALICE, "postgres", 1);
}

#[test]
fn a_host_that_stands_to_be_trusted() {
    // The sandbox's certificate has another name, so TLS is what refuses in the end.
    let ran = alice()
        .args(["-h", "db.contoso.example", "-U", ALICE, "-d", "postgres"])
        .var("ENTRA_PSQL_TRUSTED_HOSTS", ".contoso.example, other")
        .run();
    assert!(
        ran.stderr
            .contains("does not match host name \"db.contoso.example\""),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.az.len(), 1);
    assert!(
        ran.az[0].contains("--resource-type oss-rdbms"),
        "{:?}",
        ran.az
    );
}

/// libpq before version 15 asks the system for the home, and would read other files there.
#[test]
fn files_of_a_home_that_is_not_the_accounts_are_named_to_psql() {
    let user = alice()
        .without("PGSSLROOTCERT")
        .file(".pg_service.conf", &format!("[prod]\nhost={HOST}\n"))
        .args(["service=prod", "--dry-run"]);
    let roots = user.home.path().join(".postgresql/root.crt");
    fs::create_dir(roots.parent().expect("a directory")).expect("a directory");
    fs::copy(user.sandbox.ca_file(), &roots).expect("a root file");
    user.run().matches("dry_run/files_of_the_home");
    // A program of another kind gets what the service gives.
    let ran = user.args(["--exec", "psql"]).run();
    ran.matches("dry_run/files_of_the_home_for_a_program");
}
