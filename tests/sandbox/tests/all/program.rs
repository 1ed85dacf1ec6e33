//! The program, with another in place of entra-psql.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

use rexpect::session::{PtySession, spawn_command};
use tempfile::TempDir;

use crate::support::{answer, sandbox};

/// The beginning of the greeting.
const GREETING: &str = "You are alice@contoso.example";

/// Returns the program, which runs `script` instead of entra-psql.
fn program(script: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sandbox"));
    command
        .env("SANDBOX_PROGRAM", "/bin/sh")
        .args(["-c", script])
        .stdin(Stdio::null());
    command
}

#[test]
fn the_launcher_finds_everything_it_needs() {
    // Started first, so the program reports no installation.
    sandbox();
    let script = "
        token=$(az account get-access-token --resource-type oss-rdbms --query accessToken --output tsv) || exit
        PGPASSWORD=$token PGUSER='Prod DB Readonly' PGSSLMODE=verify-full psql -X -A -t -d postgres -c 'SELECT current_user'";
    assert_eq!(answer(&mut program(script)), "Prod DB Readonly");
}

/// Returns the program without arguments, which runs `script` instead of entra-psql.
fn opened(script: &str) -> (Command, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("launcher");
    fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sandbox"));
    command
        .env("SANDBOX_PROGRAM", file)
        .env("PAGER", "cat")
        .env("TERM", "dumb");
    (command, directory)
}

fn at_terminal(command: Command) -> PtySession {
    spawn_command(command, Some(60_000)).unwrap()
}

/// Each command of the greeting works.
#[test]
fn a_person_is_greeted_and_what_the_greeting_says_works() {
    sandbox();
    let sign_in = "
        [ \"$*\" = '--group Prod DB Readonly' ] || exit 9
        PGPASSWORD=$(az account get-access-token --resource-type oss-rdbms --query accessToken --output tsv) || exit
        export PGPASSWORD PGUSER='Prod DB Readonly' PGDATABASE=postgres PGSSLMODE=verify-full
        exec psql -X";
    let (command, _directory) = opened(sign_in);
    let mut terminal = at_terminal(command);
    let greeting = terminal.exp_string("postgres=> ").unwrap();
    assert!(greeting.starts_with(GREETING), "{greeting}");
    assert!(
        greeting.contains("The server is mydb.postgres.database.azure.com,"),
        "{greeting}"
    );
    let (_, tries) = greeting.split_once("Try:\r\n").unwrap();
    let tries: Vec<&str> = tries
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.trim().split_once("  "))
        .map(|(command, _)| command)
        .collect();
    let [first, second, third] = tries[..] else {
        panic!("{greeting}");
    };
    for (command, shown, prompt) in [
        (first, "as user \"Prod DB Readonly\"", "postgres=> "),
        (second, "alice@contoso.example", "postgres=> "),
        (third, "connected to database \"app\"", "app=> "),
    ] {
        terminal.send_line(command).unwrap();
        terminal.exp_string(shown).unwrap();
        terminal.exp_string(prompt).unwrap();
    }
    assert!(greeting.contains("To leave, type \\q."), "{greeting}");
    terminal.send_line("\\q").unwrap();
    terminal.exp_eof().unwrap();
}

#[test]
fn only_a_person_who_opens_it_is_greeted() {
    sandbox();
    // Without a terminal, nothing is printed.
    let (mut command, _directory) = opened("echo ready");
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.stdout, b"ready\n");
    assert_eq!(output.stderr, b"");
    // The same at a terminal, with arguments for entra-psql.
    let mut command = program("echo ready");
    command.stdin(Stdio::inherit());
    let shown = at_terminal(command).exp_eof().unwrap();
    assert_eq!(shown, "ready\r\n");
}

#[test]
fn nothing_of_the_users_own_leads_out() {
    let mut command = program("env");
    let foreign = [
        ("PGSERVICE", "prod"),
        ("PGPASSWORD", "secret"),
        ("AZURE_CLIENT_ID", "mine"),
        ("https_proxy", "http://proxy"),
        ("ENTRA_PSQL_AUTH", "env"),
        ("IDENTITY_ENDPOINT", "http://mine"),
        ("XDG_RUNTIME_DIR", "/run/user/1"),
    ];
    let seen = answer(command.envs(foreign));
    for (name, value) in foreign {
        assert!(
            !seen.lines().any(|line| line == format!("{name}={value}")),
            "{name}"
        );
    }
    assert!(
        seen.lines()
            .any(|line| line == "PGHOST=mydb.postgres.database.azure.com"),
        "{seen}"
    );
}

#[test]
fn exit_codes_are_the_launchers() {
    for code in [0, 3, 127] {
        assert_eq!(
            program(&format!("exit {code}")).status().unwrap().code(),
            Some(code)
        );
    }
    assert_eq!(program("kill -KILL $$").status().unwrap().code(), Some(137));
}

#[test]
fn ctrl_c_is_the_launchers() {
    // Both get the signal, as at a terminal. The launcher continues, so the sandbox must too.
    let script = "trap 'echo interrupted' INT; echo $PPID; while read line; do echo $line; done";
    let mut child = program(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let sandbox = lines.next().unwrap();
    assert_eq!(sandbox, child.id().to_string());
    assert!(
        Command::new("kill")
            .args(["-INT", &sandbox])
            .status()
            .unwrap()
            .success()
    );
    writeln!(child.stdin.as_ref().unwrap(), "still here").unwrap();
    assert_eq!(lines.next().unwrap(), "still here");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_request_to_end_reaches_the_launcher() {
    let script = "trap 'echo bye; exit 5' TERM; echo $HOME; while :; do sleep 0.05; done";
    let mut child = program(script).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let home = lines.next().unwrap();
    assert!(
        Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(lines.next().unwrap(), "bye");
    assert_eq!(child.wait().unwrap().code(), Some(5));
    assert!(!std::path::Path::new(&home).exists());
}
