//! `--proxy`: each session of another program is signed in when it begins.

use std::process::Stdio;

use nix::sys::signal::Signal;
use sandbox::{Behaviour, Identity, TokenChanges};

use crate::page::blocks;
use crate::proxy_support::{ALICE, GROUP, Proxy, person, within};

const PAGE: &str = include_str!("../../docs/connections-that-outlive-the-token.md");

#[test]
fn psql_connects_by_the_string_as_it_is() {
    for listen in [
        "--proxy",
        "--proxy=0",
        "--proxy=[::1]:0",
        "--proxy=./sockets",
    ] {
        let user = person(Identity::Alice).args([listen]);
        let proxy = Proxy::start(&user);
        proxy.is_signed_in(&user, "", ALICE, "postgres");
        proxy.is_signed_in(&user, "dbname=app", ALICE, "app");
        proxy.is_signed_in(&user, &format!("user='{GROUP}'"), GROUP, "postgres");
        proxy.signal(Signal::SIGTERM);
        let (code, rest, said) = proxy.ended();
        assert_eq!(
            (code, rest.as_str(), said.as_str()),
            (Some(0), "", ""),
            "{listen}"
        );
        assert_eq!(user.az_calls().len(), 1, "{listen}");
    }
}

#[test]
fn the_systems_name_stands_for_the_role() {
    let user = person(Identity::Alice).args(["--proxy", "--group", GROUP, "-d", "app"]);
    let proxy = Proxy::start(&user);
    assert!(
        proxy
            .conninfo
            .contains(r"user=Prod\ DB\ Readonly dbname=app")
    );
    let name = platform_name();
    proxy.is_signed_in(&user, &format!("user={name} dbname={name}"), GROUP, "app");
    proxy.is_signed_in(
        &user,
        &format!("user={name} dbname=postgres"),
        GROUP,
        "postgres",
    );
}

fn platform_name() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid());
    user.expect("an answer").expect("an account").name
}

#[test]
fn a_token_that_has_expired_is_replaced_before_the_next_connection() {
    let user = person(Identity::Alice).args(["--proxy"]);
    // Enough time to connect, but less than the proxy requires.
    user.entra
        .behave(Behaviour::tokens(TokenChanges::none().expires_in(4)));
    let proxy = Proxy::start(&user);
    user.entra.behave(Behaviour::default());
    assert_eq!(user.az_calls().len(), 1);
    proxy.is_signed_in(&user, "", ALICE, "postgres");
    assert_eq!(user.az_calls().len(), 2);
    proxy.is_signed_in(&user, "", ALICE, "postgres");
    assert_eq!(user.az_calls().len(), 2);
}

#[test]
fn a_token_that_soon_expires_is_used_while_the_next_is_fetched() {
    let user = person(Identity::Alice).args(["--proxy"]);
    user.entra
        .behave(Behaviour::tokens(TokenChanges::none().expires_in(90)));
    let proxy = Proxy::start(&user);
    // az gets no answer now, and no connection waits for it.
    user.entra.behave(Behaviour::fault(sandbox::Fault::Silence));
    proxy.is_signed_in(&user, "", ALICE, "postgres");
    within("the next token to be asked for", || {
        user.az_calls().len() == 2
    });
    proxy.is_signed_in(&user, "", ALICE, "postgres");
    user.entra.behave(Behaviour::default());
    proxy.signal(Signal::SIGTERM);
    assert_eq!(proxy.ended().0, Some(0));
}

#[test]
fn who_signs_out_is_told_how_to_sign_in_and_then_served_again() {
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    proxy.is_signed_in(&user, "", ALICE, "postgres");
    let azure = user.home.path().join(".azure");
    let aside = user.home.path().join("azure-aside");
    std::fs::rename(&azure, &aside).expect("signed out");
    let mut shown = blocks(PAGE).into_iter().map(|block| block.text);
    let shown = shown.find(|text| text.starts_with("FATAL:"));
    let shown = shown.expect("the page shows it");
    within("the proxy to notice", || {
        let (_, said) = proxy.ask(&user, "", "select 1");
        said.ends_with(shown.trim_end())
    });
    std::fs::remove_dir_all(&azure).expect("what az made");
    std::fs::rename(&aside, &azure).expect("signed in");
    proxy.is_signed_in(&user, "", ALICE, "postgres");
}

#[test]
fn forty_at_once_are_one_fetch() {
    let user = person(Identity::Alice).args(["--proxy"]);
    user.entra
        .behave(Behaviour::tokens(TokenChanges::none().expires_in(4)));
    let proxy = Proxy::start(&user);
    user.entra.behave(Behaviour::default());
    let clients: Vec<_> = (0..40)
        .map(|_| {
            let mut psql = proxy.psql(&user, "");
            psql.args(["-c", "select 1"]).stdout(Stdio::piped());
            psql.spawn().expect("psql runs")
        })
        .collect();
    for client in clients {
        let output = client.wait_with_output().expect("its end");
        assert_eq!(output.stdout, b"1\n");
    }
    // One fetch at the start, and one for all connections.
    assert_eq!(user.az_calls().len(), 2);
}

#[test]
fn copies_go_both_ways() {
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let script = "create temp table t (a int, b text);
         \\copy t from program 'seq 1 200000 | sed \"s/$/\\tsome text that fills a row/\"'
         \\copy (select * from t order by a) to pstdout
         select count(*), sum(a) from t;\n";
    let file = user.home.path().join("script.sql");
    std::fs::write(&file, script).expect("a file");
    let output = proxy.psql(&user, "").arg("-qf").arg(&file).output();
    let output = output.expect("psql runs");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 200_001);
    assert_eq!(lines[199_999], "200000\tsome text that fills a row");
    assert_eq!(lines[200_000], "200000|20000100000");
}
