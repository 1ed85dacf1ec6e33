//! The process that we become is the one that psql would have been.
//!
//! `cat` and `ls` stand in for psql here, since they show what a process finds: they print their
//! own files of `/proc` when these are given as the database.

use std::ffi::OsStr;
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rexpect::session::spawn_command;
use sandbox::{Identity, Sandbox};

use crate::support::{PROGRAM, User, heeding_signals, tool};

const HOST: &str = "mydb.postgres.database.azure.com";

/// Closes what other tests' terminals left open: rexpect opens those without close-on-exec, so any
/// child of this process may get one.
pub const CLOSE_STRAYS: &str = "for file in /proc/self/fd/*; do \
    [ ${file##*/} -le 2 ] || eval \"exec ${file##*/}>&-\"; done";

/// Runs what psql's stand-in prints: by itself, in our place, and behind a sign-in. `shell` sets
/// the scene.
fn three_ways(shell: &str, stand_in: &str, shows: &str) -> [String; 3] {
    let stand_in = tool(stand_in);
    let run = |user: &User, program: &OsStr, words: &[&OsStr]| {
        let mut command = user.command_of(tool("bash"));
        let output = command
            .args([
                "-c",
                &format!("{CLOSE_STRAYS}; {shell}; exec \"$@\""),
                "bash",
            ])
            .arg(program)
            .args(words)
            .arg(shows)
            .stdin(Stdio::null())
            .output()
            .expect("a run");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let (nobody, alice) = (
        User::nobody(),
        User::signed_in(Identity::Alice).var("PGHOST", HOST),
    );
    let launcher = OsStr::new(PROGRAM);
    let words = [OsStr::new("--psql"), stand_in.as_os_str()];
    [
        run(&nobody, stand_in.as_os_str(), &[]),
        run(&nobody, launcher, &words),
        run(&alice, launcher, &words),
    ]
}

/// What a process's status says about these, without what no program can set.
pub fn lines_about(status: &str, names: &[&str]) -> Vec<String> {
    let about = |line: &&str| names.iter().any(|name| line.starts_with(name));
    status
        .lines()
        .filter(about)
        .map(without_own_signals)
        .collect()
}

/// A line of signals without 32 and 33, which the C library keeps for its threads: no program can
/// set them, and some machines start everything with them ignored.
fn without_own_signals(line: &str) -> String {
    match line.split_once(":\t") {
        Some((name, mask)) if name.starts_with("Sig") => {
            let mask = u64::from_str_radix(mask, 16).expect("a mask");
            format!("{name}: {:x}", mask & !(0b11 << 31))
        }
        _ => line.to_owned(),
    }
}

#[test]
fn signals_and_umask_are_as_they_were() {
    let state = ["SigBlk", "SigIgn", "SigCgt", "Umask", "Threads"];
    for scene in [
        "umask 027",
        "trap '' PIPE INT QUIT; umask 077",
        "trap '' HUP TERM",
        "exec env --ignore-signal=CHLD \"$@\"",
    ] {
        let [bare, passed, signed_in] = three_ways(scene, "cat", "/proc/self/status");
        assert_eq!(lines_about(&bare, &state).len(), 5, "{bare}");
        assert_eq!(
            lines_about(&passed, &state),
            lines_about(&bare, &state),
            "{scene}"
        );
        assert_eq!(
            lines_about(&signed_in, &state),
            lines_about(&bare, &state),
            "{scene}"
        );
    }
}

#[test]
fn open_files_are_as_they_were() {
    for scene in [
        ":",
        "exec 7</dev/null 9>/dev/null",
        "exec 0<&-",
        "exec 0<&- 2>&-",
    ] {
        let [bare, passed, signed_in] = three_ways(scene, "ls", "/proc/self/fd");
        assert_eq!(passed, bare, "{scene}");
        assert_eq!(signed_in, bare, "{scene}");
    }
}

#[test]
fn the_process_stays_the_same() {
    for user in [
        User::nobody(),
        User::signed_in(Identity::Alice).var("PGHOST", HOST),
    ] {
        let cat = tool("cat");
        let user = user.args([
            "--psql".as_ref(),
            cat.as_os_str(),
            "/proc/self/status".as_ref(),
        ]);
        let child = user
            .command()
            .stdout(Stdio::piped())
            .spawn()
            .expect("a run");
        let id = child.id();
        let output = child.wait_with_output().expect("its end");
        let status = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(lines_about(&status, &["Pid:"]), [format!("Pid:\t{id}")]);
    }
}

#[test]
fn variables_are_passed_through_as_they_are() {
    let mut user = User::nobody().args(["--psql".as_ref(), tool("cat").as_os_str()]);
    user = user
        .args(["/proc/self/environ"])
        .var("PGPASSWORD", "x")
        .var("ENTRA_PSQL_GROUP", "g")
        .var("EMPTY", "");
    let expected: Vec<String> = user
        .command()
        .get_envs()
        .map(|(name, value)| format!("{}={}", name.display(), value.unwrap_or_default().display()))
        .collect();
    let stdout = user.run().stdout;
    let found: Vec<&str> = stdout.split_terminator('\0').collect();
    assert_eq!(found, expected);
}

#[test]
fn a_reader_that_goes_away_ends_psql_as_ever() {
    let query = ["-XAtc", "select generate_series(1, 1000000)"];
    let ends = |command: &mut Command| {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a run");
        let mut stdout = child.stdout.take().expect("a pipe");
        stdout.read_exact(&mut [0; 2]).expect("a line");
        drop(stdout);
        let output = child.wait_with_output().expect("its end");
        (output.status.code(), output.status.signal(), output.stderr)
    };
    let sandbox = Sandbox::shared();
    let local = User::nobody()
        .var("PGHOST", sandbox.socket_dir())
        .var("PGPORT", sandbox.tcp_port().to_string())
        .var("PGUSER", "postgres")
        .args(query);
    let psql = sandbox.postgres_bin_dir().join("psql");
    let bare = ends(&mut local.command_of(psql));
    assert_eq!(ends(&mut local.command()), bare);
    let azure = User::signed_in(Identity::Alice)
        .var("PGHOST", HOST)
        .args(query);
    assert_eq!(ends(&mut azure.command()), bare);
}

/// Waits until the server runs a query with `mark` in it.
fn until_running(mark: &str) {
    let query = format!(
        "select count(*) from pg_stat_activity where state = 'active' and query like '%{mark}%' and query not like '%pg_stat_activity%'"
    );
    for _ in 0..2000 {
        let rows = Sandbox::shared().superuser_sql(&query).expect("an answer");
        if rows[0][0].as_deref() == Some("1") {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the query with `{mark}` never ran");
}

#[test]
fn an_interrupt_cancels_the_query() {
    let user = User::signed_in(Identity::Alice)
        .var("PGHOST", HOST)
        .args(["-XAtc", "select pg_sleep(600) /* interrupted */"]);
    let child = heeding_signals(user.command())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a run");
    until_running("interrupted");
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).expect("a signal");
    let output = child.wait_with_output().expect("its end");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        stderr.contains("canceling statement due to user request"),
        "{stderr}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn at_a_terminal_ctrl_c_cancels_the_query_and_keeps_the_session() {
    let user = User::signed_in(Identity::Alice)
        .var("PGHOST", HOST)
        .var("TERM", "dumb")
        .var("PAGER", "cat")
        .args(["-Xn", "--group", "Prod DB Readonly"]);
    let mut terminal =
        spawn_command(heeding_signals(user.command()), Some(30_000)).expect("a terminal");
    terminal.exp_string("postgres=>").expect("a prompt");
    terminal
        .send_line("select pg_sleep(600) /* at a terminal */;")
        .expect("a query");
    until_running("at a terminal");
    terminal.send_control('c').expect("a Ctrl-C");
    terminal
        .exp_string("canceling statement due to user request")
        .expect("the cancellation");
    terminal.exp_string("postgres=>").expect("a prompt");
    terminal
        .send_line("select 'still ' || current_user;")
        .expect("a query");
    terminal
        .exp_string("still Prod DB Readonly")
        .expect("the session");
    terminal.send_line("\\q").expect("an end");
    terminal.exp_eof().expect("the end");
}

#[test]
fn our_own_name_on_path_is_passed_over() {
    let user = User::nobody().args(["-V"]);
    let bin = user.home.path().join("bin");
    std::os::unix::fs::symlink(PROGRAM, bin.join("psql")).expect("a link");
    let ran = user.run();
    assert!(
        ran.stdout.starts_with("psql (PostgreSQL) "),
        "{}",
        ran.stdout
    );
    let linked = Command::new(bin.join("psql"))
        .arg("-V")
        .env_clear()
        .env(
            "PATH",
            format!(
                "{}:{}",
                bin.display(),
                user.sandbox.postgres_bin_dir().display()
            ),
        )
        .output()
        .expect("a run");
    assert_eq!(String::from_utf8_lossy(&linked.stdout), ran.stdout);
}
