//! What goes wrong with `--proxy`: the client gets a reason, and nothing is left over.

use std::fs;
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rexpect::session::spawn_command;
use sandbox::{Behaviour, Identity, Manner, Sandbox, TokenChanges};

use crate::proxy_support::{ALICE, Proxy, is_at_server, line, person, talking, within};
use crate::support::ClosedPort;

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
fn a_server_that_says_nothing_is_an_error_in_time() {
    let gateway = Sandbox::shared()
        .new_gateway(Manner::Silent)
        .expect("a gateway");
    let user = person(Identity::Alice)
        .var("PGPORT", gateway.port().to_string())
        .var("PGCONNECT_TIMEOUT", "2")
        .args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let (_, said) = proxy.ask(&user, "", "select 1");
    assert!(said.contains("FATAL:  entra-psql: "), "{said}");
    assert!(said.contains(" did not answer within 2s"), "{said}");
}

/// A session that is killed at the server has the server start anew, and end all sessions.
#[test]
fn sessions_begin_again_after_the_server_has_restarted() {
    let sandbox = Sandbox::start().expect("a sandbox of its own");
    let user = person(Identity::Alice)
        .var("PGPORT", sandbox.port().to_string())
        .args(["--proxy"]);
    let tokens = TokenChanges::none().expires_in(8);
    user.entra.behave(Behaviour::tokens(tokens));
    let expiry = SystemTime::now() + Duration::from_secs(9);
    let proxy = Proxy::start(&user);
    user.entra.behave(Behaviour::default());
    let mut psql = talking(&proxy, &user);
    let pid = line(&mut psql, "select pg_backend_pid();");
    let pid = pid.parse().expect("a process id");
    let started = || sandbox.superuser_sql("select 1").is_ok();
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it is there");
    writeln!(psql.stdin.as_mut().expect("a pipe"), "select 2;").expect("sent");
    let output = psql.wait_with_output().expect("its end");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    within("the server to be back", started);
    within("the token to end", || SystemTime::now() > expiry);
    proxy.is_signed_in(&user, "", ALICE, "postgres");
    assert!(user.az_calls().len() > 1);
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
    let closed = ClosedPort::new();
    let sandbox = Sandbox::shared();
    let user = person(Identity::Alice)
        .var(
            "PGHOST",
            "mydb.postgres.database.azure.com,mydb.postgres.database.azure.com",
        )
        .var("PGHOSTADDR", "127.0.0.1,127.0.0.1")
        .var("PGPORT", format!("{},{}", closed.number(), sandbox.port()))
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
