//! `--version`, `--help`, `--dry-run` and `--entra-verbose`.

use sandbox::Identity;

use crate::support::{User, here};

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
    assert!(
        page.contains("--group <NAME>") && page.contains("[ENTRA_PSQL_GROUP]"),
        "{page}"
    );
    assert_eq!((ours.code, ours.stderr.as_str()), (Some(0), ""));
    for psqls in ["-?", "--help=commands", "--hel"] {
        let user = User::nobody().args([psqls]);
        assert_eq!(user.run(), user.run_psql());
    }
}

#[test]
fn a_dry_run_says_what_would_be_run_and_hides_the_token() {
    let user = User::signed_in(Identity::Alice).args(["-h", HOST, "--dry-run", "-c", "select 1"]);
    let ran = user.run();
    let psql = user.sandbox.postgres_bin_dir().join("psql");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let words = format!(" -h {HOST} -c ");
    let program = here(psql.to_str().expect("text"), r"\psql.exe");
    let query = here("'select 1'", "\"select 1\"");
    assert!(
        lines[0].ends_with(&format!("{program}{words}{query}")),
        "{}",
        lines[0]
    );
    assert_eq!(
        lines[1],
        format!(
            "token from the Azure CLI for https://ossrdbms-aad.database.windows.net: the host wants an Entra token ({HOST})"
        )
    );
    assert_eq!(
        lines[2],
        "`auto` chose `azure-cli`: no variable names another identity, and somebody is signed in to `az`"
    );
    assert_eq!(
        lines[3..6],
        [
            here(
                "PGUSER='alice@contoso.example'",
                "PGUSER=alice@contoso.example"
            ),
            "PGDATABASE=postgres",
            "PGSSLMODE=verify-full"
        ]
    );
    assert!(
        lines[7].starts_with("PGPASSWORD=(hidden: ") && lines[7].ends_with(" minutes left)"),
        "{}",
        lines[7]
    );
    assert!(!ran.stdout.contains("eyJ"));
    assert_eq!(
        (ran.code, ran.stderr.as_str(), lines.len()),
        (Some(0), "", 8)
    );
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
    assert!(!ran.stdout.contains("hunter2"), "{}", ran.stdout);
    assert!(
        ran.stdout
            .ends_with(" -q\nno token: no host is known to want an Entra token\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn verbose_says_what_was_decided_on_standard_error() {
    let user = User::signed_in(Identity::Alice)
        .args(["-h", HOST, "--entra-verbose"])
        .asks_who();
    let ran = user.run();
    assert_eq!(ran.stdout, "alice@contoso.example|t|postgres\n");
    assert!(
        ran.stderr
            .lines()
            .all(|line| line.starts_with("entra-psql: ")),
        "{}",
        ran.stderr
    );
    let user = here("'alice@contoso.example'", "alice@contoso.example");
    let shown = format!("entra-psql: PGUSER={user}\n");
    assert!(ran.stderr.contains(&shown), "{}", ran.stderr);
    assert!(!ran.stderr.contains("eyJ"));
    let ran = User::nobody().args(["--entra-verbose", "-V"]).run();
    assert!(
        ran.stderr.contains("no token: psql will not connect"),
        "{}",
        ran.stderr
    );
}
