//! `--version`, `--help`, `--dry-run` and `--entra-verbose`.

use std::os::unix::fs::symlink;

use rexpect::session::spawn_command;
use sandbox::Identity;

use crate::support::{PROGRAM, Ran, User, tool};

const HOST: &str = "mydb.postgres.database.azure.com";

#[test]
fn version_is_psqls_line_and_then_ours() {
    let user = User::nobody().args(["--version"]);
    let (ours, theirs) = (user.run(), user.run_psql());
    let line = concat!("entra-psql ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(ours.stdout, theirs.stdout + line);
    assert_eq!((ours.code, ours.stderr.as_str()), (Some(0), ""));
    for abbreviated in ["-V", "--vers"] {
        let user = User::nobody().args([abbreviated]);
        assert_eq!(user.run(), user.run_psql());
    }
}

#[test]
fn help_is_our_page_and_then_psqls() {
    let user = User::nobody().args(["--help"]);
    let (ours, theirs) = (user.run(), user.run_psql());
    let page = ours
        .stdout
        .strip_suffix(&theirs.stdout)
        .expect("psql's own page at the end");
    let page = page.to_owned();
    let ours = Ran {
        stdout: page,
        ..ours
    };
    ours.matches("help/page");
    for psqls in ["-?", "--help=commands", "--hel"] {
        let user = User::nobody().args([psqls]);
        assert_eq!(user.run(), user.run_psql());
    }
}

/// At a terminal, the page is as wide as the terminal. Anywhere else it has 80 columns.
#[test]
fn help_is_wrapped_to_the_terminal() {
    let elsewhere = User::nobody().args(["--help"]).run();
    for (columns, case) in [
        (80_usize, "help/at_80_columns"),
        (120, "help/at_120_columns"),
        (0, "help/at_a_terminal_without_columns"),
    ] {
        let user = User::nobody();
        let mut shell = user.tool(tool("sh"));
        let psql = user.program("silent", "#!/bin/sh\n");
        let psql = psql.display();
        let script = format!("stty rows 24 cols {columns} && exec \"$0\" --psql {psql} --help");
        shell.args(["-c", &script, PROGRAM]);
        let mut terminal = spawn_command(shell, Some(60_000)).expect("a terminal");
        let page = terminal.exp_eof().expect("the end").replace("\r\n", "\n");
        if columns != 120 {
            assert!(elsewhere.stdout.starts_with(&page), "{page}");
        }
        let longest = page.lines().map(|line| line.chars().count()).max();
        assert!(longest > Some(columns.saturating_sub(10)), "{longest:?}");
        let ran = Ran {
            code: Some(0),
            stdout: page,
            stderr: String::new(),
            az: Vec::new(),
        };
        ran.matches(case);
    }
}

/// Through a link called psql, nothing tells the program from psql.
#[test]
fn started_as_psql_help_and_version_are_psqls() {
    for word in ["--help", "--version", "-V", "-?", "--help=variables"] {
        let user = User::nobody().args([word]);
        let link = user.home.path().join("bin/psql");
        symlink(PROGRAM, &link).expect("a link");
        let (ours, theirs) = (user.run_program(&link), user.run_psql());
        assert_eq!(ours, theirs, "{word}");
        // A shell that finds it on `PATH` gives it its bare name.
        let shell = format!("psql {word}");
        let found = user.ran({
            let mut command = user.tool(tool("sh"));
            command.args(["-c", &shell]);
            command
        });
        assert_eq!(found, theirs, "{word}");
    }
}

#[test]
fn a_dry_run_says_what_would_be_run_and_hides_the_token() {
    let user = User::signed_in(Identity::Alice).args(["-h", HOST, "--dry-run", "-c", "select 1"]);
    let ran = user.run();
    ran.matches("dry_run/psql");
    assert_eq!(
        user.sandbox
            .gateway()
            .sessions()
            .iter()
            .filter(|s| s.database == "select 1")
            .count(),
        0
    );
}

#[test]
fn a_dry_run_of_psql_alone_hides_passwords() {
    let ran = User::nobody()
        .args([
            "--dry-run",
            "-d",
            "host=x password=hunter2",
            "-dpostgres://u:hunter2@h/",
            "-q",
        ])
        .run();
    ran.matches("dry_run/without_a_token");
}

#[test]
fn verbose_says_what_was_decided_on_standard_error() {
    let user = User::signed_in(Identity::Alice)
        .args(["-h", HOST, "--entra-verbose"])
        .asks_who();
    let ran = user.run();
    assert_eq!(ran.stdout, "alice@contoso.example|t|postgres\n");
    ran.matches("verbose/signed_in");
    let ran = User::nobody().args(["--entra-verbose", "-V"]).run();
    ran.matches_in_our_words("verbose/without_a_connection");
}
