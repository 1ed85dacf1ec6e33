//! `--print-token`, `--print-conninfo` and `--print-env`, and pgAdmin, which uses the first.

use rexpect::session::spawn_command;
use sandbox::{Identity, Sandbox};

use crate::support::{PROGRAM, User};

const HOST: &str = "mydb.postgres.database.azure.com";
const GROUP: &str = "Prod DB Readonly";

fn alice() -> User {
    User::signed_in(Identity::Alice).var("PGHOST", HOST)
}

#[test]
fn the_token_alone_is_one_line() {
    let ran = alice().args(["--print-token"]).run();
    assert_eq!(
        (ran.stderr.as_str(), ran.code, ran.az.len()),
        ("", Some(0), 1)
    );
    let token = ran.stdout.strip_suffix('\n').expect("a line");
    assert!(
        token.starts_with("eyJ") && !token.contains('\n'),
        "no token"
    );
    ran.matches("print/token");
    User::nobody()
        .args(["--print-token", "-h", "localhost"])
        .run()
        .fails("print/no_token_due");
    alice()
        .var("PGPASSWORD", "x")
        .args(["--print-token"])
        .run()
        .fails("print/password_given");
}

#[test]
fn a_connection_string_signs_in_with_the_token_beside_it() {
    let user = alice().args(["--group", GROUP, "-d", "app", "--print-conninfo"]);
    let ran = user.run();
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
    let conninfo = ran.stdout.strip_suffix('\n').expect("a line");
    ran.matches("print/conninfo");
    let env = alice().args(["--group", GROUP, "-d", "app", "--print-env=sh"]);
    env.run().matches("print/env");

    let token = alice().args(["--print-token"]).run().stdout;
    let psql = Sandbox::shared().postgres_bin_dir().join("psql");
    let ran = User::nobody()
        .var("PGPASSWORD", token.trim_end())
        .args([conninfo])
        .asks_who()
        .run_program(psql);
    assert_eq!(ran.stdout, format!("{GROUP}|t|app\n"), "{}", ran.stderr);
}

#[test]
fn what_changes_only_psqls_output_is_ignored() {
    let connection = || alice().args(["-d", "app", "--print-conninfo"]);
    let plain = connection().run();
    assert_eq!((plain.code, plain.stderr.as_str()), (Some(0), ""));
    for words in [
        &["-XqAtw"][..],
        &["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"],
        &["-v", "ON_ERROR_STOP=1", "-P", "pager=off", "--csv", "-1"],
    ] {
        let ran = connection().args_in_front(words).run();
        assert_eq!((&ran.stdout, &ran.stderr), (&plain.stdout, &plain.stderr));
    }
    for (words, case) in [
        (&["-XAtc", "select 1"][..], "print/with_command"),
        (&["--list"], "print/with_list"),
        (&["-L", "log"], "print/with_log_file"),
        (&["app", "me", "x"], "print/with_surplus"),
    ] {
        let user = alice().args(["--print-token"]).args(words);
        user.run().fails(case);
        assert_eq!(user.az_calls(), Vec::<String>::new());
    }
}

#[test]
fn a_connection_without_a_token_is_printed_too() {
    let local = || User::nobody().args(["host=/tmp password=p"]);
    let printed = |word: &str| local().args([word]).run();
    printed("--print-conninfo").matches("print/conninfo_without_a_token");
    printed("--print-env=sh").matches("print/env_without_a_token");
    for (shell, name, case) in [
        ("--print-env=cmd", "100%", "print/not_for_cmd"),
        ("--print-conninfo", "a\nb", "print/line_break"),
    ] {
        local().args(["-U", name, shell]).run().fails(case);
    }
    User::nobody()
        .args(["--print-env=tcsh"])
        .run()
        .fails("usage/print_env_for_unknown_shell");
}

/// pgAdmin's password exec command, as pgAdmin runs it: placeholders replaced, a shell, a minute,
/// and what is printed is the password, without the white space around it.
#[test]
fn pgadmin_takes_the_token_for_its_password() {
    const PGADMIN: &str = "import os, subprocess, psycopg\n\
        host, port, user = os.environ['SERVER'], os.environ['PGPORT'], 'Prod DB Readonly'\n\
        line = os.environ['COMMAND']\n\
        for name, value in (('%HOSTNAME%', host), ('%PORT%', port), ('%USERNAME%', user)):\n    \
        line = line.replace(name, value)\n\
        ran = subprocess.run(line, shell=True, timeout=60, capture_output=True, text=True, check=True)\n\
        assert ran.stderr == '', ran.stderr\n\
        with psycopg.connect(host=host, port=port, user=user, dbname='app', password=ran.stdout.strip()) as c:\n    \
        print(*c.execute('select current_user, current_database()').fetchone())\n";
    let sandbox = Sandbox::shared();
    let command = format!("{PROGRAM} --print-token -h %HOSTNAME% -p %PORT% -U \"%USERNAME%\"");
    let ran = User::signed_in(Identity::Alice)
        .var("SERVER", HOST)
        .var("PGSSLMODE", "verify-full")
        .var("PYTHONPATH", sandbox.psycopg().expect("psycopg"))
        .var("COMMAND", command)
        .file("pgadmin.py", PGADMIN)
        .args(["pgadmin.py"])
        .run_program(sandbox.python());
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("Prod DB Readonly app\n", "")
    );
    assert_eq!(ran.az.len(), 1);
}

#[test]
fn a_token_on_a_terminal_comes_with_a_warning() {
    let user = alice().args(["--print-token"]);
    let mut terminal = spawn_command(user.command(), Some(60_000)).expect("a terminal");
    let (before, warning) = terminal
        .exp_regex(r"(?m)^entra-psql: warning: [^\r]*\r\n")
        .expect("a warning");
    assert_eq!(before, "");
    let warned = "anyone who sees this token can sign in with it until it expires: 5";
    assert!(warning.contains(warned), "{warning}");
    assert!(warning.ends_with(" minutes left\r\n"), "{warning}");
    let token = terminal.exp_eof().expect("the end");
    assert!(token.starts_with("eyJ"), "no token");
}
