//! `--proxy` where there are too many clients, and where it is told to end.

use std::io::Read as _;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use sandbox::Identity;

use crate::proxy_support::{ALICE, Proxy, is_at_server, line, person, talking, within};
use crate::support::in_shell;

#[test]
fn a_thousand_silent_clients_keep_nobody_out() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};

    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("raised");
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let silent: Vec<_> = (0..1000)
        .map(|_| UnixStream::connect(proxy.socket()).expect("a connection"))
        .collect();
    proxy.is_signed_in(&user, "", ALICE, "postgres");
    proxy.signal(Signal::SIGTERM);
    // They don't keep it from ending either.
    let began = Instant::now();
    assert_eq!(proxy.ended().0, Some(0));
    assert!(began.elapsed() < Duration::from_secs(20));
    drop(silent);
}

#[test]
fn where_files_are_few_clients_hear_it_and_others_take_their_place() {
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start_with(in_shell(&user, "ulimit -n 88; exec \"$@\""));
    // 24 files: 6 silent clients, and 9 sessions.
    let mut silent: Vec<_> = (0..20)
        .map(|_| UnixStream::connect(proxy.socket()).expect("a connection"))
        .collect();
    let mut said = Vec::new();
    silent[0].read_to_end(&mut said).expect("an end");
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("C53300\0"), "{said}");
    let mut sessions: Vec<_> = (0..9)
        .map(|_| {
            let mut psql = talking(&proxy, &user);
            assert_eq!(line(&mut psql, "select 1;"), "1");
            psql
        })
        .collect();
    let (_, said) = proxy.ask(&user, "", "select 1");
    assert!(
        said.contains("FATAL:  entra-psql: 9 connections are open"),
        "{said}"
    );
    let mut last = sessions.pop().expect("a session");
    last.kill().expect("it is there");
    last.wait().expect("its end");
    within("a place", || proxy.ask(&user, "", "select 1").0 == "1");
    for mut session in sessions {
        session.kill().expect("it is there");
        session.wait().expect("its end");
    }
}

#[test]
fn open_sessions_may_finish_and_new_ones_do_not_begin() {
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let mut psql = talking(&proxy, &user);
    assert_eq!(line(&mut psql, "select 1;"), "1");
    let socket = proxy.socket();
    proxy.signal(Signal::SIGTERM);
    within("the socket to go", || !socket.exists());
    assert!(UnixStream::connect(&socket).is_err());
    assert_eq!(line(&mut psql, "select 2;"), "2");
    drop(psql.stdin.take());
    assert_eq!(psql.wait().expect("its end").code(), Some(0));
    assert_eq!(proxy.ended().0, Some(0));
}

#[test]
fn a_second_signal_or_the_end_of_the_time_ends_them() {
    for (drain, signals) in [("600", 2), ("0", 1)] {
        let user = person(Identity::Alice).args(["--proxy", "--drain", drain]);
        let proxy = Proxy::start(&user);
        let mut psql = talking(&proxy, &user);
        let pid = line(&mut psql, "select pg_backend_pid();");
        let socket = proxy.socket();
        for _ in 0..signals {
            proxy.signal(Signal::SIGTERM);
            within("the socket to go", || !socket.exists());
        }
        assert_eq!(proxy.ended().0, Some(0));
        within("the session to end", || !is_at_server(&pid));
        psql.kill().expect("it is there");
        psql.wait().expect("its end");
    }
}

#[test]
fn systemd_is_told_and_its_sockets_are_taken() {
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path().join("notify");
    let manager = UnixDatagram::bind(&place).expect("a socket");
    manager
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a limit");
    let hears = |expected: &str| {
        let mut bytes = [0; 64];
        let count = manager.recv(&mut bytes).expect("a message");
        assert_eq!(String::from_utf8_lossy(&bytes[..count]), expected);
    };
    let path = directory.path().join(".s.PGSQL.5433");
    let listener = UnixListener::bind(&path).expect("a socket");
    let user = person(Identity::Alice)
        .var("NOTIFY_SOCKET", &place)
        .args(["--proxy"]);
    let script = "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\" 3<&0 0</dev/null";
    let mut shell = in_shell(&user, script);
    let inherited = listener.try_clone().expect("a descriptor");
    #[expect(
        unsafe_code,
        reason = "between fork and exec, one async-signal-safe call is made"
    )]
    unsafe {
        shell.pre_exec(move || {
            nix::unistd::dup2_stdin(&inherited)?;
            Ok(())
        });
    }
    let proxy = Proxy::start_with(shell);
    hears("READY=1");
    assert!(proxy.conninfo.contains(" port=5433 "), "{}", proxy.conninfo);
    assert_eq!(proxy.socket(), path);
    proxy.is_signed_in(&user, "", ALICE, "postgres");
    proxy.signal(Signal::SIGTERM);
    hears("STOPPING=1");
    assert_eq!(proxy.ended().0, Some(0));
    // It is the manager's.
    assert!(path.exists());
}
