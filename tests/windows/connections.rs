//! Signing in: the token reaches psql.exe whole, and the role as it is spelled.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use sandbox::directory::AWKWARD;
use sandbox::{Behaviour, Identity, TokenChanges};

use crate::support::{Test, VERSIONS, signed_in};
use crate::user::WHO;

pub const TESTS: &[Test] = &[
    ("signs_in_as_the_user", signs_in_as_the_user),
    ("signs_in_as_a_group", signs_in_as_a_group),
    ("names_arrive_as_they_are", names_arrive_as_they_are),
    ("a_long_token_arrives_whole", a_long_token_arrives_whole),
    (
        "a_token_is_remembered_and_fetched_once",
        a_token_is_remembered_and_fetched_once,
    ),
    (
        "a_host_that_proves_another_name_gets_no_token",
        a_host_that_proves_another_name_gets_no_token,
    ),
    (
        "a_proxy_serves_psql_by_a_port",
        a_proxy_serves_psql_by_a_port,
    ),
];

fn signs_in_as_the_user() {
    for version in VERSIONS {
        signed_in(version, Identity::Alice)
            .asks_who()
            .run()
            .is_signed_in("alice@contoso.example", "postgres", 1);
    }
}

fn signs_in_as_a_group() {
    for version in VERSIONS {
        signed_in(version, Identity::Alice)
            .args(["--group", "Prod DB Readonly", "-d", "app"])
            .asks_who()
            .run()
            .is_signed_in("Prod DB Readonly", "app", 1);
    }
}

/// What cmd.exe would expand, cut or quote, and letters beyond ASCII.
fn names_arrive_as_they_are() {
    let shouting = "%PATH% & \"x\" ^ (!OS!) | <y>";
    for role in [AWKWARD.name, shouting, "Lukasz Łęcki 東京"] {
        let user = signed_in("18", Identity::Alice);
        if role != AWKWARD.name {
            user.sandbox
                .superuser_sql(&format!(
                    "select pgaadauth_create_principal_with_oid('{role}', '{}', 'user', false, false) where not exists (select from pg_roles where rolname = '{role}')",
                    Identity::Alice.oid()
                ))
                .expect("a role");
        }
        user.var("PGCLIENTENCODING", "UTF8")
            .args(["--group", role])
            .asks_who()
            .run()
            .is_signed_in(role, "postgres", 1);
    }
}

fn a_long_token_arrives_whole() {
    let changes = TokenChanges::none().claim("filling", "x".repeat(5_000));
    let user = signed_in("16", Identity::Alice);
    let token = user.sandbox.issue(Identity::Alice, &changes);
    assert!(token.len() > 7_000, "{}", token.len());
    user.entra.behave(Behaviour::tokens(changes));
    user.asks_who()
        .run()
        .is_signed_in("alice@contoso.example", "postgres", 1);
}

fn a_token_is_remembered_and_fetched_once() {
    let user = signed_in("18", Identity::Alice).asks_who();
    std::thread::scope(|scope| {
        for run in [(); 3].map(|()| scope.spawn(|| user.run())) {
            let ran = run.join().expect("a run");
            assert_eq!(ran.stderr, "");
            assert_eq!(ran.stdout, "alice@contoso.example|t|postgres\n");
        }
    });
    user.run()
        .is_signed_in("alice@contoso.example", "postgres", 1);
    // az signs in anew, and its files change.
    let profile = user.home.path().join(".azure/azureProfile.json");
    let text = fs::read_to_string(&profile).expect("a profile");
    fs::write(profile, text + "\n").expect("a profile");
    user.run()
        .is_signed_in("alice@contoso.example", "postgres", 2);
}

fn a_host_that_proves_another_name_gets_no_token() {
    let ran = signed_in("18", Identity::Alice)
        .var("PGHOST", "other.postgres.database.azure.com")
        .asks_who()
        .run();
    assert!(
        ran.stderr.contains("does not match host name"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.code, Some(2));
}

/// A proxy that is killed if a test fails.
struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// psql.exe reaches the server by the printed line, and with no other password.
fn a_proxy_serves_psql_by_a_port() {
    for version in VERSIONS {
        let user = signed_in(version, Identity::Alice);
        let mut command = user.command_itself();
        command
            .arg("--proxy")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut proxy = Proxy(command.spawn().expect("a proxy"));
        let stdout = proxy.0.stdout.take().expect("its output");
        let mut conninfo = String::new();
        BufReader::new(stdout)
            .read_line(&mut conninfo)
            .expect("a line");
        let conninfo = conninfo.trim_end();
        assert!(conninfo.starts_with("host=127.0.0.1 port="), "{conninfo}");
        let ask = |conninfo: &str| {
            let account = user.account();
            let mut psql = account.waited_for(&account.psql.join("psql.exe"), user.variables());
            psql.args(["-XAt", "-w", "-c", WHO, conninfo]);
            user.ran(psql)
        };
        ask(conninfo).is_signed_in("alice@contoso.example", "postgres", 1);
        let (without_password, _) = conninfo.split_once(" passfile=").expect("a file");
        let refused = ask(&format!("{without_password} password=wrong"));
        assert!(
            refused.stderr.contains("the local password is wrong"),
            "{}",
            refused.stderr
        );
    }
}
