//! The listener that a browser comes back to hears the browser of this sign-in, and nobody else.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::interactive::{ALICE, Waiting, grants, person};

/// Whether an answer has this status, and a page without anything in it that runs or is loaded.
#[track_caller]
fn is_refused(answer: &str, status: &str) {
    let head = format!("HTTP/1.1 {status} ");
    assert!(answer.starts_with(&head), "{answer:?} is no {status}");
    for header in [
        "Content-Security-Policy: default-src 'none'\r\n",
        "Referrer-Policy: no-referrer\r\n",
        "Cache-Control: no-store\r\n",
    ] {
        assert!(answer.contains(header), "{answer:?}");
    }
    assert!(!answer.contains("<script"), "{answer:?}");
}

#[test]
fn strangers_are_refused_and_the_person_still_signs_in() {
    let user = person("browser");
    let waiting = Waiting::of(&user);
    let (port, state) = (waiting.port(), waiting.parameter("state"));
    let good = format!("/?code=stolen&state={state}");
    let with_host = |host: &str| {
        waiting.send(format!("GET {good} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes())
    };
    for host in ["evil.example", &format!("evil.example:{port}"), "localhost"] {
        is_refused(&with_host(host), "421");
    }
    is_refused(
        &with_host(&format!("localhost:{port}\r\nHost: evil")),
        "421",
    );
    is_refused(&waiting.get("/?code=stolen&state=guessed"), "400");
    is_refused(&waiting.get("/?code=stolen"), "400");
    is_refused(&waiting.get("/?error=access_denied&state=guessed"), "400");
    is_refused(&waiting.get("/favicon.ico"), "404");
    is_refused(&waiting.get(&format!("/other{good}")), "404");
    let form = format!(
        "POST {good} HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: 6\r\n\r\ncode=x"
    );
    is_refused(&waiting.send(form.as_bytes()), "405");
    is_refused(&waiting.send(b"\x16\x03\x01\x02\x00\x01"), "400");
    is_refused(&waiting.send(b"hello\r\n\r\n"), "400");
    is_refused(&waiting.send(b""), "400");
    waiting.follow(&user);
    assert_eq!(waiting.ended().stdout, ALICE);
    assert_eq!(grants(&user), ["authorization_code"]);
}

#[test]
fn a_head_that_does_not_end_is_cut_off() {
    let user = person("browser");
    let waiting = Waiting::of(&user);
    let mut stream = waiting.connect();
    stream.write_all(b"GET / HTTP/1.1\r\n").expect("a line");
    // More than it takes, or than the system would hold for it.
    let line = [b"x: ".as_slice(), &[b'y'; 1000], b"\r\n"].concat();
    let sent = (0..100_000).take_while(|_| stream.write_all(&line).is_ok());
    assert!(sent.count() < 100_000);
    let mut answer = Vec::new();
    // What was sent and not read may have the system break the connection off.
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    waiting.follow(&user);
    assert_eq!(waiting.ended().stdout, ALICE);
}

#[test]
fn connections_that_say_nothing_are_in_nobodys_way() {
    let user = person("browser");
    let waiting = Waiting::of(&user);
    let idle: Vec<TcpStream> = (0..10).map(|_| waiting.connect()).collect();
    waiting.follow(&user);
    assert_eq!(waiting.ended().stdout, ALICE);
    drop(idle);
}

#[test]
fn a_code_is_taken_once_and_the_listener_is_gone() {
    let user = person("browser").args(["-c", "select pg_sleep(2)"]);
    let waiting = Waiting::of(&user);
    waiting.follow(&user);
    let port = waiting.port();
    // The browser has its page, and so the listener its code.
    let refused = TcpStream::connect(("127.0.0.1", port));
    assert!(refused.is_err());
    assert!(waiting.ended().stdout.starts_with(ALICE));
    assert_eq!(grants(&user), ["authorization_code"]);
}

#[test]
fn somebody_elses_code_is_of_no_use() {
    let user = person("browser");
    let waiting = Waiting::of(&user);
    waiting.follow(&user);
    assert_eq!(waiting.ended().stdout, ALICE);
    let code = user.entra.token_requests()[0]
        .parameter("code")
        .expect("a code")
        .to_owned();
    let user = user.args(["--fresh"]).without_sign_ins();
    let victim = Waiting::of(&user);
    let answer = victim.get(&format!(
        "/?code={code}&state={}",
        victim.parameter("state")
    ));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    victim.ended().matches("interactive/code_of_another");
}
