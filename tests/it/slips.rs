//! Common slips on the command line get one line of ours, before psql's own words. What psql
//! accepts in its ordinary meaning gets none.

use sandbox::Identity;

use crate::support::{Ran, User};

const HOST: &str = "mydb.postgres.database.azure.com";

fn alice() -> User {
    User::signed_in(Identity::Alice).args(["-w"])
}

/// psql's own words, and one line of ours before them.
#[track_caller]
fn is_explained(user: &User, case: &str) {
    let (ours, theirs) = (user.run(), user.run_psql());
    let (line, rest) = ours.stderr.split_once('\n').expect("a line");
    assert!(line.starts_with("entra-psql: hint: "), "{line}");
    assert_eq!(rest, theirs.stderr);
    assert_eq!((&ours.stdout, ours.code), (&theirs.stdout, theirs.code));
    ours.matches_in_our_words(case);
}

#[track_caller]
fn is_psqls(user: &User) {
    assert_eq!(user.run(), user.run_psql());
}

/// The first line is ours, and what follows is the program's.
#[track_caller]
fn says_first(ran: &Ran, case: &str) {
    assert!(ran.stderr.starts_with("entra-psql: "), "{}", ran.stderr);
    ran.matches_in_our_words(case);
}

#[test]
fn an_option_that_is_near_to_ours() {
    for (words, case) in [
        (&["--gruop", "x"][..], "slips/group"),
        (&["-h", HOST, "--print_token"], "slips/print_token"),
        (&["-auth", "browser"], "slips/one_dash"),
        (&["--print"], "slips/beginning_of_several"),
    ] {
        is_explained(&User::nobody().args(words), case);
    }
    for words in [
        &["--cluster", "15/main"][..],
        &["--pasword"],
        &["--hosts=x"],
        &["--no"],
        &["-y"],
        &["-c"],
    ] {
        is_psqls(&User::nobody().args(words));
    }
}

#[test]
fn a_host_in_the_place_of_the_database() {
    let nobody = || User::nobody().args(["-w"]);
    is_explained(&nobody().args([HOST, "app"]), "slips/host_as_database");
    let asked = nobody().args(["--group", "G", HOST]).run();
    asked.matches("slips/host_as_database_for_a_group");
    for words in [&["app.example"][..], &["-h", "127.0.0.1", HOST]] {
        is_psqls(&nobody().args(words));
    }
}

#[test]
fn a_user_name_with_a_bare_at_in_a_uri() {
    for (uri, case) in [
        (
            format!("postgresql://alice@contoso.example@{HOST}/app"),
            "slips/at_in_uri",
        ),
        (
            format!("postgresql://alice@contoso.example:hunter2@{HOST}/app"),
            "slips/at_in_uri_with_password",
        ),
    ] {
        let user = User::nobody().args(["-w", &uri]);
        is_explained(&user, case);
        assert!(!user.run().stderr.contains("hint: hunter2"));
    }
    let escaped = format!("postgresql://alice%40contoso.example@{HOST}/postgres");
    let ran = alice().args(["-d", &escaped]).asks_who().run();
    ran.is_signed_in("alice@contoso.example", "postgres", 1);
}

#[test]
fn a_program_in_the_place_of_the_database() {
    let user = alice().args(["-h", HOST, "pg_dump"]);
    says_first(&user.run(), "slips/program_as_database");
    let refused = User::nobody().args(["pg_dump", "--schema-only", "-h", HOST]);
    is_explained(&refused, "slips/program_as_database_refused");
    // A database may be called so where no token is due.
    is_psqls(&User::nobody().args(["-w", "-h", "127.0.0.1", "pg_dump"]));
}

#[test]
fn a_value_after_a_space() {
    let ran = User::nobody()
        .args(["-h", "/nowhere", "--print-env", "fish"])
        .run();
    says_first(&ran, "slips/print_env_value");
    assert_eq!(ran.code, Some(0));
    let ran = User::nobody()
        .args(["-h", "/nowhere", "--doctor", "json"])
        .run();
    says_first(&ran, "slips/doctor_value");
    let ran = User::nobody()
        .args(["-h", "/nowhere", "--print-env=sh", "fish"])
        .run();
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
}

#[test]
fn a_group_without_quotes() {
    let ran = alice()
        .args(["-h", HOST, "--group", "Prod", "DB", "Readonly"])
        .run();
    ran.fails("slips/group_without_quotes");
    let ran = alice()
        .args(["-h", HOST, "--group", "Prod", "-U", "me"])
        .run();
    ran.fails("slips/group_and_user");
}

#[test]
fn a_connection_after_exec() {
    let program = |user: &User| user.program("pg_dump", "#!/bin/sh\necho \"$@\"\n");
    for (words, case) in [
        (
            &["--exec", "pg_dump", "-h", HOST][..],
            "slips/host_after_exec",
        ),
        (
            &[
                "--exec",
                "pg_dump",
                "postgresql://mydb.postgres.database.azure.com/app",
            ],
            "slips/uri_after_exec",
        ),
    ] {
        let user = User::nobody().args(words);
        program(&user);
        let ran = user.run();
        says_first(&ran, case);
        assert_eq!((ran.code, ran.stderr.lines().count()), (Some(0), 1));
    }
    let ran = User::nobody()
        .args(["--group", "G", "--exec", "true", "-h", HOST])
        .run();
    ran.matches("slips/host_after_exec_for_a_group");
    let silent = |user: User| {
        program(&user);
        let ran = user.run();
        assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
    };
    let after = ["--exec", "pg_dump", "-h", HOST];
    silent(User::nobody().args(["--exec", "pg_dump", "-h", "localhost"]));
    silent(User::nobody().args(["--no-entra"]).args(after));
    silent(User::nobody().args(after).var("ENTRA_PSQL_NO_ENTRA", "1"));
    silent(User::nobody().args(after).var("PGPASSWORD", "x"));
    silent(User::nobody().args(after).var("PGHOST", "localhost"));
    silent(User::nobody().args(after).file(".pgpass", "*:*:*:*:x\n"));
}

#[test]
fn a_cloud_that_is_near_to_a_known_one() {
    let ran = alice()
        .args(["-h", HOST, "--cloud", "AzureClod", "--auth", "device-code"])
        .run();
    ran.matches("slips/cloud");
}

/// Nobody can be asked to sign in, so nothing is waited for.
#[track_caller]
fn ends_at_once(method: &str, variable: &str) -> Ran {
    let user = alice()
        .var(variable, "true")
        .args(["-h", HOST, "--timeout", "9", "--auth", method]);
    let ran = user.run();
    assert_eq!(ran.code, Some(2));
    assert_eq!(user.entra.requests().len(), 0);
    ran
}

#[test]
fn nobody_is_asked_to_sign_in_in_ci() {
    ends_at_once("browser", "CI").fails("slips/browser_in_ci");
    ends_at_once("device-code", "CI").fails("slips/device_code_in_ci");
}

#[test]
fn nobody_is_asked_without_a_terminal_and_a_display() {
    ends_at_once("browser", "X").fails("slips/browser_without_a_terminal");
}
