//! `--renew`: later connections of psql or of another program sign in again.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sandbox::{Behaviour, Identity, Sandbox, TokenChanges};

use crate::proxy_support::{ALICE, GROUP, HOST, person, within};
use crate::support::{PROGRAM, User, heeding_signals, in_shell};

const WHO: &str = "select current_user, current_database()";

/// Links psql to where `--exec` finds it.
pub fn with_psql(user: User) -> User {
    let psql = user.sandbox.postgres_bin_dir().join("psql");
    user.program(
        "psql",
        &format!("#!/bin/sh\nexec '{}' \"$@\"\n", psql.display()),
    );
    user
}

/// A process of ours that serves: its helper.
pub fn helpers(user: &User) -> Vec<Pid> {
    let home = format!("HOME={}", user.home.path().display());
    let processes = fs::read_dir("/proc").expect("processes");
    let of_ours = |pid: &i32| {
        let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
        let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
        let environ = read("environ");
        let mut variables = environ.split(|&byte| byte == 0);
        program == Path::new(PROGRAM) && variables.any(|text| text == home.as_bytes())
    };
    processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(of_ours)
        .map(Pid::from_raw)
        .collect()
}

/// Returns what earlier runs left in the user's runtime directory.
fn left_behind(user: &User) -> Vec<String> {
    let entries = fs::read_dir(user.home.path().join("run/entra-psql"));
    let names = entries.expect("a directory").flatten();
    names
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with("renew-") || name.starts_with("once-"))
        .collect()
}

#[track_caller]
pub fn nothing_is_left(user: &User) {
    within("the helper to end", || helpers(user).is_empty());
    assert_eq!(left_behind(user), [""; 0]);
}

#[test]
fn a_program_connects_by_a_socket_or_a_port_and_has_no_token() {
    for (renew, host) in [("--renew", "/"), ("--renew=tcp", "127.0.0.1")] {
        let user = with_psql(person(Identity::Alice)).args([renew, "--group", GROUP, "-d", "app"]);
        let user = user.args(["--exec", "psql", "-XAtc", WHO, "-c", "\\! env"]);
        let ran = user.run();
        assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
        let mut lines = ran.stdout.lines();
        assert_eq!(lines.next(), Some("Prod DB Readonly|app"));
        let variables: Vec<&str> = lines.collect();
        assert!(
            variables.iter().all(|line| !line.contains("eyJ")),
            "{variables:?}"
        );
        assert!(
            variables
                .iter()
                .any(|line| line.starts_with(&format!("PGHOST={host}")))
        );
        assert!(
            variables.contains(&"PGUSER=Prod DB Readonly"),
            "{variables:?}"
        );
        let has_password = variables.iter().any(|line| line.starts_with("PGPASSWORD="));
        assert_eq!(has_password, renew == "--renew=tcp");
        assert_eq!(ran.az.len(), 1);
        nothing_is_left(&user);
    }
}

#[test]
fn a_program_gets_a_uri() {
    for (renew, url, name) in [
        ("--renew", "--url", "DATABASE_URL"),
        ("--renew=tcp", "--url=APP_DB", "APP_DB"),
    ] {
        let script = format!("psql -XAt \"${name}\" -c '{WHO}'");
        let user = with_psql(person(Identity::Alice)).args([renew, url, "--group", GROUP]);
        let user = user.args(["--exec", "sh", "-c", &script]);
        let ran = user.run();
        assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
        assert_eq!(ran.stdout, "Prod DB Readonly|postgres\n");
    }
}

#[test]
fn its_exit_code_and_its_signals_are_its_own() {
    let user = person(Identity::Alice).args(["--renew", "--exec", "sh", "-c", "exit 7"]);
    assert_eq!(user.run().code, Some(7));
    nothing_is_left(&user);
    let user = person(Identity::Alice).args(["--renew", "--exec", "sleep", "100"]);
    let mut child = heeding_signals(user.command_of(PROGRAM))
        .spawn()
        .expect("a program");
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("an id"));
    let is_sleep = || {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line == b"sleep\x00100\0" || line.ends_with(b"/sleep\x00100\0")
    };
    // exec keeps the process id.
    within("the program", is_sleep);
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    assert_eq!(children.expect("a list").trim(), "");
    assert_eq!(helpers(&user).len(), 1);
    kill(pid, Signal::SIGINT).expect("it is there");
    let ended = child.wait().expect("its end");
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&ended),
        Some(2)
    );
    nothing_is_left(&user);
}

