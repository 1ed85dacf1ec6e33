//! A server that stops midway: it answers nothing more, and its connections stay open.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Child;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sandbox::{Gateway, Identity, Manner, Sandbox};

use crate::proxy_support::{HOST, Proxy, line, person, talking, within};
use crate::support::{ClosedPort, User};

/// A process of the server that is stopped until this is dropped.
struct Stopped(Pid);

impl Stopped {
    fn stop(pid: &str) -> Self {
        let pid = Pid::from_raw(pid.parse().expect("a process id"));
        kill(pid, Signal::SIGSTOP).expect("it is there");
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGCONT);
    }
}

fn open_files(proxy: &Proxy) -> usize {
    let open = fs::read_dir(format!("/proc/{}/fd", proxy.pid()));
    open.expect("its files").count()
}

/// Somebody whose proxy waits two seconds for a gateway of its own.
fn with_gateway() -> (Gateway, User) {
    let gateway = Sandbox::shared()
        .new_gateway(Manner::Genuine)
        .expect("a gateway");
    let user = person(Identity::Alice)
        .var("PGPORT", gateway.port().to_string())
        .var("PGCONNECT_TIMEOUT", "2")
        .args(["--entra-verbose"]);
    (gateway, user)
}

/// Has psql wait for a query. Returns the process id of its backend.
fn runs_a_query(psql: &mut Child, sandbox: &Sandbox) -> String {
    let backend = line(psql, "select pg_backend_pid();");
    let stdin = psql.stdin.as_mut().expect("a pipe");
    writeln!(stdin, "select pg_sleep(30);").expect("sent");
    let sql = format!(
        "select count(*) from pg_stat_activity where pid = {backend} and wait_event = 'PgSleep'"
    );
    within("the query to run", || {
        let rows = sandbox.superuser_sql(&sql).expect("rows");
        rows[0][0].as_deref() == Some("1")
    });
    backend
}

/// Interrupts psql: the request to cancel is answered by its end, as it would be by the server.
#[track_caller]
fn can_cancel(psql: &mut Child) {
    let pid = Pid::from_raw(i32::try_from(psql.id()).expect("an id"));
    kill(pid, Signal::SIGINT).expect("it is there");
    let mut said = BufReader::new(psql.stderr.take().expect("a pipe"));
    let mut first = String::new();
    said.read_line(&mut first).expect("a line");
    assert_eq!(first, "Cancel request sent\n");
}

fn end(mut psql: Child) {
    psql.kill().expect("it is there");
    psql.wait().expect("its end");
}

#[test]
fn clients_of_a_stopped_backend_can_cancel_and_leave() {
    // In the shared server, others would wait for the stopped process.
    let sandbox = Sandbox::start().expect("a sandbox of its own");
    let user = person(Identity::Alice)
        .var("PGPORT", sandbox.port().to_string())
        .args(["--proxy", "--entra-verbose"]);
    let proxy = Proxy::start(&user);

    // psql says goodbye, and nobody answers.
    let mut psql = talking(&proxy, &user);
    let stopped = Stopped::stop(&line(&mut psql, "select pg_backend_pid();"));
    // Without the session's two.
    let open = open_files(&proxy) - 2;
    drop(psql.stdin.take());
    assert_eq!(psql.wait().expect("its end").code(), Some(0));
    proxy.says("connection 1: ended after ");
    drop(stopped);

    // psql waits for a query, sends a request to cancel it, and is killed.
    let mut psql = talking(&proxy, &user);
    let stopped = Stopped::stop(&runs_a_query(&mut psql, &sandbox));
    can_cancel(&mut psql);
    end(psql);
    proxy.says("connection 2: ended after ");
    within("its files to be closed", || open_files(&proxy) == open);
    drop(stopped);
    proxy.signal(Signal::SIGTERM);
    assert_eq!(proxy.ended().0, Some(0));
}

#[test]
fn a_server_that_stops_answering_holds_up_nobody_who_leaves() {
    for listen in ["--proxy", "--proxy=0"] {
        let (gateway, user) = with_gateway();
        let user = user.args([listen]);
        let proxy = Proxy::start(&user);
        let mut psql = talking(&proxy, &user);
        runs_a_query(&mut psql, user.sandbox);
        gateway.stop_answering();
        can_cancel(&mut psql);
        proxy.says("a query could not be cancelled: `mydb.");
        proxy.says(" did not answer within 2s");
        let (_, said) = proxy.ask(&user, "", "select 1");
        assert!(said.contains(" did not answer within 2s"), "{said}");
        end(psql);
        // By a port, keepalives find out, which takes two minutes.
        if listen == "--proxy" {
            proxy.says("connection 1: ended after ");
        }
    }
}

#[test]
fn a_server_that_stops_answering_does_not_hold_up_the_end() {
    let (gateway, user) = with_gateway();
    let user = user.args(["--proxy", "--drain", "1"]);
    let proxy = Proxy::start(&user);
    let mut psql = talking(&proxy, &user);
    runs_a_query(&mut psql, user.sandbox);
    gateway.stop_answering();
    let (socket, pid) = (proxy.socket(), proxy.pid());
    proxy.signal(Signal::SIGTERM);
    let began = Instant::now();
    let (code, _, said) = proxy.ended();
    assert_eq!(code, Some(0), "{said}");
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(!socket.exists());
    assert!(kill(pid, None).is_err());
    let output = psql.wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

/// A request to cancel doesn't say which host its session is at.
#[test]
fn a_host_that_stops_answering_does_not_hold_up_a_cancel_at_another() {
    let (closed, sandbox) = (ClosedPort::new(), Sandbox::shared());
    let user = person(Identity::Alice)
        .var("PGHOST", format!("{HOST},{HOST}"))
        .var("PGHOSTADDR", "127.0.0.1,127.0.0.1")
        .var("PGPORT", format!("{},{}", closed.number(), sandbox.port()))
        .args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let mut psql = talking(&proxy, &user);
    runs_a_query(&mut psql, sandbox);
    closed.fall_silent();
    let began = Instant::now();
    can_cancel(&mut psql);
    // A host may take 30s.
    assert!(began.elapsed() < Duration::from_secs(15));
    end(psql);
}
