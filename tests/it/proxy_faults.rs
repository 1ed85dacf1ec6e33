//! What goes wrong with `--proxy`: the client gets a reason, and nothing is left over.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rexpect::session::spawn_command;
use sandbox::{Identity, Manner, Sandbox};

use crate::proxy_support::{ALICE, Proxy, person, within};
use crate::support::{User, tool};

/// Starts psql, which reads its commands from a pipe.
fn talking(proxy: &Proxy, user: &User) -> Child {
    let mut psql = proxy.psql(user, "");
    psql.stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    psql.spawn().expect("psql runs")
}

/// Runs SQL in psql, and returns the first line of the result.
fn line(psql: &mut Child, sql: &str) -> String {
    let stdin = psql.stdin.as_mut().expect("a pipe");
    writeln!(stdin, "{sql}").expect("sent");
    let stdout = psql.stdout.as_mut().expect("a pipe");
    let mut line = Vec::new();
    let mut byte = [0];
    while stdout.read(&mut byte).expect("read") == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    String::from_utf8(line).expect("text")
}

/// Returns whether the server has a session with this process id.
fn is_at_server(pid: &str) -> bool {
    let sql = format!("select count(*) from pg_stat_activity where pid = {pid}");
    let rows = Sandbox::shared().superuser_sql(&sql).expect("rows");
    rows[0][0].as_deref() == Some("1")
}

#[test]
fn ctrl_c_cancels_the_query_and_the_session_goes_on() {
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let mut command = proxy.psql(&user, "");
    command
        .args(["-v", "PROMPT1=ready> ", "-P", "pager=off"])
        .env("TERM", "dumb");
    let mut psql = spawn_command(command, Some(30_000)).expect("a terminal");
    psql.exp_string("ready> ").expect("a prompt");
    psql.send_line("select 'asleep' from pg_sleep(100);")
        .expect("sent");
    within("the query to run", || {
        let sql = "select count(*) from pg_stat_activity where query like '%asleep%pg_sleep(100)%' and state = 'active' and pid <> pg_backend_pid()";
        let rows = Sandbox::shared().superuser_sql(sql).expect("rows");
        rows[0][0].as_deref() == Some("1")
    });
    psql.send_control('c').expect("sent");
    psql.exp_string("canceling statement due to user request")
        .expect("cancelled");
    psql.exp_string("ready> ").expect("a prompt");
    psql.send_line("select 'still ' || 'here';").expect("sent");
    psql.exp_string("still here").expect("an answer");
    psql.send_line("\\q").expect("sent");
    psql.exp_eof().expect("its end");
}

#[test]
fn a_client_that_is_killed_takes_its_session_along() {
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let mut psql = talking(&proxy, &user);
    let pid = line(&mut psql, "begin; select pg_backend_pid();");
    let pid = if pid == "BEGIN" {
        line(&mut psql, "")
    } else {
        pid
    };
    assert!(is_at_server(&pid), "{pid}");
    psql.kill().expect("it is there");
    psql.wait().expect("its end");
    within("the session to end", || !is_at_server(&pid));
}

#[test]
fn a_session_that_the_server_ends_says_why() {
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let mut psql = talking(&proxy, &user);
    let pid = line(&mut psql, "select pg_backend_pid();");
    let sql = format!("select pg_terminate_backend({pid})");
    Sandbox::shared().superuser_sql(&sql).expect("ended");
    within("the session to end", || !is_at_server(&pid));
    let stdin = psql.stdin.as_mut().expect("a pipe");
    writeln!(stdin, "select 1;").expect("sent");
    let output = psql.wait_with_output().expect("its end");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("terminating connection due to administrator command"),
        "{said}"
    );
}

#[test]
fn a_server_that_is_gone_ends_its_sessions_and_the_next_client_hears_why() {
    let gateway = Sandbox::shared()
        .new_gateway(Manner::Genuine)
        .expect("a gateway");
    let user = person(Identity::Alice)
        .var("PGPORT", gateway.port().to_string())
        .args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let mut psql = talking(&proxy, &user);
    assert_eq!(line(&mut psql, "select 1;"), "1");
    drop(gateway);
    let mut said = String::new();
    within("the server to be gone", || {
        said = proxy.ask(&user, "", "select 1").1;
        said.contains("FATAL:  entra-psql: can't connect to `mydb.")
    });
    let stdin = psql.stdin.as_mut().expect("a pipe");
    writeln!(stdin, "select 2;").expect("sent");
    let output = psql.wait_with_output().expect("its end");
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(2), &b""[..])
    );
    assert!(said.contains("HINT:  "), "{said}");
}

#[test]
fn a_server_that_does_not_prove_who_it_is_gets_no_token() {
    for (manner, why) in [
        (Manner::WrongName, "certificate not valid for name"),
        (Manner::Expired, "certificate expired"),
        (Manner::UnknownAuthority, "invalid peer certificate"),
        (Manner::Unencrypted, "doesn't support TLS"),
    ] {
        let gateway = Sandbox::shared().new_gateway(manner).expect("a gateway");
        let user = person(Identity::Alice)
            .var("PGPORT", gateway.port().to_string())
            .args(["--proxy"]);
        let proxy = Proxy::start(&user);
        let (_, said) = proxy.ask(&user, "", "select 1");
        assert!(said.contains("FATAL:  entra-psql: "), "{said}");
        assert!(said.contains(why), "{manner:?}: {said}");
        assert_eq!(gateway.sessions(), []);
    }
}

