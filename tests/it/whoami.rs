//! `--whoami` reports who a token is for, and the groups that the real az gets from Graph.

use std::fs;

use sandbox::directory::TENANT;
use sandbox::{Behaviour, GroupList, Identity};
use serde_json::{Value, json};

use crate::identities::{in_app_service, nobody, secret};
use crate::remember::directory;
use crate::support::{Ran, User};

fn signed_in(identity: Identity) -> User {
    User::signed_in(identity).args(["--whoami"])
}

/// The application `billing service`, by its secret.
fn billing() -> User {
    let billing = Identity::BillingService.entry();
    nobody()
        .var("AZURE_TENANT_ID", TENANT)
        .var("AZURE_CLIENT_ID", billing.app_id.expect("a client id"))
        .var("AZURE_CLIENT_SECRET", secret())
}

/// Runs it. It succeeds and prints no secret.
#[track_caller]
fn told(user: &User) -> Ran {
    let ran = user.run();
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    for unwanted in ["eyJ", secret()] {
        assert!(!ran.stdout.contains(unwanted), "{}", ran.stdout);
    }
    ran
}

fn kept(user: &User) -> Option<String> {
    fs::read_to_string(directory(user).join("groups.txt")).ok()
}

/// How often Graph was asked for groups.
fn pages(user: &User) -> usize {
    let requests = user.entra.requests();
    let pages = requests
        .iter()
        .filter(|request| request.path.ends_with("/microsoft.graph.group"));
    pages.count()
}

#[test]
fn a_user_has_groups_on_several_pages() {
    let user = signed_in(Identity::Alice);
    told(&user).matches("whoami/user");
    assert_eq!(pages(&user), 2);
    assert_eq!(
        kept(&user).as_deref(),
        Some("Database Administrators\nGröße \"100%\" O'Brien\nProd DB Readonly\n")
    );
    // The token is the one of a launch.
    let user = user.var("PGHOST", "mydb.postgres.database.azure.com");
    let ran = user.ran(user.command_with_only("-XAtcselect 1"));
    assert_eq!((ran.stdout.as_str(), ran.az.len()), ("1\n", 3));
}

#[test]
fn signing_out_removes_the_groups() {
    let user = signed_in(Identity::Alice);
    told(&user);
    assert!(kept(&user).is_some());
    // Without a credential store it may fail, but only after that.
    user.ran(user.command_with_only("--sign-out"));
    assert_eq!(kept(&user), None);
}

#[test]
fn groups_are_kept_only_if_tokens_are() {
    let user = signed_in(Identity::Alice).var("ENTRA_PSQL_CACHE", "off");
    told(&user);
    assert_eq!(kept(&user), None);
}

#[test]
fn a_guest_is_looked_up() {
    let user = signed_in(Identity::Bob);
    told(&user).matches("whoami/guest");
}

#[test]
fn someone_is_in_no_group() {
    let user = signed_in(Identity::Carol);
    told(&user).matches("whoami/in_no_group");
    assert_eq!(kept(&user).as_deref(), Some(""));
}

#[test]
fn applications_have_no_groups_to_list() {
    let user = signed_in(Identity::BillingService);
    told(&user).matches("whoami/service_principal_of_az");
    assert_eq!((kept(&user), pages(&user)), (None, 0));
    told(&billing().args(["--whoami"])).matches("whoami/service_principal");
    told(&in_app_service().args(["--whoami"])).matches("whoami/managed_identity");
}

#[test]
fn only_az_asks_for_groups() {
    let token = sandbox::Sandbox::shared().issue(Identity::Alice, &sandbox::TokenChanges::none());
    let user = nobody()
        .var("ENTRA_PSQL_TOKEN", token)
        .args(["--whoami", "--auth", "env"]);
    told(&user).matches("whoami/not_by_az");
}

#[test]
fn graph_refuses() {
    for (list, case) in [
        (GroupList::Refused, "whoami/groups_refused"),
        (GroupList::NextElsewhere, "whoami/groups_elsewhere"),
    ] {
        let user = signed_in(Identity::Alice);
        user.entra.behave(Behaviour::groups(list));
        told(&user).matches(case);
        assert_eq!(kept(&user), None);
    }
}

#[test]
fn pages_without_end_are_cut() {
    let user = signed_in(Identity::Alice);
    user.entra.behave(Behaviour::groups(GroupList::NextForever));
    told(&user).matches("whoami/groups_cut");
    assert_eq!(pages(&user), 5);
}

#[test]
fn nobody_is_signed_in() {
    let user = nobody().args(["--whoami", "--auth", "azure-cli"]);
    let ran = user.run();
    assert_eq!(ran.code, Some(2));
    ran.fails("whoami/not_signed_in");
}

#[test]
fn the_object_has_every_key() {
    let user = User::signed_in(Identity::Alice).args(["--whoami=json"]);
    let mut report: Value = serde_json::from_str(&told(&user).stdout).expect("JSON");
    let minutes = report["minutes_left"].take();
    assert!(minutes.as_u64().is_some_and(|minutes| minutes > 9));
    assert_eq!(
        report,
        json!({
            "role": "alice@contoso.example",
            "role_unknown": null,
            "kind": "user",
            "claims": {
                "upn": "alice@contoso.example",
                "unique_name": "alice@contoso.example",
                "name": "Alice Arden",
            },
            "object_id": Identity::Alice.oid(),
            "tenant": TENANT,
            "method": "azure-cli",
            "chosen_because": "no environment variable names another identity, and you are signed in to `az`",
            "minutes_left": null,
            "groups": ["Database Administrators", "Größe \"100%\" O'Brien", "Prod DB Readonly"],
            "groups_cut": false,
            "groups_unknown": null,
        })
    );
    let user = billing().args(["--whoami=json"]);
    let report: Value = serde_json::from_str(&told(&user).stdout).expect("JSON");
    assert_eq!(
        (&report["role"], &report["groups"]),
        (&Value::Null, &Value::Null)
    );
    assert!(report["role_unknown"].is_string() && report["groups_unknown"].is_string());
}

#[test]
fn only_what_says_how_to_sign_in_goes_with_it() {
    for (word, case) in [
        ("--group=x", "whoami/with_group"),
        ("--doctor", "whoami/with_doctor"),
        ("-cselect 1", "whoami/with_argument_of_psql"),
        ("--exec=x", "whoami/with_program"),
    ] {
        let ran = signed_in(Identity::Alice).args([word]).run();
        assert_eq!((ran.code, ran.az.len()), (Some(1), 0));
        ran.fails(case);
    }
    let words = ["--tenant", TENANT, "--fresh", "--timeout=20"];
    let user = signed_in(Identity::Alice).args(words);
    assert!(told(&user).stdout.contains("Prod DB Readonly"));
}
