//! `--version`, `--help`, `--dry-run` and `--entra-verbose`.

use sandbox::Identity;

use crate::support::{Ran, User};

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
