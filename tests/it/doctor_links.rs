//! `--doctor`, with one link broken at a time: that link is reported, with its remedy, and what needs
//! it is not tried.

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use sandbox::directory::AUDITORS;
use sandbox::{Behaviour, Fault, Gateway, Identity, Manner, Refusal, Sandbox, TokenChanges};

use crate::az_failures::recorded::ends_soon;
use crate::doctor::{HOST, alice, examined};
use crate::identities::{nobody, ready, with_secret};
use crate::support::{ClosedPort, User, heeding_signals};

/// Returns a user with a good token who does not need az.
fn holder() -> User {
    ready(&TokenChanges::none()).0
}

/// Returns the same user in front of another server.
fn before(manner: Manner) -> (User, Gateway) {
    let server = Sandbox::shared().new_gateway(manner).expect("a server");
    (holder().var("PGPORT", server.port().to_string()), server)
}

#[test]
fn psql_is_missing_or_does_not_run() {
    examined(holder().args(["--psql", "/nowhere/psql"]))
        .is_broken_at(&["psql"])
        .matches("doctor/psql_missing");
    let user = holder();
    user.program("psql", "#!/bin/sh\necho 'no library' >&2\nexit 1\n");
    examined(user)
        .is_broken_at(&["psql"])
        .matches("doctor/psql_does_not_run");
}

#[test]
fn az_is_missing_or_signed_out() {
    let without_az = || {
        let user = alice();
        user.remove_program("az");
        user
    };
    examined(without_az())
        .is_broken_at(&["decision"])
        .matches("doctor/nothing_gets_a_token");
    examined(without_az().args(["--auth", "azure-cli"]))
        .is_broken_at(&["az"])
        .matches("doctor/az_missing");
    let user = alice();
    std::fs::remove_file(user.home.path().join(".azure/azureProfile.json")).expect("a sign-out");
    examined(user)
        .is_broken_at(&["az"])
        .matches("doctor/az_signed_out");
}

#[test]
fn entra_refuses() {
    let user = alice().args(["--group", "Prod DB Readonly"]);
    user.entra
        .behave(Behaviour::fault(Fault::Refuse(Refusal::ForeignUser)));
    examined(user)
        .is_broken_at(&["token"])
        .matches("doctor/az_refused");
    let user = with_secret();
    user.entra
        .behave(Behaviour::fault(Fault::Refuse(Refusal::SecretExpired)));
    examined(user)
        .is_broken_at(&["token"])
        .matches("doctor/secret_expired");
}

#[test]
fn az_is_in_another_cloud() {
    let user = alice().args(["--cloud", "AzureChinaCloud"]);
    examined(user)
        .is_broken_at(&["token"])
        .has("warn", &["az"])
        .matches("doctor/az_in_another_cloud");
}

/// A label of 64 letters is too long for the DNS, so no server is ever asked for it.
#[test]
fn a_name_that_does_not_resolve() {
    let name = format!("{}.postgres.database.azure.com", "x".repeat(64));
    examined(holder().without("PGHOSTADDR").var("PGHOST", &name))
        .is_broken_at(&["name"])
        .matches("doctor/name_not_resolved");
    let authority = format!("https://{}.example", "x".repeat(64));
    let user = with_secret()
        .without("HTTPS_PROXY")
        .var("AZURE_AUTHORITY_HOST", authority);
    examined(user)
        .is_broken_at(&["authority", "token"])
        .matches("doctor/entra_not_resolved");
}

#[test]
fn a_proxy_that_is_not_there() {
    let port = ClosedPort::new();
    let proxy = format!("http://me:do-not-tell@127.0.0.1:{}", port.number());
    let found = examined(with_secret().var("HTTPS_PROXY", proxy));
    found
        .is_broken_at(&["authority", "token"])
        .matches("doctor/proxy_not_there");
    assert!(!found.ran.stdout.contains("do-not-tell"), "{found}");
}