#[test]
fn a_reader_of_its_output_does_not_wait_for_the_helper() {
    let user =
        person(Identity::Alice).args(["--renew", "--exec", "sh", "-c", "exec >&- 2>&-; sleep 100"]);
    let mut child = user
        .command()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a program");
    let mut text = String::new();
    let mut stdout = child.stdout.take().expect("a pipe");
    std::io::Read::read_to_string(&mut stdout, &mut text).expect("an end");
    assert_eq!(text, "");
    child.kill().expect("it is there");
    child.wait().expect("its end");
    nothing_is_left(&user);
}

/// az hangs when the program ends: nobody waits for it.
#[test]
fn a_fetch_that_still_runs_holds_up_no_end() {
    let script = "echo up; read go; psql -XAtc 'select 1'; read end";
    let user = with_psql(person(Identity::Alice)).args(["--renew", "--exec", "sh", "-c", script]);
    user.entra
        .behave(Behaviour::tokens(TokenChanges::none().expires_in(60)));
    let mut child = user
        .command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a program");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut line = || lines.next().expect("a line").expect("text");
    let mut stdin = child.stdin.take().expect("a pipe");
    assert_eq!(line(), "up");
    user.entra.behave(Behaviour::slow(Duration::from_secs(600)));
    writeln!(stdin, "go").expect("it reads");
    assert_eq!(line(), "1");
    within("az", || user.az_calls().len() == 2);
    let began = Instant::now();
    writeln!(stdin, "end").expect("it reads");
    assert!(child.wait().expect("its end").success());
    nothing_is_left(&user);
    assert!(began.elapsed() < Duration::from_secs(15));
}

#[test]
fn a_failure_is_the_launchers_own() {
    let user = person(Identity::Alice).args(["--renew", "-c", "select 1"]);
    fs::remove_dir_all(user.home.path().join(".azure")).expect("signed out");
    user.run().fails("renew/signed_out");
    nothing_is_left(&user);
}

#[test]
fn psql_keeps_its_words_and_its_environment() {
    let words: [&[&str]; 7] = [
        &["-d", "app"],
        &["--dbname=app"],
        &["app"],
        &["-d", "dbname=app application_name=x"],
        &["-U", ALICE, "app"],
        &["app", ALICE],
        &["-h", HOST, "-Atd", "app", "-qX"],
    ];
    for words in words {
        let user = person(Identity::Alice)
            .args(["--renew", "-XAt", "-c", WHO])
            .args(words);
        let ran = user.run();
        assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)), "{words:?}");
        assert_eq!(ran.stdout, format!("{ALICE}|app\n"), "{words:?}");
    }
    let user = person(Identity::Alice).var("ENTRA_PSQL_RENEW", "1");
    let user = user.args(["-XAt", "-c", WHO, "-c", "\\! env", "-c", "\\conninfo"]);
    let ran = user.run();
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
    assert!(
        ran.stdout.starts_with(&format!("{ALICE}|postgres\n")),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("eyJ"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("PGPASSWORD"), "{}", ran.stdout);
    let port = user.sandbox.port();
    let shown = format!("on host \"{HOST}\" (address \"127.");
    assert!(ran.stdout.contains(&shown), "{}", ran.stdout);
    assert!(
        ran.stdout.contains(&format!("at port \"{port}\"")),
        "{}",
        ran.stdout
    );
    nothing_is_left(&user);
}

