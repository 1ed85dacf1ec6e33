//! `--exec`: other programs get the connection whole, and their own words untouched.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use sandbox::{Identity, Sandbox};

use crate::support::{User, here, tool};

const HOST: &str = "mydb.postgres.database.azure.com";
const GROUP: &str = "Prod DB Readonly";

fn alice() -> User {
    User::signed_in(Identity::Alice).var("PGHOST", HOST)
}

/// Puts one of PostgreSQL's programs, or one of the system's, where Windows finds it too.
fn with_program(user: User, name: &str) -> User {
    let theirs = user.sandbox.postgres_bin_dir().join(name);
    let program = if theirs.exists() { theirs } else { tool(name) };
    user.program(
        name,
        &format!("#!/bin/sh\nexec '{}' \"$@\"\n", program.display()),
    );
    user
}

/// What the program at the end of `user`'s words finds in its `PG…` variables.
fn found(user: &User) -> Vec<String> {
    let ran = user.run();
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
    let mut found: Vec<_> = ran
        .stdout
        .lines()
        .filter(|line| line.starts_with("PG"))
        .map(str::to_owned)
        .collect();
    found.sort();
    found
}

#[test]
fn every_word_behind_it_is_the_programs() {
    let words = [
        "-c",
        "--group",
        "--no-entra",
        "--",
        "--exec",
        "x y",
        "",
        "--version",
        "*",
    ];
    let not_text = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    for option in [&["--exec", "printf"][..], &["--exec=printf"]] {
        let user = User::nobody()
            .args(["-h", "localhost"])
            .args(option)
            .args(["<%s>"])
            .args(words)
            .args([not_text]);
        let mut child = user.command();
        let output = child.output().expect("a run");
        let mut expected: Vec<u8> = words
            .iter()
            .flat_map(|word| format!("<{word}>").into_bytes())
            .collect();
        expected.extend(b"<\xff\xfe>");
        assert_eq!(output.stdout, expected);
    }
}

#[test]
fn the_connection_is_what_libpq_would_have_made_of_it() {
    let user = with_program(User::nobody(), "env")
        .file(
            "services",
            "[old]\nhost=old.example.com\n[new]\nhost=/nowhere\nport=1\nuser=it's\n",
        )
        .var("PGSERVICE", "old")
        .var("PGHOSTADDR", "10.0.0.1")
        .var("PGPORT", "5")
        .var("PGAPPNAME", "mine");
    let services = user.home.path().join("services");
    let user = user.var("PGSERVICEFILE", services).args([
        "-p",
        "7",
        "service=new hostaddr='' dbname='a=b' password='p q' sslmode=require connect_timeout=3",
        "--exec",
        "env",
    ]);
    assert_eq!(
        found(&user),
        [
            "PGAPPNAME=mine",
            "PGCONNECT_TIMEOUT=3",
            "PGDATABASE=a=b",
            "PGHOST=/nowhere",
            "PGHOSTADDR=",
            "PGPASSWORD=p q",
            "PGPORT=7",
            "PGSSLMODE=require",
            "PGUSER=it's",
        ]
    );
    // The program asks for the password itself.
    let user = with_program(User::nobody(), "env")
        .var("PGPASSWORD", "x")
        .args(["-W", "-h", "localhost", "--exec", "env"]);
    assert_eq!(found(&user), ["PGHOST=localhost"]);
}

#[test]
fn a_local_server_is_reached_without_a_token() {
    let sandbox = Sandbox::shared();
    let socket = sandbox.socket_dir().display().to_string();
    let ran = User::nobody()
        .var("PGPASSWORD", sandbox.local_password())
        .args([
            "postgres://reporting@/app",
            "-h",
            here(&socket, "127.0.0.1"),
            "-p",
            &sandbox.tcp_port().to_string(),
            "--exec",
            "psql",
            "-XAtc",
            "select current_user || current_database()",
        ])
        .run();
    assert_eq!((ran.stdout.as_str(), ran.code), ("reportingapp\n", Some(0)));
    assert_eq!(ran.az, Vec::<String>::new());
}

