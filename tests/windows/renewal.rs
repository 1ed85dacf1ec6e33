//! `--renew`: entra-psql stays beside psql.exe or another program, and signs in for each connection.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use sandbox::{Behaviour, Identity, TokenChanges};

use crate::support::{HOST, Test, VERSIONS, signed_in, until};
use crate::terminal::Terminal;
use crate::user::User;

pub const TESTS: &[Test] = &[
    (
        "psql_keeps_its_words_and_the_servers_name",
        psql_keeps_its_words_and_the_servers_name,
    ),
    (
        "a_connection_after_the_tokens_end_signs_in_anew",
        a_connection_after_the_tokens_end_signs_in_anew,
    ),
    (
        "a_program_gets_a_port_and_no_token",
        a_program_gets_a_port_and_no_token,
    ),
    ("a_failure_is_the_launchers", a_failure_is_the_launchers),
    ("the_program_ends_with_us", the_program_ends_with_us),
];

const ALICE: &str = "alice@contoso.example";

/// Seconds for which the first token is good: long enough to sign in with.
const LIFETIME: u64 = 15;

/// The password files of one run that are in the account's profile.
fn password_files(user: &User) -> Vec<String> {
    let mut found = Vec::new();
    find(user.home.path(), "once-", &mut found);
    found
}

fn find(directory: &Path, beginning: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            find(&entry.path(), beginning, found);
        } else if name.starts_with(beginning) {
            found.push(name);
        }
    }
}

fn psql_keeps_its_words_and_the_servers_name() {
    for version in VERSIONS {
        let user = signed_in(version, Identity::Alice).args([
            "--renew",
            "-XAt",
            "-c",
            "select current_user, current_database()",
            "-c",
            "\\c postgres",
            "-c",
            "\\echo :HOST :PORT",
            "-c",
            "\\! set",
            "app",
        ]);
        let ran = user.run();
        assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)), "{ran:?}");
        assert!(ran.stdout.starts_with(&format!("{ALICE}|app\n")), "{ran:?}");
        let server = format!("{HOST} {}\n", user.sandbox.port());
        assert!(ran.stdout.contains(&server), "{ran:?}");
        assert!(ran.stdout.contains("PGSSLROOTCERT="), "{ran:?}");
        for secret in ["eyJ", "PGPASSWORD"] {
            assert!(!ran.stdout.contains(secret), "{ran:?}");
        }
        assert_eq!(ran.az.len(), 1, "{ran:?}");
        assert_eq!(password_files(&user), [""; 0]);
    }
}

/// Meanwhile the terminal is psql's: nothing else is written there, and its Ctrl-C doesn't end az.
/// psql 18 would give up the connection.
fn a_connection_after_the_tokens_end_signs_in_anew() {
    let user = signed_in("16", Identity::Alice).args(["--renew", "-X"]);
    let lifetime = i64::try_from(LIFETIME).expect("a small number");
    user.entra
        .behave(Behaviour::tokens(TokenChanges::none().expires_in(lifetime)));
    let mut terminal = Terminal::of(&user);
    terminal.shows("postgres=>");
    // It was issued before now.
    thread::sleep(Duration::from_secs(LIFETIME + 1));
    let calls = user.az_calls().len();
    user.entra.behave(Behaviour::slow(Duration::from_secs(4)));
    terminal.enter("\\c app");
    until("az to be asked", || user.az_calls().len() > calls);
    terminal.interrupt();
    let said = terminal.shows(r#"You\s*are\s*now\s*connected\s*to\s*database\s*"app""#);
    assert!(!said.contains("entra-psql"), "{said}");
    terminal.enter("select 'anew ' || current_user;");
    terminal.shows(r"anew\s*alice@contoso\.example");
    fs::remove_dir_all(user.home.path().join(".azure")).expect("signed out");
    // A look at az's files holds for a second.
    thread::sleep(Duration::from_secs(2));
    terminal.enter("\\c postgres");
    let said = terminal.shows(r"Previous\s*connection\s*kept");
    assert!(said.contains("FATAL"), "{said}");
    assert!(!said.contains("refused:"), "{said}");
    terminal.enter("\\q");
    terminal.ends();
    assert_eq!(password_files(&user), [""; 0]);
}

fn a_program_gets_a_port_and_no_token() {
    for renew in ["--renew", "--renew=tcp"] {
        let group = "Prod DB Readonly";
        let user = signed_in("18", Identity::Alice)
            .args([renew, "--url", "--group", group, "-d", "app", "--exec"]);
        let who = "select current_user, current_database()";
        let user = user.args(["psql", "-XAtc", who, "-c", "\\! set"]);
        let ran = user.run();
        assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)), "{ran:?}");
        let mut lines = ran.stdout.lines();
        assert_eq!(lines.next(), Some("Prod DB Readonly|app"));
        let variables: Vec<&str> = lines.collect();
        for wanted in ["PGHOST=127.0.0.1", "PGUSER=Prod DB Readonly"] {
            assert!(variables.contains(&wanted), "{variables:?}");
        }
        let starts = |name: &str| variables.iter().any(|line| line.starts_with(name));
        assert!(starts("PGPASSWORD="), "{variables:?}");
        assert!(starts("DATABASE_URL=postgresql://Prod%20DB%20Readonly:"));
        assert!(!ran.stdout.contains("eyJ"), "{variables:?}");
        assert_eq!(password_files(&user), [""; 0]);
    }
}

fn a_failure_is_the_launchers() {
    let user = signed_in("18", Identity::Alice).args(["--renew", "-c", "select 1"]);
    fs::remove_dir_all(user.home.path().join(".azure")).expect("signed out");
    user.run().fails(2, "signed", "az login");
    let user = signed_in("18", Identity::Alice).args(["--renew", "--exec", "no-such-program"]);
    user.run().fails(127, "no-such-program", "");
}

fn the_program_ends_with_us() {
    let user = signed_in("18", Identity::Alice).args(["--renew", "-XAt"]);
    let mut child = user
        .command_itself()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("Wine starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(b"select 'here';\n").expect("psql reads");
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut said = [0; 4];
    stdout.read_exact(&mut said).expect("an answer");
    assert_eq!(&said, b"here");
    assert_eq!(password_files(&user).len(), 1);
    child.kill().expect("an end");
    child.wait().expect("the end");
    // psql holds the other end of the pipe, and its input doesn't end.
    let ended = thread::spawn(move || stdout.read_to_end(&mut Vec::new()));
    until("psql's end", || ended.is_finished());
    drop(stdin);
}
