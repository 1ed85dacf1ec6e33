//! `--whoami` reports who a token is for, and the groups that the real az gets from Graph.

use std::fs;

use sandbox::directory::{AUDITORS, TENANT};
use sandbox::{Behaviour, Fault, GroupList, Identity, Refusal};
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
        .args(["--whoami"])
}

/// Runs it. The report has no secret, and always the same time left.
#[track_caller]
fn told(user: &User) -> Ran {
    let mut ran = user.run();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for unwanted in ["eyJ", secret()] {
        assert!(!ran.stdout.contains(unwanted), "{}", ran.stdout);
    }
    let lines = ran.stdout.lines().map(|line| {
        let minutes = line.strip_prefix("token      ");
        let minutes = minutes.and_then(|rest| rest.strip_suffix(" minutes left"));
        match minutes {
            Some(count) => {
                let count: u64 = count.parse().expect("a number");
                assert!((1..=90).contains(&count), "{count}");
                "token      N minutes left\n".to_owned()
            }
            None => format!("{line}\n"),
        }
    });
    ran.stdout = lines.collect();
    ran
}

fn kept(user: &User) -> Option<String> {
    fs::read_to_string(directory(user).join("groups.txt")).ok()
}

#[test]
fn a_user_with_groups_on_several_pages() {
    let user = signed_in(Identity::Alice);
    told(&user).matches("whoami/user");
    assert_eq!(
        kept(&user).as_deref(),
        Some("Database Administrators\nGröße \"100%\" O'Brien\nProd DB Readonly\n")
    );
    let pages = user.entra.requests();
    let pages = pages
        .iter()
        .filter(|request| request.path.ends_with("/microsoft.graph.group"));
    assert_eq!(pages.count(), 2);
    assert_eq!(user.az_calls().len(), 3, "{:?}", user.az_calls());
    assert!(user.args(["--sign-out"]).run().code == Some(1));
}

#[test]
fn signing_out_removes_the_groups() {
    let user = User::signed_in(Identity::Alice);
    fs::create_dir_all(directory(&user)).expect("a directory");
    let user = user.args(["--whoami"]);
    told(&user);
    assert!(kept(&user).is_some());
    user.without_arguments().args(["--sign-out"]).run();
}

#[test]
fn a_guest_is_looked_up() {
    told(&signed_in(Identity::Bob)).matches("whoami/guest");
}

#[test]
fn someone_in_no_group() {
    let user = signed_in(Identity::Carol);
    told(&user).matches("whoami/in_no_group");
    assert_eq!(kept(&user).as_deref(), Some(""));
}

#[test]
fn applications_have_no_groups_to_list() {
    let user = signed_in(Identity::BillingService);
    told(&user).matches("whoami/service_principal_of_az");
    assert_eq!(kept(&user), None);
    told(&billing()).matches("whoami/service_principal");
}
