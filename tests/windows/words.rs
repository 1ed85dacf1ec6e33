//! Words: what reaches psql.exe, what reaches az.cmd, and which of them are options.

use std::fs;

use sandbox::{Identity, TokenChanges};

use crate::support::{Test, VERSIONS, nobody, signed_in};

pub const TESTS: &[Test] = &[
    ("words_reach_psql_as_they_are", words_reach_psql_as_they_are),
    ("values_reach_az_as_they_are", values_reach_az_as_they_are),
    (
        "what_cmd_would_read_is_refused",
        what_cmd_would_read_is_refused,
    ),
    (
        "an_option_behind_an_operand_is_read_as_psql_will",
        an_option_behind_an_operand_is_read_as_psql_will,
    ),
    ("both_versions_are_printed", both_versions_are_printed),
];

fn words_reach_psql_as_they_are() {
    for version in VERSIONS {
        let text = r#"a "b c" \ \" %PATH% ^& | <x> !y! ( '' c:\dir\"#;
        let ran = signed_in(version, Identity::Alice)
            .args(["-XAt", "-c", &format!("select '{text}'")])
            .run();
        assert_eq!(
            ran.stdout,
            format!("{}\n", text.replace("''", "'")),
            "{ran:?}"
        );
    }
}

fn values_reach_az_as_they_are() {
    let shown = "#!/bin/sh\nprintf '<%s>' \"$@\" > \"$HOME/words\"\ncat \"$HOME/answer\"\n";
    for (option, value) in [
        ("--subscription", "Pay (as) you, go. #1 a+b:c/d @x-y_z"),
        ("--tenant", "contoso.example"),
    ] {
        let user = signed_in("18", Identity::Alice);
        user.program("az", shown);
        let token = user.sandbox.issue(Identity::Alice, &TokenChanges::none());
        let answer = format!("{{\"accessToken\": \"{token}\", \"tokenType\": \"Bearer\"}}\n");
        let user = user
            .file("answer", &answer)
            .args([option, value])
            .asks_who();
        user.run()
            .is_signed_in("alice@contoso.example", "postgres", 0);
        let words = fs::read_to_string(user.home.path().join("words")).expect("az's words");
        assert_eq!(
            words,
            format!(
                "<account><get-access-token><--resource><https://ossrdbms-aad.database.windows.net><{option}><{value}><--output><json><--only-show-errors>"
            )
        );
    }
}

fn what_cmd_would_read_is_refused() {
    for option in ["tenant", "subscription", "resource", "cloud"] {
        for value in ["x&echo", "%PATH%", "\"x", "x^y"] {
            let value = if option == "resource" {
                format!("https://{value}")
            } else {
                value.to_owned()
            };
            let ran = signed_in("18", Identity::Alice)
                .args([format!("--{option}"), value.clone()])
                .asks_who()
                .run();
            ran.fails(1, option, "");
            assert!(ran.az.is_empty(), "{value}");
        }
    }
}

/// psql.exe 16 stops at the first operand, so that `-c` is the user there; 18 does not.
fn an_option_behind_an_operand_is_read_as_psql_will() {
    let role = |version: &str| {
        let ran = signed_in(version, Identity::Alice)
            .args(["--dry-run", "dbname=app", "-c", "select 1"])
            .run();
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran.stdout
    };
    let (old, new) = (role("16"), role("18"));
    assert!(new.contains("alice@contoso.example"), "{new}");
    assert!(!old.contains("alice@contoso.example"), "{old}");
    // What psql itself makes of it is the same.
    let ran = signed_in("18", Identity::Alice)
        .args(["dbname=app", "-XAt", "-c", crate::user::WHO])
        .run();
    ran.is_signed_in("alice@contoso.example", "app", 1);
    let ran = signed_in("16", Identity::Alice)
        .args(["dbname=app", "-c", "select 1"])
        .run();
    assert!(
        ran.stderr
            .contains("extra command-line argument \"select 1\" ignored"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("role \"-c\" does not exist"), "{ran:?}");
}

fn both_versions_are_printed() {
    let ran = nobody("16").args(["--version"]).run();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{ran:?}");
    assert!(lines[0].starts_with("psql (PostgreSQL) 16."), "{ran:?}");
    assert!(lines[1].starts_with("entra-psql "), "{ran:?}");
}
