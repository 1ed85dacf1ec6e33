//! The beginning of the protocol, as clients other than psql may use it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use sandbox::Identity;

use crate::proxy_support::{ALICE, Proxy, is_at_server, person, within};
use crate::support::tell;

const TLS: u32 = 80_877_103;
const GSS: u32 = 80_877_104;
const CANCEL: u32 = 80_877_102;

fn packet(code: u32, rest: &[u8]) -> Vec<u8> {
    let length = u32::try_from(rest.len() + 8).expect("a short one");
    [&length.to_be_bytes(), &code.to_be_bytes(), rest].concat()
}

fn startup(version: u32, parameters: &str) -> Vec<u8> {
    packet(version, parameters.replace('|', "\0").as_bytes())
}

fn connected(proxy: &Proxy) -> UnixStream {
    let client = UnixStream::connect(proxy.socket()).expect("a connection");
    let limit = Some(Duration::from_secs(30));
    client.set_read_timeout(limit).expect("a limit");
    client
}

/// Reads one message: its type and its body.
fn message(client: &mut UnixStream) -> (u8, Vec<u8>) {
    let mut head = [0; 5];
    client.read_exact(&mut head).expect("a message");
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    let mut body = vec![0; usize::try_from(length).expect("a length") - 4];
    client.read_exact(&mut body).expect("a body");
    (head[0], body)
}

/// Reads messages until the server is ready, and returns them.
fn until_ready(client: &mut UnixStream) -> Vec<(u8, Vec<u8>)> {
    let mut messages = Vec::new();
    loop {
        messages.push(message(client));
        if messages[messages.len() - 1].0 == b'Z' {
            return messages;
        }
    }
}

/// Begins a session. Returns it, and what the server said until it was ready.
fn session(proxy: &Proxy) -> (UnixStream, Vec<(u8, Vec<u8>)>) {
    let mut client = connected(proxy);
    let sent = startup(3 << 16, &format!("user|{ALICE}|database|app||"));
    client.write_all(&sent).expect("sent");
    let messages = until_ready(&mut client);
    (client, messages)
}

fn query(sql: &str) -> Vec<u8> {
    let length = u32::try_from(sql.len() + 5).expect("a short one");
    [b"Q", &length.to_be_bytes()[..], sql.as_bytes(), b"\0"].concat()
}

#[test]
fn tls_and_gss_are_declined_as_often_as_they_are_asked_for() {
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let mut client = connected(&proxy);
    for code in [TLS, GSS, TLS, TLS, GSS] {
        client.write_all(&packet(code, b"")).expect("sent");
        let mut answer = [0];
        client.read_exact(&mut answer).expect("an answer");
        assert_eq!(answer, *b"N");
    }
    let sent = startup(3 << 16, &format!("user|{ALICE}|database|app||"));
    client.write_all(&sent).expect("sent");
    let messages = until_ready(&mut client);
    assert_eq!(messages[0], (b'R', vec![0, 0, 0, 0]));
    assert!(messages.iter().any(|(kind, _)| *kind == b'K'));
}

#[test]
fn a_version_that_the_server_does_not_have_is_negotiated_by_it() {
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let mut client = connected(&proxy);
    let parameters = format!("user|{ALICE}|database|app|_pq_.unheard_of|1||");
    client
        .write_all(&startup((3 << 16) + 9999, &parameters))
        .expect("sent");
    let messages = until_ready(&mut client);
    assert_eq!(messages[0].0, b'v');
    assert!(
        messages[0].1.ends_with(b"_pq_.unheard_of\0"),
        "{messages:?}"
    );
    assert_eq!(messages[1], (b'R', vec![0, 0, 0, 0]));
}

