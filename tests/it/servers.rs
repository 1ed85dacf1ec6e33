//! `--servers` and `--server`: Azure's list, through the real az.

use std::fs;

use sandbox::{Behaviour, Graph, Identity, Row};

use crate::azd::with_azd;
use crate::remember::{ALICE, directory};
use crate::support::User;

fn alice() -> User {
    User::signed_in(Identity::Alice)
}

fn lists() -> User {
    alice().args(["--servers"])
}

fn seeing(user: User, graph: Graph) -> User {
    user.entra.behave(Behaviour::graph(graph));
    user
}

#[test]
fn the_list_is_a_table_or_json_and_kept() {
    let user = lists();
    user.run().matches("servers/table");
    let ran = user.run();
    assert_eq!(ran.az.len(), 1, "{ran:?}");
    let names = fs::read_to_string(directory(&user).join("servers.txt")).expect("names");
    assert_eq!(names.lines().count(), 3, "{names}");
    assert!(names.contains("mydb.postgres.database.azure.com\tmydb\n"));
    alice()
        .args(["--servers=json"])
        .run()
        .matches("servers/json");
    let ran = user.args(["--fresh"]).run();
    assert_eq!(ran.az.len(), 2, "{ran:?}");
}

#[test]
fn a_list_of_yesterday_or_of_another_state_is_asked_for_again() {
    let user = lists();
    user.run();
    let file = directory(&user).join("servers.json");
    let kept = fs::read_to_string(&file).expect("the list");
    let mut kept: serde_json::Value = serde_json::from_str(&kept).expect("JSON");
    let at = kept["at"].as_u64().expect("a time");
    kept["at"] = (at - 86_400).into();
    fs::write(&file, kept.to_string()).expect("written");
    let ran = user.run();
    assert_eq!((ran.code, ran.az.len()), (Some(0), 2), "{ran:?}");
    let profile = user.home.path().join(".azure");
    fs::remove_dir_all(&profile).expect("removed");
    user.sandbox
        .sign_in(user.home.path(), Identity::Bob)
        .expect("a profile");
    let ran = user.run();
    assert_eq!(ran.az.len(), 3, "{ran:?}");
}

#[test]
fn a_list_that_is_kept_is_not_used_after_signing_out() {
    let user = lists();
    user.run();
    let profile = user.home.path().join(".azure/azureProfile.json");
    fs::remove_file(profile).expect("a sign-out");
    user.run().fails("servers/signed_out");
}

#[test]
fn a_server_is_found_by_name_and_signed_in_to() {
    let user = alice().args(["--server", "MyDB"]).asks_who();
    user.run().is_signed_in(ALICE, "postgres", 2);
    user.run().is_signed_in(ALICE, "postgres", 2);
    let user = user.var("PGHOST", "elsewhere.example");
    user.run().is_signed_in(ALICE, "postgres", 2);
    alice()
        .var("ENTRA_PSQL_CACHE", "off")
        .args(["--server", "mydb.postgres.database.azure.com"])
        .asks_who()
        .run()
        .is_signed_in(ALICE, "postgres", 2);
}

#[test]
fn the_tenant_of_the_server_is_used() {
    let user = User::signed_in(Identity::Bob).args(["--server", "otherdb", "--print-token"]);
    let ran = user.run();
    let asked = ran
        .az
        .iter()
        .any(|words| words.contains("--tenant fab21ca0-2f4d-4e7b-8a31-5c9be2d00002"));
    assert!(asked && ran.code == Some(0), "{ran:?}");
}

#[test]
fn a_host_in_the_list_gets_a_token_only_if_it_would_when_typed() {
    let stranger = Row {
        host: "mydb.example".to_owned(),
        ..Row::new("mydb")
    };
    let user = seeing(alice(), Graph::Rows(vec![stranger]));
    let user = user.args(["--server", "mydb", "-XAt", "-w", "-c", "select 1"]);
    let ran = user.run();
    assert_eq!((ran.code, ran.az.len()), (Some(2), 1), "{ran:?}");
    assert!(ran.stderr.starts_with("psql: error: "), "{ran:?}");
}

#[test]
fn names_that_lead_nowhere() {
    let named = |name: &str| alice().args(["--server", name]);
    named("mydv").run().matches("servers/unknown");
    let twin = Row {
        host: "mydb2.postgres.database.azure.com".to_owned(),
        subscription: "Contoso Test",
        ..Row::new("mydb")
    };
    seeing(named("mydb"), Graph::Rows(vec![Row::new("mydb"), twin]))
        .run()
        .matches("servers/ambiguous");
    named("mydb")
        .args(["-h", "x"])
        .run()
        .fails("servers/with_host");
    named("mydb")
        .args(["host=x"])
        .run()
        .fails("servers/with_host");
}

#[test]
fn what_goes_wrong() {
    seeing(lists(), Graph::Refuses)
        .run()
        .fails("servers/refused");
    seeing(lists(), Graph::Silent)
        .args(["--timeout", "3"])
        .run()
        .fails("servers/silent");
    User::nobody()
        .args(["--servers"])
        .run()
        .fails("servers/signed_out");
    lists()
        .args(["--auth", "browser"])
        .run()
        .fails("servers/other_method");
    with_azd("answer")
        .args(["--servers"])
        .run()
        .fails("servers/signed_in_to_azd");
    lists()
        .args(["-c", "select 1"])
        .run()
        .fails("servers/with_words");
}

#[test]
fn more_servers_than_a_page_holds() {
    let rows = (0..1500).map(|at| Row::new(&format!("server{at:04}")));
    let user = seeing(lists(), Graph::Rows(rows.collect()));
    let ran = user.run();
    assert_eq!((ran.stdout.lines().count(), ran.az.len()), (1501, 2));
}
