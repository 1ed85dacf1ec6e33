//! How `--doctor` uses its time: it prints each line as soon as it is known, gives a slow link the
//! time that a launch would, and gives up on a silent one.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use regex::Regex;
use rexpect::session::spawn_command;
use sandbox::{Behaviour, Fault, Manner, Sandbox, TokenChanges};

use crate::az_failures::recorded::ends_soon;
use crate::doctor::{alice, examined};
use crate::identities::{ready, with_secret};
use crate::support::{User, heeding_signals, text};

/// A relay in front of the sandbox's server. It passes nothing on until it is released.
struct Slow {
    port: u16,
    release: Sender<()>,
}

impl Slow {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (release, released) = channel();
        // The thread ends with the test program.
        thread::spawn(move || {
            let mut is_held = true;
            for client in listener.incoming() {
                if std::mem::take(&mut is_held) && released.recv().is_err() {
                    return;
                }
                let Ok(client) = client else { return };
                let server = TcpStream::connect(("127.0.0.1", Sandbox::shared().port()));
                let server = server.expect("the server");
                let ends = (client.try_clone(), server.try_clone());
                let (Ok(client_too), Ok(server_too)) = ends else {
                    return;
                };
                pass_on(client, server);
                pass_on(server_too, client_too);
            }
        });
        Self { port, release }
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        // If one connection ends, the other does.
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
}

/// Starts the doctor for `user`, and returns its report, to read while it is written.
fn begun(user: &User) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut doctor = heeding_signals(user.command())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a doctor");
    let lines = BufReader::new(doctor.stdout.take().expect("a pipe"));
    (doctor, lines)
}

/// The server answers after four seconds. The lines above it are there before it answers, and then
/// all is well.
#[test]
fn lines_come_as_they_are_known_and_slow_is_not_broken() {
    let slow = Slow::start();
    let (user, _) = ready(&TokenChanges::none());
    let user = user
        .var("PGPORT", slow.port.to_string())
        .args_in_front(["--doctor"]);
    let (mut doctor, mut lines) = begun(&user);
    let mut known = String::new();
    for link in ["version", "psql", "az", "decision", "name", "port"] {
        let before = known.len();
        lines.read_line(&mut known).expect("a line");
        let line = text(&known.as_bytes()[before..]);
        assert_eq!(line.split_whitespace().nth(1), Some(link), "{known}");
    }
    // The server has got the request for TLS, and does not answer.
    thread::sleep(Duration::from_secs(4));
    slow.release.send(()).expect("a release");
    let mut rest = String::new();
    lines.read_to_string(&mut rest).expect("the rest");
    assert!(rest.starts_with("ok    tls "), "{known}{rest}");
    assert!(rest.trim_end().ends_with("\nsigning in works"), "{rest}");
    assert_eq!(doctor.wait().expect("its end").code(), Some(0));
    let mut stderr = String::new();
    let told = doctor.stderr.take().expect("a pipe");
    BufReader::new(told)
        .read_to_string(&mut stderr)
        .expect("text");
    assert_eq!(stderr, "");
}

/// Only the word that classifies a line has a colour, and only at a terminal.
#[test]
fn colour_is_for_terminals() {
    let user = || {
        ready(&TokenChanges::none())
            .0
            .args_in_front(["--doctor"])
            .var("TERM", "xterm")
    };
    let at_terminal = |user: User| {
        let mut terminal = spawn_command(user.command(), Some(60_000)).expect("a terminal");
        terminal.exp_eof().expect("the end").replace("\r\n", "\n")
    };
    let escape = Regex::new("\u{1b}\\[[0-9;]*m").expect("a pattern");
    let coloured = |shown: &str| {
        let good = shown.matches("\u{1b}[1m\u{1b}[32mok  \u{1b}[0m  ").count();
        assert_eq!(good, 9, "{shown:?}");
        assert_eq!(escape.find_iter(shown).count(), 3 * good, "{shown:?}");
        assert!(
            escape
                .replace_all(shown, "")
                .contains("\nok    psql       ")
        );
        assert!(shown.contains("\nskip  az "), "{shown:?}");
    };
    coloured(&at_terminal(user()));
    coloured(&user().var("CLICOLOR_FORCE", "1").run().stdout);
    for plain in [
        at_terminal(user().var("NO_COLOR", "1")),
        at_terminal(user().var("TERM", "dumb")),
        user().run().stdout,
    ] {
        assert!(plain.starts_with("ok    version    "), "{plain:?}");
        assert!(!plain.contains('\u{1b}'), "{plain:?}");
    }
    let json = ready(&TokenChanges::none())
        .0
        .args_in_front(["--doctor=json"])
        .var("CLICOLOR_FORCE", "1")
        .run();
    assert!(!json.stdout.contains('\u{1b}'), "{json:?}");
}

#[test]
fn a_slow_entra_is_not_broken() {
    let user = alice();
    user.entra.behave(Behaviour::slow(Duration::from_secs(10)));
    examined(user).works().has("warn", &[]);
}

/// `--timeout` limits the sign-in, as in a launch, and not the server.
#[test]
fn silence_ends_in_time() {
    let server = Sandbox::shared()
        .new_gateway(Manner::Silent)
        .expect("a server");
    let user = with_secret()
        .var("PGPORT", server.port().to_string())
        .args(["--timeout", "1"]);
    user.entra.behave(Behaviour::fault(Fault::Silence));
    let start = Instant::now();
    examined(user)
        .is_broken_at(&["tls", "token"])
        .matches("doctor/silence");
    assert!(
        start.elapsed() < Duration::from_secs(45),
        "{:?}",
        start.elapsed()
    );
}

/// With `| head -1`, what the doctor started ends with it.
#[test]
fn a_reader_that_leaves_ends_everything_that_runs() {
    let user = alice().args_in_front(["--doctor"]);
    let home = user.home.path().to_owned();
    let (child, go) = (home.join("child"), home.join("go"));
    user.program(
        "az",
        &format!(
            "#!/bin/sh\nsleep 600 & echo $! > '{0}.new'; mv '{0}.new' '{0}'\nwait\n",
            child.display()
        ),
    );
    user.program(
        "psql",
        &format!(
            "#!/bin/sh\nwhile ! [ -e '{}' ]; do sleep 0.01; done\n",
            go.display()
        ),
    );
    let (mut doctor, mut lines) = begun(&user);
    let mut first = String::new();
    lines.read_line(&mut first).expect("a line");
    drop(lines);
    let child = loop {
        match fs::read_to_string(&child) {
            Ok(child) => break child,
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    };
    fs::write(go, "").expect("a file");
    doctor.wait().expect("its end");
    ends_soon(&child);
}