#[test]
fn a_port_that_is_closed_or_none() {
    let port = ClosedPort::new();
    examined(holder().var("PGPORT", port.number().to_string()))
        .is_broken_at(&["port"])
        .matches("doctor/port_closed");
    examined(holder().var("PGPORT", "many"))
        .is_broken_at(&["port"])
        .matches("doctor/port_not_a_number");
}

/// libpq goes on to the next host, so a launch works.
#[test]
fn one_of_two_servers_is_enough() {
    let closed = ClosedPort::new();
    let ports = format!("{},{}", closed.number(), Sandbox::shared().port());
    let user = holder()
        .var("PGHOST", format!("{HOST},{HOST}"))
        .var("PGHOSTADDR", "127.0.0.1,127.0.0.1")
        .var("PGPORT", ports)
        .args(["--doctor"]);
    let ran = user.run();
    let words: Vec<(&str, &str)> = ran
        .stdout
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(status, rest)| (status, rest.split_whitespace().next().unwrap_or_default()))
        .filter(|(_, link)| ["name", "port", "tls", "sign-in"].contains(link))
        .collect();
    let of_servers = [
        ("ok", "name"),
        ("warn", "port"),
        ("skip", "tls"),
        ("ok", "name"),
        ("ok", "port"),
        ("ok", "tls"),
        ("ok", "sign-in"),
    ];
    assert_eq!(words, of_servers, "{}", ran.stdout);
    assert_eq!(ran.code, Some(0));
}

#[test]
fn a_server_that_does_not_prove_its_name() {
    for (manner, case) in [
        (Manner::Unencrypted, "doctor/server_without_tls"),
        (Manner::WrongName, "doctor/server_of_another_name"),
        (Manner::Expired, "doctor/server_certificate_expired"),
        (
            Manner::UnknownAuthority,
            "doctor/server_of_unknown_authority",
        ),
    ] {
        let (user, server) = before(manner);
        examined(user).is_broken_at(&["tls"]).matches(case);
        assert_eq!(server.sessions(), [], "{manner:?}");
    }
    examined(holder().var("PGSSLROOTCERT", "/nowhere/root.crt"))
        .is_broken_at(&["tls"])
        .matches("doctor/roots_unreadable");
}

/// If a person chose a weaker check, that is a warning and no more.
#[test]
fn weaker_modes_are_looked_at_as_they_are() {
    let (user, _server) = before(Manner::WrongName);
    examined(user.var("PGSSLMODE", "verify-ca"))
        .works()
        .has("warn", &[]);
    let (user, _server) = before(Manner::UnknownAuthority);
    examined(user.var("PGSSLMODE", "require").without("PGSSLROOTCERT"))
        .works()
        .has("warn", &["tls"])
        .matches("doctor/server_not_checked");
}

#[test]
fn a_decision_that_refuses() {
    for (user, case) in [
        (
            holder().var("PGSSLMODE", "disable"),
            "doctor/refused_by_sslmode",
        ),
        (holder().var("PGHOST", "/tmp"), "doctor/refused_at_a_socket"),
        (
            holder().var("ENTRA_PSQL_TIMEOUT", "soon"),
            "doctor/wrong_usage",
        ),
        (
            holder().args(["--doctor=json", "--nonsense"]),
            "doctor/words_that_psql_does_not_take",
        ),
        (
            holder().args(["sslmode=never"]),
            "doctor/words_that_libpq_refuses",
        ),
    ] {
        examined(user).is_broken_at(&["decision"]).matches(case);
    }
}