#[test]
fn a_database_is_dumped_and_restored() {
    let dump = |user: &User| user.home.path().join("dump");
    let words = ["-d", "app", "--exec", "pg_dump", "-Fc", "-f", "dump"];
    let user = with_program(alice(), "pg_dump").args(words);
    let ran = user.run();
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
    assert_eq!(&fs::read(dump(&user)).expect("a dump")[..5], b"PGDMP");
    let listed = user.tool("pg_restore").arg("-l").arg(dump(&user)).output();
    assert!(listed.expect("a list").status.success());

    let sandbox = Sandbox::shared();
    sandbox
        .superuser_sql("create database restored owner \"alice@contoso.example\"")
        .expect("a database");
    let restored = with_program(alice(), "pg_restore")
        .args([
            "-d",
            "restored",
            "--exec",
            "pg_restore",
            "--no-owner",
            "--no-acl",
            "-d",
            "restored",
        ])
        .args([dump(&user)])
        .run();
    let dropped = sandbox.superuser_sql("drop database restored");
    assert_eq!((restored.stderr.as_str(), restored.code), ("", Some(0)));
    dropped.expect("no database");
}

#[test]
fn pgbench_runs_as_the_group() {
    let ran = with_program(alice(), "pgbench")
        .file("script", "select current_user;\n")
        .args([
            "--group", GROUP, "--exec", "pgbench", "-n", "-t", "3", "-f", "script",
        ])
        .run();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stdout.contains("transactions actually processed: 3/3"),
        "{}",
        ran.stdout
    );
    assert_eq!(ran.az.len(), 1);
}

/// Python with psycopg, whose libpq is another than psql's, signs in as `user`'s words have it.
#[test]
fn psycopg_signs_in_with_a_libpq_of_its_own() {
    const SCRIPT: &str = "import psycopg\n\
        with psycopg.connect('') as c:\n    \
        print(*c.execute('select current_user, current_database()').fetchone(), c.pgconn.ssl_in_use)\n";
    let sandbox = Sandbox::shared();
    let python = sandbox.python();
    let packages = sandbox.psycopg().expect("psycopg");
    for (words, role) in [
        (&[][..], "alice@contoso.example"),
        (&["--group", GROUP], GROUP),
    ] {
        // The system's roots, as a file: `system` is not for every version.
        let user = alice()
            .without("PGSSLROOTCERT")
            .var("SSL_CERT_FILE", sandbox.ca_file())
            .var("PYTHONPATH", &packages)
            .file("who.py", SCRIPT)
            .args(words);
        let expected = format!("{role} postgres True\n");
        let exec = user.args(["--exec".as_ref(), python.as_os_str(), "who.py".as_ref()]);
        let ran = exec.run();
        assert_eq!(
            (ran.stdout.as_str(), ran.stderr.as_str()),
            (expected.as_str(), "")
        );

        let user = alice()
            .var("PYTHONPATH", &packages)
            .var("LAUNCHER", crate::support::PROGRAM)
            .file("who.py", SCRIPT)
            .args([
                "-c",
                "eval \"$(\"$LAUNCHER\" \"$@\" --print-env)\"; exec \"$0\" who.py",
            ])
            .args([&python])
            .args(words);
        let ran = user.run_program(tool("sh"));
        assert_eq!(
            (ran.stdout.as_str(), ran.stderr.as_str()),
            (expected.as_str(), "")
        );
    }
}

#[test]
fn what_is_not_about_the_connection_is_refused() {
    let fails = |words: &[&str], case: &str| {
        let ran = with_program(User::nobody(), "pg_dump").args(words).run();
        ran.fails(case);
    };
    fails(
        &["-c", "select 1", "-h", "x", "--exec", "pg_dump"],
        "exec/command",
    );
    fails(
        &["-h", "x", "d", "u", "extra", "--print-env"],
        "exec/extra_word",
    );
    fails(&["--psql", "p", "--exec", "pg_dump"], "exec/and_psql");
    fails(
        &["replication=true", "--exec", "pg_dump"],
        "exec/replication",
    );
    let ran = with_program(User::nobody(), "true")
        .args(["host=localhost keepalives=0", "--exec", "true"])
        .run();
    ran.matches("exec/parameter_left_out");
    // There is no psql to say it.
    with_program(User::nobody(), "true")
        .args(["sslmode=never", "--exec", "true"])
        .run()
        .fails("exec/libpq_refuses");
}

#[test]
fn exit_codes_are_the_programs_or_the_shells() {
    let code = |words: &[&str]| {
        let user = with_program(User::nobody(), "sh")
            .file("no-program", "")
            .args(["-h", "x", "--exec"]);
        user.args(words).run()
    };
    assert_eq!(code(&["sh", "-c", "exit 41"]).code, Some(41));
    code(&["no-such-program"]).fails("exec/not_found");
    code(&["./no-program"]).fails("exec/not_runnable");
}

#[test]
fn a_dry_run_hides_the_token_and_runs_nothing() {
    let user = with_program(alice(), "touch").args(["--dry-run", "--exec", "touch", "made"]);
    let ran = user.run();
    assert!(!user.home.path().join("made").exists());
    ran.matches("dry_run/exec");
}
