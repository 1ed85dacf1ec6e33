//! The processes: exit codes, standard input, Ctrl-C, and who ends with whom.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use sandbox::{Identity, Sandbox};

use crate::support::{PATIENCE, Test, VERSIONS, nobody, signed_in, until};
use crate::terminal::Terminal;
use crate::user::User;
use crate::wine;

pub const TESTS: &[Test] = &[
    ("exit_codes_are_psqls", exit_codes_are_psqls),
    (
        "an_exit_code_has_all_its_bits",
        an_exit_code_has_all_its_bits,
    ),
    (
        "a_script_comes_on_standard_input",
        a_script_comes_on_standard_input,
    ),
    (
        "ctrl_c_cancels_the_query_and_keeps_the_session",
        ctrl_c_cancels_the_query_and_keeps_the_session,
    ),
    (
        "ctrl_c_ends_the_sign_in_and_az_with_it",
        ctrl_c_ends_the_sign_in_and_az_with_it,
    ),
    ("psql_ends_with_us", psql_ends_with_us),
    (
        "az_and_what_it_started_end_at_the_deadline",
        az_and_what_it_started_end_at_the_deadline,
    ),
];

fn exit_codes_are_psqls() {
    for version in VERSIONS {
        let user = || signed_in(version, Identity::Alice);
        let stop = ["-X", "-v", "ON_ERROR_STOP=1"];
        assert_eq!(user().args(["-X", "-c", "select 1"]).run().code, Some(0));
        let wrong = user().args(stop).args(["-c", "selec"]).run();
        assert_eq!(wrong.code, Some(1), "{wrong:?}");
        let nobody = user().var("PGPORT", "1").args(["-X", "-c", "select 1"]);
        let nobody = nobody.run();
        assert_eq!(nobody.code, Some(2), "{nobody:?}");
        let script = user().args(stop).stdin("selec;\n").run();
        assert_eq!(script.code, Some(3), "{script:?}");
    }
}

/// Wine tells Unix the last eight bits alone, so that a batch file has to say what it saw.
fn an_exit_code_has_all_its_bits() {
    let without_token = (nobody("18"), "--psql", "-V");
    let renewed = (signed_in("18", Identity::Alice), "--renew --exec", "");
    for (user, before, behind) in [without_token, renewed] {
        let user = user.file("bin/large.cmd", "@exit 1234567890\r\n");
        let large = user.windows_path("bin/large.cmd");
        let ran = user.run_batch(&[
            "@echo off",
            &format!("entra-psql {before} {large} {behind}"),
            "echo %ERRORLEVEL%",
        ]);
        assert_eq!(ran.stdout, "1234567890\n", "{ran:?}");
    }
}

fn a_script_comes_on_standard_input() {
    let ran = signed_in("18", Identity::Alice)
        .args(["-XAt"])
        .stdin("select 'one';\n\\echo two\n")
        .run();
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("one\ntwo\n", "")
    );
}

fn ctrl_c_cancels_the_query_and_keeps_the_session() {
    for version in VERSIONS {
        for renew in ["--renew=off", "--renew"] {
            let user = signed_in(version, Identity::Alice).args([renew, "-X"]);
            let mut terminal = Terminal::of(&user);
            terminal.shows("postgres=>");
            let mark = format!("psql.exe {version} {renew}");
            terminal.enter(&format!("select pg_sleep(600) /* {mark} */;"));
            until_running(&format!("{mark} */"));
            terminal.interrupt();
            terminal.shows(r"canceling\s*statement\s*due\s*to\s*user\s*request");
            terminal.enter("select 'still ' || current_user;");
            terminal.shows(r"still\s*alice@contoso\.example");
            terminal.enter("\\q");
            terminal.ends();
        }
    }
}

fn until_running(part: &str) {
    let running = format!(
        "select pid from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like '%{part}%'"
    );
    until(&format!("`{part}` to run"), || {
        let found = Sandbox::shared().superuser_sql(&running);
        !found.expect("an answer").is_empty()
    });
}

/// A server that says nothing: psql is there as long as its connection is.
struct Silent(TcpListener);

impl Silent {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").expect("a port"))
    }

    fn port(&self) -> String {
        self.0.local_addr().expect("an address").port().to_string()
    }

    /// The connection of a psql that waits for an answer.
    fn connection(&self) -> TcpStream {
        self.0.set_nonblocking(true).expect("a listener");
        let mut accepted = None;
        until("a connection", || {
            accepted = self.0.accept().ok();
            accepted.is_some()
        });
        let (mut connection, _) = accepted.expect("a connection");
        connection.set_nonblocking(false).expect("a connection");
        connection
            .set_read_timeout(Some(PATIENCE))
            .expect("a connection");
        connection.read_exact(&mut [0; 8]).expect("a request");
        connection
    }
}

/// Whether the other end is gone, and not merely quiet.
fn is_closed(mut connection: TcpStream) -> bool {
    match connection.read(&mut [0]) {
        Ok(read) => read == 0,
        Err(why) => why.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

fn psql_ends_with_us() {
    let server = Silent::new();
    let user = nobody("18")
        .var("PGHOST", "127.0.0.1")
        .var("PGPORT", server.port())
        .args(["-X", "-U", "x"]);
    let mut child = user
        .command_itself()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("Wine starts");
    let connection = server.connection();
    // The runner became Wine, and Wine the program.
    child.kill().expect("an end");
    child.wait().expect("the end");
    assert!(is_closed(connection));
}

/// Somebody whose az starts, as az.cmd starts Python, a program that takes for ever.
fn with_endless_az(server: &Silent) -> User {
    let user = nobody("18");
    let program = wine::windows(&user.account().psql.join("psql.exe"));
    let port = server.port();
    user.file(
        "bin/az.cmd",
        &format!("@\"{program}\" -X -w -h 127.0.0.1 -p {port} -U x x\r\n"),
    )
}

fn ctrl_c_ends_the_sign_in_and_az_with_it() {
    for renew in ["--renew=off", "--renew"] {
        let server = Silent::new();
        let user = with_endless_az(&server).args([renew, "--auth", "azure-cli", "-l"]);
        let mut terminal = Terminal::of(&user);
        let connection = server.connection();
        terminal.interrupt();
        assert!(is_closed(connection));
        let said = terminal.ends();
        assert!(!said.contains("psql:"), "{said}");
    }
}

fn az_and_what_it_started_end_at_the_deadline() {
    let server = Silent::new();
    let user = with_endless_az(&server).args(["--timeout", "6", "-l"]);
    std::thread::scope(|scope| {
        let run = scope.spawn(|| user.run());
        assert!(is_closed(server.connection()));
        let ran = run.join().expect("a run");
        ran.fails(2, "timed out after 6s waiting for the Azure CLI", "");
    });
}