/// A helper that is killed can't clean up, so a later run does.
#[test]
fn what_a_killed_helper_left_is_removed_later() {
    for (renew, kind) in [("--renew", "renew-"), ("--renew=tcp", "once-")] {
        let user = person(Identity::Alice).var("WHAT", "sleep 100").args([
            renew,
            "--exec",
            "sh",
            "-c",
            "exec $WHAT",
        ]);
        let runs_beside = |others: usize| {
            let ran = user.run_changed(|command| {
                command.env("WHAT", "true");
            });
            assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
            within("its helper's end", || helpers(&user).len() == others);
        };
        let mut child = user.command().spawn().expect("a program");
        let program = format!("/proc/{}/exe", child.id());
        within("the program", || {
            fs::read_link(&program).is_ok_and(|program| program.ends_with("sleep"))
        });
        // While the helper lives, its files stay, however old they are.
        let left = left_behind(&user);
        assert!(left.len() == 1 && left[0].starts_with(kind), "{left:?}");
        let path = user.home.path().join("run/entra-psql").join(&left[0]);
        let file = fs::File::open(path).expect("it is there");
        let minutes_ago = SystemTime::now() - Duration::from_secs(120);
        file.set_modified(minutes_ago).expect("its time");
        runs_beside(1);
        assert_eq!(left_behind(&user), left);

        kill(helpers(&user)[0], Signal::SIGKILL).expect("it is there");
        within("its end", || helpers(&user).is_empty());
        child.kill().expect("it is there");
        child.wait().expect("its end");
        // The program of another helper that has only just begun may look like this.
        file.set_modified(SystemTime::now()).expect("its time");
        runs_beside(0);
        assert_eq!(left_behind(&user), left);
        file.set_modified(minutes_ago).expect("its time");
        drop(file);
        runs_beside(0);
        nothing_is_left(&user);
    }
}

#[test]
fn where_no_token_is_due_psql_is_psql() {
    let sandbox = Sandbox::shared();
    let user = User::nobody()
        .args(["--renew", "-XAtc", "select 1"])
        .var("PGHOST", sandbox.socket_dir())
        .var("PGPORT", sandbox.tcp_port().to_string())
        .var("PGUSER", sandbox.local_role())
        .var("PGDATABASE", "postgres")
        .var("PGPASSWORD", sandbox.local_password());
    let ran = user.run();
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str(), ran.code),
        ("1\n", "", Some(0))
    );
    assert!(helpers(&user).is_empty());
}

/// The variable is for good, and these have no connection that could be renewed.
#[test]
fn the_variable_changes_nothing_where_nothing_connects() {
    for words in ["--print-env", "--dry-run", "--doctor"] {
        let user = person(Identity::Alice).args([words]);
        // The first run keeps a token for the others.
        let _ = user.run();
        let [without, with] = ["0", "1"].map(|renew| {
            let ran = user.run_changed(|command| {
                command.env("ENTRA_PSQL_RENEW", renew);
            });
            assert_eq!(ran.code, Some(0), "{words}: {}", ran.stderr);
            // The doctor's times differ.
            let lines = ran.stdout.lines();
            lines
                .map(|line| line.replace(|c: char| c.is_ascii_digit(), ""))
                .collect::<Vec<_>>()
        });
        assert_eq!(with, without, "{words}");
    }
}

#[test]
fn wrong_usage_is_an_error() {
    let alice = || person(Identity::Alice);
    alice()
        .args(["--renew", "--print-token"])
        .run()
        .fails("renew/print");
    alice()
        .args(["--renew", "--proxy"])
        .run()
        .fails("renew/proxy");
    alice()
        .args(["--renew", "--dry-run"])
        .run()
        .fails("renew/dry_run");
    alice().args(["--renew=udp"]).run().fails("renew/way");
    alice()
        .args(["--url", "-c", "x"])
        .run()
        .fails("renew/url_alone");
    alice()
        .args(["--renew", "--url=A-B", "--exec", "true"])
        .run()
        .fails("renew/url_name");
}

#[test]
fn a_shells_open_files_are_the_programs_alone() {
    let user = person(Identity::Alice).args(["--renew", "--exec", "sleep", "100"]);
    let mut shell = in_shell(&user, "exec 7</dev/zero; exec \"$@\"");
    let mut child = shell.spawn().expect("a program");
    within("the program", || {
        let program = fs::read_link(format!("/proc/{}/exe", child.id())).unwrap_or_default();
        program.ends_with("sleep") || program.ends_with("coreutils")
    });
    let opened = |pid: &dyn std::fmt::Display| {
        let open = fs::read_dir(format!("/proc/{pid}/fd"))
            .expect("files")
            .flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok())
            .any(|file| file == Path::new("/dev/zero"))
    };
    assert!(opened(&child.id()));
    assert!(!opened(&helpers(&user)[0]));
    child.kill().expect("it is there");
    child.wait().expect("its end");
    nothing_is_left(&user);
}
