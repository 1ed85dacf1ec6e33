//! The program, with another in the place of entra-psql.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
};

use crate::support::{answer, sandbox};

/// The program, about to run `script` where it would run entra-psql.
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
    // Needed to be ready, so that the program says nothing of installing.
    sandbox();
    let script = "
        token=$(az account get-access-token --resource-type oss-rdbms --query accessToken --output tsv) || exit
        PGPASSWORD=$token PGUSER='Prod DB Readonly' PGSSLMODE=verify-full psql -X -A -t -d postgres -c 'SELECT current_user'";
    assert_eq!(answer(&mut program(script)), "Prod DB Readonly");
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
    // Both get the signal, as from a terminal; the launcher goes on, and so must the sandbox.
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
