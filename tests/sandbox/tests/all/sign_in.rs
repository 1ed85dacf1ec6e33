//! psql signs in with tokens.

use std::process::{Command, Stdio};

use sandbox::{
    Identity, Manner, TokenChanges,
    directory::{AUDITORS, AWKWARD, DATABASE_ADMINISTRATORS, PROD_DB_READONLY},
};

use crate::support::{answer, complaint, psql, psql_at, sandbox};

const WHO: &str = "SELECT current_user";

fn token(identity: Identity) -> String {
    sandbox().issue(identity, &TokenChanges::none())
}

#[test]
fn every_mapped_identity_signs_in_as_itself() {
    for identity in Identity::ALL
        .into_iter()
        .filter(|identity| *identity != Identity::Carol)
    {
        assert_eq!(
            answer(psql(identity.name(), &token(identity)).args(["-c", WHO])),
            identity.name()
        );
    }
}

#[test]
fn members_sign_in_as_their_group() {
    for (group, identity) in [
        (PROD_DB_READONLY, Identity::Alice),
        (AWKWARD, Identity::Alice),
        (AWKWARD, Identity::OrdersIdentity),
        (DATABASE_ADMINISTRATORS, Identity::Alice),
        (AUDITORS, Identity::Bob),
        (AUDITORS, Identity::BillingService),
    ] {
        assert_eq!(
            answer(psql(group.name, &token(identity)).args(["-c", WHO])),
            group.name
        );
    }
}

#[test]
fn sessions_are_recorded() {
    let sandbox = sandbox();
    let gateway = sandbox.new_gateway(Manner::Genuine).unwrap();
    answer(
        psql_at(&gateway, PROD_DB_READONLY.name, &token(Identity::Alice))
            .args(["-d", "app", "-c", WHO]),
    );
    complaint(
        psql_at(&gateway, AUDITORS.name, &token(Identity::Alice)).args(["-c", WHO]),
        2,
    );
    let sessions = gateway.sessions();
    let [good, bad] = sessions.as_slice() else {
        panic!("{sessions:?}")
    };
    assert_eq!(
        (good.user.as_str(), good.database.as_str()),
        ("Prod DB Readonly", "app")
    );
    assert!(good.encrypted);
    assert_eq!(good.refusal, None);
    assert_eq!(
        bad.refusal.as_deref(),
        Some("password authentication failed for user \"Auditors\"")
    );
}

#[test]
fn long_tokens_pass() {
    let long =
        TokenChanges::none().claim("groups", vec!["9b0d0000-1a2b-4c3d-8e4f-5a6b7c8d0301"; 150]);
    let token = sandbox().issue(Identity::Alice, &long);
    assert!(token.len() > 6_900, "{}", token.len());
    assert_eq!(
        answer(psql(Identity::Alice.name(), &token).args(["-c", WHO])),
        Identity::Alice.name()
    );
}

#[test]
fn ctrl_c_cancels_a_query_through_the_gateway() {
    let mut command = psql(Identity::Alice.name(), &token(Identity::Alice));
    command.args(["-c", "SELECT 'sleeping'", "-c", "SELECT pg_sleep(600)"]);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)' AND state = 'active'";
    while sandbox().superuser_sql(sleeping).unwrap()[0][0].as_deref() == Some("0") {
        std::thread::yield_now();
    }
    assert!(
        Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("canceling statement due to user request"),
        "{stderr}"
    );
}

#[test]
fn the_same_server_is_an_ordinary_one_beside_the_gateway() {
    let sandbox = sandbox();
    let ordinary = |host: &str, password: &str| {
        let mut command = psql(sandbox.local_role(), password);
        command
            .env_remove("PGHOSTADDR")
            .env("PGHOST", host)
            .env("PGPORT", sandbox.tcp_port().to_string());
        command.env("PGSSLMODE", "disable").args(["-c", WHO]);
        command
    };
    assert_eq!(
        answer(&mut ordinary("127.0.0.1", sandbox.local_password())),
        sandbox.local_role()
    );
    let refused = complaint(&mut ordinary("127.0.0.1", "wrong"), 2);
    assert!(
        refused.contains("password authentication failed"),
        "{refused}"
    );
    assert_eq!(
        answer(&mut ordinary(sandbox.socket_dir().to_str().unwrap(), "")),
        sandbox.local_role()
    );
}