#[test]
fn a_password_keeps_a_token_away() {
    let alice = || alice().args(["-U", "alice@contoso.example"]);
    let service = "[s]\npassword=hunter2\n";
    let line = "*:*:*:*:hunter2\n";
    for (user, case) in [
        (
            alice().var("PGPASSWORD", "hunter2"),
            "doctor/password_in_variable",
        ),
        (
            alice().args(["-d", "password=hunter2"]),
            "doctor/password_in_string",
        ),
        (alice().file(".pgpass", line), "doctor/password_in_file"),
        (
            alice().file("other", line).var("PGPASSFILE", "other"),
            "doctor/password_in_named_file",
        ),
        (
            alice()
                .file(".pg_service.conf", service)
                .var("PGSERVICE", "s"),
            "doctor/password_in_service",
        ),
    ] {
        examined(user)
            .is_broken_at(&["sign-in"])
            .has("warn", &["decision"])
            .matches(case);
    }
    // If you forbid a token, its absence is no surprise.
    for user in [
        alice().args(["--no-entra"]),
        alice().var("ENTRA_PSQL_NO_ENTRA", "1"),
    ] {
        examined(user.var("PGPASSWORD", "hunter2"))
            .is_broken_at(&["sign-in"])
            .has("warn", &[]);
    }
}

/// A launch refuses it, so the doctor does.
#[test]
fn a_service_that_weakens_later_connections() {
    let services = "[a]\ndbname=postgres\n\n[b]\nsslmode=prefer\n";
    let user = holder()
        .file(".pg_service.conf", services)
        .var("PGSERVICE", "b")
        .args(["service=a"]);
    examined(user)
        .is_broken_at(&["decision"])
        .matches("doctor/refused_by_service");
}

#[test]
fn a_ready_token_that_is_of_no_use() {
    for (changes, case) in [
        (
            TokenChanges::none().expires_in(-60),
            "doctor/ready_token_expired",
        ),
        (
            TokenChanges::none().audience("https://vault.azure.net"),
            "doctor/ready_token_for_something_else",
        ),
    ] {
        examined(ready(&changes).0)
            .is_broken_at(&["token"])
            .matches(case);
    }
    examined(ready(&TokenChanges::none().expires_in(60)).0)
        .works()
        .has("warn", &["token"])
        .matches("doctor/token_expires_soon");
}

#[test]
fn a_group_that_one_is_not_in_or_that_is_spelled_otherwise() {
    examined(alice().args(["--group", AUDITORS.name]))
        .is_broken_at(&["group", "sign-in"])
        .matches("doctor/not_a_member");
    examined(alice().args(["--group", "prod db readonly"]))
        .is_broken_at(&["group", "sign-in"])
        .matches("doctor/group_in_another_case");
}

#[test]
fn who_is_not_signed_in_at_all_hears_of_it() {
    examined(nobody())
        .is_broken_at(&["az"])
        .matches("doctor/nobody_signed_in");
    let user = User::signed_in(Identity::BillingService).var("PGHOST", HOST);
    examined(user).works().matches("doctor/application_in_az");
}

/// Several programs run at once, and each is the root of its own tree.
#[test]
fn a_ctrl_c_ends_everything_that_runs() {
    let user = alice().args(["--doctor"]);
    let hanging = |name: &str| {
        let child = user.home.path().join(format!("{name}-child"));
        let child = child.display();
        user.program(
            name,
            &format!(
                "#!/bin/sh\nsleep 600 & echo $! > '{child}.new'; mv '{child}.new' '{child}'\nwait\n"
            ),
        );
    };
    hanging("az");
    hanging("psql");
    let mut doctor = heeding_signals(user.command())
        .stdout(Stdio::null())
        .spawn()
        .expect("a doctor");
    let children: Vec<String> = ["az", "psql"]
        .map(|name| user.home.path().join(format!("{name}-child")))
        .iter()
        .map(|file| {
            loop {
                if let Ok(child) = std::fs::read_to_string(file) {
                    break child;
                }
                let ended = doctor.try_wait().expect("its state");
                assert_eq!(ended, None, "it ended by itself");
                thread::sleep(Duration::from_millis(5));
            }
        })
        .collect();
    let process = nix::unistd::Pid::from_raw(doctor.id().cast_signed());
    nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGINT).expect("a signal");
    let status = doctor.wait().expect("its end");
    assert_eq!(ExitStatusExt::signal(&status), Some(2));
    // The groups got SIGKILL before it ended, and are gone soon after.
    for child in children {
        ends_soon(&child);
    }
}
