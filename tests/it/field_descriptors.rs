//! The descriptor of a ready token is closed in every program, whichever method was chosen.

use std::fs;

use sandbox::Identity;

use crate::ready::redirected;
use crate::support::{User, tool};

/// Somebody signed in to az, whose az and psql write down what is open in them.
fn user() -> User {
    let user = User::signed_in(Identity::Alice)
        .var("PGHOST", "mydb.postgres.database.azure.com")
        .var("ENTRA_PSQL_TOKEN_FD", "5")
        .args(["--auth", "azure-cli"])
        .file("token", "secret");
    for (name, real) in [
        ("az", user.sandbox.az_dir().join("az")),
        ("psql", user.sandbox.postgres_bin_dir().join("psql")),
    ] {
        user.program(
            name,
            &format!(
                "#!/bin/sh\n'{}' /proc/self/fd >> \"$HOME/{name}.open\"\nexec '{}' \"$@\"\n",
                tool("ls").display(),
                real.display()
            ),
        );
    }
    user
}

#[track_caller]
fn is_closed_in(user: &User, program: &str) {
    let file = user.home.path().join(format!("{program}.open"));
    let open = fs::read_to_string(file).expect("what was open");
    let open: Vec<&str> = open.lines().collect();
    assert!(
        !open.contains(&"5") && open.contains(&"6"),
        "{program}: {open:?}"
    );
}

#[test]
fn another_method_closes_it_too() {
    let user = user().asks_who();
    let output = redirected(&user, "5< token 6< token");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said, "alice@contoso.example|t|postgres\n", "{output:?}");
    is_closed_in(&user, "az");
    is_closed_in(&user, "psql");
}

#[test]
fn so_does_the_doctor() {
    let user = user().args(["--doctor"]);
    let output = redirected(&user, "5< token 6< token");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    is_closed_in(&user, "az");
    is_closed_in(&user, "psql");
}

#[test]
fn what_is_no_descriptor_changes_nothing() {
    for value in ["77", "three", "-1", "1", ""] {
        user()
            .var("ENTRA_PSQL_TOKEN_FD", value)
            .asks_who()
            .run()
            .is_signed_in("alice@contoso.example", "postgres", 0);
    }
}