#[test]
fn weaker_modes_are_as_libpqs() {
    let sandbox = Sandbox::shared();
    for (manner, mode, roots, is_in) in [
        (Manner::WrongName, "verify-ca", true, true),
        (Manner::UnknownAuthority, "verify-ca", true, false),
        (Manner::UnknownAuthority, "require", false, true),
        // With a root file the chain is checked, as in libpq.
        (Manner::UnknownAuthority, "require", true, false),
    ] {
        let gateway = sandbox.new_gateway(manner).expect("a gateway");
        let mut user = person(Identity::Alice)
            .var("PGPORT", gateway.port().to_string())
            .var("PGSSLMODE", mode)
            .args(["--proxy"]);
        if !roots {
            user = user.without("PGSSLROOTCERT");
        }
        let proxy = Proxy::start(&user);
        let (rows, said) = proxy.ask(&user, "", "select 1");
        assert_eq!(rows == "1", is_in, "{manner:?} {mode}: {said}");
    }
}

#[test]
fn a_name_that_leads_nowhere_is_said() {
    let user = person(Identity::Alice)
        .without("PGHOSTADDR")
        .args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let (_, said) = proxy.ask(&user, "", "select 1");
    let expected =
        "FATAL:  entra-psql: the host name `mydb.postgres.database.azure.com` can't be resolved";
    assert!(said.contains(expected), "{said}");
    assert!(
        said.contains("HINT:  check the host's name and the DNS"),
        "{said}"
    );
}

#[test]
fn the_second_host_is_tried() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = closed.local_addr().expect("an address").port();
    drop(closed);
    let sandbox = Sandbox::shared();
    let user = person(Identity::Alice)
        .var(
            "PGHOST",
            "mydb.postgres.database.azure.com,mydb.postgres.database.azure.com",
        )
        .var("PGHOSTADDR", "127.0.0.1,127.0.0.1")
        .var("PGPORT", format!("{port},{}", sandbox.port()))
        .args(["--proxy"]);
    let proxy = Proxy::start(&user);
    proxy.is_signed_in(&user, "", ALICE, "postgres");
}

#[test]
fn refusals_of_the_server_are_its_own() {
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let (_, said) = proxy.ask(&user, "dbname=nowhere", "select 1");
    assert!(
        said.contains("database \"nowhere\" does not exist"),
        "{said}"
    );
    let (_, said) = proxy.ask(&user, "user=carol@contoso.example", "select 1");
    assert!(
        said.contains("FATAL:  role \"carol@contoso.example\" does not exist"),
        "{said}"
    );
}

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
    // They don't delay its end either.
    let began = Instant::now();
    assert_eq!(proxy.ended().0, Some(0));
    assert!(began.elapsed() < Duration::from_secs(20));
    drop(silent);
}

#[test]
fn where_files_are_few_clients_hear_it_and_others_take_their_place() {
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start_with(&user, |program| {
        let mut shell = Command::new(tool("sh"));
        shell
            .args(["-c", "ulimit -n 88; exec \"$@\"", "sh"])
            .arg(program.get_program())
            .args(program.get_args())
            .env_clear()
            .envs(
                program
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .current_dir(user.home.path());
        shell
    });
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
    let proxy = Proxy::start_with(&user, |program| {
        let mut shell = Command::new(tool("sh"));
        shell
            .args([
                "-c",
                "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\" 3<&0 0</dev/null",
                "sh",
            ])
            .arg(program.get_program())
            .args(program.get_args())
            .env_clear()
            .envs(
                program
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .current_dir(user.home.path());
        let listener = listener.try_clone().expect("a descriptor");
        #[expect(
            unsafe_code,
            reason = "between fork and exec, one async-signal-safe call is made"
        )]
        unsafe {
            shell.pre_exec(move || {
                nix::unistd::dup2_stdin(&listener)?;
                Ok(())
            });
        }
        shell
    });
    hears("READY=1");
    assert!(proxy.conninfo.contains(" port=5433 "), "{}", proxy.conninfo);
    assert_eq!(proxy.socket(), path);
    proxy.is_signed_in(&user, "", ALICE, "postgres");
    proxy.signal(Signal::SIGTERM);
    hears("STOPPING=1");
    assert_eq!(proxy.ended().0, Some(0));
    // It belongs to systemd.
    assert!(path.exists());
}

#[test]
fn no_token_is_in_its_environment_arguments_files_or_what_it_says() {
    let user = person(Identity::Alice).args(["--proxy=0", "--entra-verbose"]);
    let proxy = Proxy::start(&user);
    proxy.is_signed_in(&user, "", ALICE, "postgres");
    proxy.says(
        "connection 1: `alice@contoso.example` to `postgres` at `mydb.postgres.database.azure.com`",
    );
    proxy.says("connection 1: ended after ");
    let of_process = |name: &str| {
        let bytes = fs::read(format!("/proc/{}/{name}", proxy.pid())).expect("a file");
        String::from_utf8_lossy(&bytes).into_owned()
    };
    for text in [of_process("environ"), of_process("cmdline"), proxy.said()] {
        assert!(!text.contains("eyJ"), "{text}");
    }
    let with_token = crate::secrecy::files_with_token(user.home.path());
    let is_meant = |file: &&String| {
        file.ends_with("msal_token_cache.json") || file.contains("/run/entra-psql/token-")
    };
    assert_eq!(with_token.iter().find(|file| !is_meant(file)), None);
    assert!(!proxy.said().contains("current_user"), "{}", proxy.said());
}