/// Servers from PostgreSQL 18 on know it, and give a longer key. Others negotiate 3.0.
#[test]
fn protocol_3_2_and_its_keys_are_the_servers() {
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let (version, _) = proxy.ask(&user, "", "show server_version_num");
    let is_new = version.parse::<u32>().expect("a number") >= 180_000;
    let mut client = connected(&proxy);
    let sent = startup((3 << 16) + 2, &format!("user|{ALICE}|database|app||"));
    client.write_all(&sent).expect("sent");
    let messages = until_ready(&mut client);
    let of_kind = |wanted| {
        let found = messages.iter().find(|(kind, _)| *kind == wanted);
        found.map(|(_, body)| body)
    };
    let key = of_kind(b'K').expect("a key");
    if is_new {
        assert_eq!(of_kind(b'v'), None);
        assert_eq!(key.len(), 36);
    } else {
        tell("a server older than PostgreSQL 18: protocol 3.2 was only negotiated down");
        let negotiated = of_kind(b'v').expect("a negotiation");
        assert_eq!(negotiated[..4], (3_u32 << 16).to_be_bytes());
        assert_eq!(key.len(), 8);
    }
    let slow = query("select pg_sleep(100)");
    client.write_all(&slow).expect("sent");
    let pid = u32::from_be_bytes(*key.first_chunk().expect("a process id"));
    let sleeps = format!(
        "select count(*) from pg_stat_activity where pid = {pid} and wait_event = 'PgSleep'"
    );
    within("the query to run", || {
        let rows = user.sandbox.superuser_sql(&sleeps).expect("rows");
        rows[0][0].as_deref() == Some("1")
    });
    let mut cancel = connected(&proxy);
    cancel.write_all(&packet(CANCEL, key)).expect("sent");
    assert_eq!(cancel.read(&mut [0]).expect("an end"), 0);
    let messages = until_ready(&mut client);
    let mut errors = messages.iter().filter(|(kind, _)| *kind == b'E');
    let (_, error) = errors.next().expect("an error");
    let error = String::from_utf8_lossy(error);
    assert!(error.contains("C57014\0"), "{error}");
}

#[test]
fn a_client_that_stops_reading_keeps_nobody_waiting_and_fills_no_memory() {
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let (mut client, messages) = session(&proxy);
    let key = messages.iter().find(|(kind, _)| *kind == b'K');
    let pid = key.and_then(|(_, key)| key.first_chunk()).expect("a key");
    let pid = u32::from_be_bytes(*pid).to_string();
    // 500 MB.
    let sql = query("select repeat('x', 1000) from generate_series(1, 500000)");
    client.write_all(&sql).expect("sent");
    let waits = format!(
        "select count(*) from pg_stat_activity where pid = {pid} and wait_event = 'ClientWrite'"
    );
    within("the server to wait for the client", || {
        let rows = user.sandbox.superuser_sql(&waits).expect("rows");
        rows[0][0].as_deref() == Some("1")
    });
    for _ in 0..4 {
        proxy.is_signed_in(&user, "", ALICE, "postgres");
    }
    let status = fs::read_to_string(format!("/proc/{}/status", proxy.pid())).expect("its status");
    let peak = status.lines().find(|line| line.starts_with("VmHWM:"));
    let peak = peak.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    assert!(peak.is_some_and(|kib: u32| kib < 64 * 1024), "{peak:?} KiB");
    drop(client);
    within("the session to end", || !is_at_server(&pid));
}

#[test]
fn a_client_that_has_said_all_still_gets_its_answer() {
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let (mut client, _) = session(&proxy);
    let sql = query("select generate_series(1, 100000)");
    client.write_all(&sql).expect("sent");
    client.shutdown(Shutdown::Write).expect("shut");
    let messages = until_ready(&mut client);
    let rows = messages.iter().filter(|(kind, _)| *kind == b'D').count();
    assert_eq!(rows, 100_000);
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).expect("an end");
    assert_eq!(rest, b"");
}

#[test]
fn a_cancel_request_may_follow_a_request_for_tls_and_is_answered_by_the_end() {
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let mut client = connected(&proxy);
    client.write_all(&packet(TLS, b"")).expect("sent");
    let mut answer = [0];
    client.read_exact(&mut answer).expect("an answer");
    // It is for a session that doesn't exist, with a key of protocol 3.2's length.
    client.write_all(&packet(CANCEL, &[1; 36])).expect("sent");
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).expect("an end");
    assert_eq!(rest, b"");
    assert_eq!(proxy.said(), "");
}

#[test]
fn nonsense_is_answered_with_an_error() {
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    for bytes in [
        packet(2 << 16, b""),
        packet(0, b""),
        vec![0; 8],
        vec![0xff; 100],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
    ] {
        let mut client = connected(&proxy);
        client.write_all(&bytes).expect("sent");
        let (kind, body) = message(&mut client);
        assert_eq!(kind, b'E', "{bytes:?}");
        assert!(
            String::from_utf8_lossy(&body).contains("C08P01\0"),
            "{bytes:?}"
        );
    }
    proxy.is_signed_in(&user, "", ALICE, "postgres");
}
