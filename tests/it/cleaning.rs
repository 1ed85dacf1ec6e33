//! What others wrote is shown in visible characters and without secrets, and passed on only where
//! it is what it should be.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use sandbox::{Identity, TokenChanges};

use crate::identities::{nobody, ready};
use crate::support::{Ran, User};

const HOST: &str = "mydb.postgres.database.azure.com";

/// A JWT as tools quote one, and its end, percent-encoded.
const QUOTED: &str =
    "eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJkYiJ9.c2ln then eyJ0eXAiOiJKV1QifQ%2EeyJhdWQi%2Ec2ln";

/// Stands for a secret in a connection string.
const HUSH: &str = "HUSH";

fn alice() -> User {
    User::signed_in(Identity::Alice).var("PGHOST", HOST)
}

/// Whether all that was said is visible and without tokens.
#[track_caller]
fn is_clean(text: &str) {
    let invisible = text
        .chars()
        .find(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{200b}'..='\u{206f}'));
    assert_eq!(invisible, None, "{text:?}");
    for part in ["eyJ", "c2ln", "aud"] {
        assert!(!text.contains(part), "{text}");
    }
}

#[track_caller]
fn is_silent_about_it(ran: &Ran) {
    assert!(!ran.stdout.contains(HUSH), "{}", ran.stdout);
    assert!(!ran.stderr.contains(HUSH), "{}", ran.stderr);
}

#[test]
fn errors_of_az_are_cleaned_and_so_is_the_one_that_is_kept() {
    let user = alice();
    user.program("az", "#!/bin/sh\ncat \"$HOME/said\" >&2\nexit 1\n");
    let user = user.file(
        "said",
        &format!("ERROR: \u{1b}[31mno\r\u{9b} {QUOTED}\u{202e}\naz login --x {QUOTED}\u{7}\n"),
    );
    let ran = user.run();
    ran.fails("cleaning/errors_of_az_are_cleaned_and_so_is_the_one_that_is_kept");
    is_clean(&ran.stderr);
    let kept = fs::read_dir(user.home.path().join("run/entra-psql")).expect("a directory");
    let kept: Vec<String> = kept
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().ends_with("-failure"))
        .map(|entry| fs::read_to_string(entry.path()).expect("text"))
        .collect();
    assert_eq!(kept.len(), 1);
    is_clean(&kept[0]);
}

#[test]
fn errors_of_azd_are_cleaned() {
    let user = nobody().args(["--auth", "azd"]);
    user.program(
        "azd",
        &format!("#!/bin/sh\nprintf '%s\\033[2J\\n' 'ERROR: no {QUOTED} ' >&2\nexit 1\n"),
    );
    let ran = user.run();
    ran.fails("cleaning/errors_of_azd_are_cleaned");
    is_clean(&ran.stderr);
}

#[test]
fn errors_of_an_identity_endpoint_are_cleaned() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    let body = format!(r#"{{"error":"x","message":"no\n\u001b[2J\u202e {QUOTED}"}}"#);
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut head = [0; 4096];
        let _ = stream.read(&mut head).expect("a request");
        let length = body.len();
        let head = format!(
            "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        stream
            .write_all((head + &body).as_bytes())
            .expect("an answer");
    });
    let ran = nobody()
        .var(
            "IDENTITY_ENDPOINT",
            format!("http://127.0.0.1:{port}/msi/token"),
        )
        .var("IDENTITY_HEADER", "x")
        .args(["--auth", "managed-identity"])
        .run();
    ran.fails("cleaning/errors_of_an_identity_endpoint_are_cleaned");
    is_clean(&ran.stderr);
    answering.join().expect("an end");
}

#[test]
fn claims_are_cleaned_in_a_warning_and_in_what_is_set() {
    let changes = TokenChanges::none().claim("upn", "Alice\u{202e}\u{200b}@contoso.example");
    let (user, _) = ready(&changes);
    let shown = user.args(["--dry-run"]).run();
    assert!(
        shown
            .stdout
            .contains(r"PGUSER=$'Alice\u202e\u200b@contoso.example'"),
        "{}",
        shown.stdout
    );
    is_clean(&shown.stdout);
    let (user, _) = ready(&changes);
    let warned = user
        .args(["--dry-run", "-U", "ALICE\u{202e}\u{200b}@contoso.example"])
        .run();
    let name = r"the token has `Alice\u{202e}\u{200b}@contoso.example`";
    assert!(warned.stderr.contains(name), "{}", warned.stderr);
    is_clean(&warned.stderr);
}

#[test]
fn a_word_is_shown_in_one_line() {
    let ran = User::nobody()
        .args(["--no-entra", "--dry-run", "-c", "select 'a'\n-- \u{1b}[2J"])
        .run();
    let line = ran.stdout.lines().next().expect("a line");
    assert!(
        line.ends_with(r"-c $'select \'a\'\n-- \u001b[2J'"),
        "{line}"
    );
    is_clean(&ran.stdout);
    let ran = User::nobody()
        .args([
            "--no-entra",
            "--dry-run",
            "--no-password",
            "-v",
            &format!("x={QUOTED}"),
        ])
        .run();
    assert!(ran.stdout.contains(" --no-password -v "), "{}", ran.stdout);
    is_clean(&ran.stdout);
}

/// Ways to put a secret into psql's words, those that libpq refuses included.
const WORDS: &[&[&str]] = &[
    &["postgresql://u:HUSH@localhost"],
    &["postgres://u:HUSH@localhost?nope=1"],
    &["-d", "postgres://u:HUSH%@localhost"],
    &["-dpostgres://u:a/HUSH@localhost"],
    &["--dbname=postgres://u:a b HUSH@localhost"],
    &["--dbname", "postgres://localhost?password=HUSH"],
    &["postgres://localhost?pass%77ord=HUSH"],
    &["postgres://localhost?sslpassword=HUSH&x"],
    &["postgres://localhost?password%3DHUSH"],
    &["host=localhost password = HUSH"],
    &["host=localhost password='a HUSH"],
    &["host=localhost password=a HUSH"],
    &["host=localhost sslpassword=HUSH"],
    &["host=localhost scram_client_key=HUSH"],
    &["host=localhost scram_server_key=HUSH"],
    &["host=localhost oauth_client_secret=HUSH"],
    &["-hlocalhost", "-v", "x=postgres://u:HUSH@localhost"],
    &["-hlocalhost", "-vx=host=localhost password=HUSH"],
    &["-hlocalhost", "-c", "\\c postgresql://u:HUSH@localhost"],
    &["-hlocalhost", "-c", "alter role u password 'HUSH'"],
    &["-hlocalhost", "--set=x=oauth_client_secret=HUSH"],
];

#[test]
fn secrets_in_words_are_hidden() {
    for words in WORDS {
        let dry = User::nobody().args(["--dry-run"]).args(*words).run();
        assert!(dry.stdout.contains("(hidden"), "{words:?}: {}", dry.stdout);
        is_silent_about_it(&dry);
        let said = User::nobody()
            .args(["--entra-verbose", "--psql", "true"])
            .args(*words)
            .run();
        assert!(
            said.stderr.contains("(hidden"),
            "{words:?}: {}",
            said.stderr
        );
        is_silent_about_it(&said);
        let program = User::nobody()
            .args(["--dry-run", "-hlocalhost", "--exec", "true"])
            .args(*words)
            .run();
        is_silent_about_it(&program);
    }
}

#[test]
fn secrets_in_words_are_in_no_error() {
    for words in WORDS {
        for purpose in ["--print-env=sh", "--print-conninfo", "--doctor"] {
            let ran = User::nobody()
                .args([purpose, "--timeout", "1"])
                .args(*words)
                .run();
            // What is printed is what was asked for. With a slash in it, libpq takes a password for
            // a database.
            let is_printed = match purpose {
                "--print-env=sh" => ran.code == Some(0),
                "--print-conninfo" => words[0].contains("a/HUSH"),
                _ => false,
            };
            if !is_printed {
                is_silent_about_it(&ran);
            }
        }
    }
    for words in [
        &["--print-env=sh", "d", "u", "password=HUSH"][..],
        &["--tenant", "postgres://u:HUSH@localhost"],
        &["--resource=host=x password=HUSH"],
    ] {
        let ran = User::nobody().args(words).run();
        assert_eq!(ran.code, Some(1));
        is_silent_about_it(&ran);
    }
}

#[test]
fn secrets_in_a_service_file_are_in_no_error() {
    for (lines, case) in [
        ("password HUSH", "cleaning/service_without_equals"),
        ("passwrd=HUSH", "cleaning/service_with_unknown_option"),
        ("password=HUSH\nnope", "cleaning/service_with_a_word"),
        (
            "password=HUSH\nhost=a,b,c\nport=1,2",
            "cleaning/service_with_too_few_ports",
        ),
        (
            "scram_client_key=HUSH\nsslmode=HUSHED",
            "cleaning/service_with_wrong_mode",
        ),
    ] {
        let lines = lines.replace("HUSHED", "wrong");
        let user = || {
            User::nobody()
                .file(".pg_service.conf", &format!("[a]\n{lines}\n"))
                .var("PGSERVICE", "a")
        };
        let ran = user().args(["--print-conninfo"]).run();
        ran.fails(case);
        is_silent_about_it(&ran);
        is_silent_about_it(&user().args(["--doctor", "--timeout", "1"]).run());
        is_silent_about_it(&user().args(["--entra-verbose", "--psql", "true"]).run());
    }
}

#[test]
fn a_printed_connection_string_has_no_secrets_and_says_so() {
    let secrets = "password=HUSH sslpassword=HUSH scram_client_key=HUSH scram_server_key=HUSH oauth_client_secret=HUSH";
    let ran = User::nobody()
        .args(["--print-conninfo", &format!("host=localhost {secrets}")])
        .run();
    assert_eq!(
        (ran.stdout.as_str(), ran.code),
        ("host=localhost\n", Some(0))
    );
    let names = [
        "sslpassword",
        "scram_client_key",
        "scram_server_key",
        "oauth_client_secret",
    ];
    let warnings = names.map(|name| {
        format!("entra-psql: warning: `{name}` is left out: `--print-conninfo` prints no secrets\n")
    });
    assert_eq!(ran.stderr, warnings.concat());
}

#[test]
fn a_token_is_three_parts_in_base64url() {
    let (_, token) = ready(&TokenChanges::none());
    let [header, claims, _] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("no token")
    };
    for wrong in [
        format!("{token}\\u0000"),
        format!("{token}\\nx"),
        format!("{token} x"),
        format!("{token}.x"),
        format!("{token}="),
        format!("{header}.{claims}."),
        format!("x.{claims}.x"),
    ] {
        let user = alice();
        let answer = format!(r#"{{"accessToken":"{wrong}"}}"#);
        user.program("az", "#!/bin/sh\nexec cat \"$HOME/answer\"\n");
        let user = user.file("answer", &answer);
        user.run()
            .fails("cleaning/a_token_is_three_parts_in_base64url");
    }
    let (user, token) = ready(&TokenChanges::none());
    let user = user.without("ENTRA_PSQL_TOKEN");
    let file = user.home.path().join("token");
    user.file("token", &format!("{token}\0"))
        .var("ENTRA_PSQL_TOKEN_FILE", file)
        .run()
        .fails("cleaning/a_token_is_three_parts_in_base64url_2");
}

#[test]
fn a_name_with_a_control_character_is_refused_wherever_it_comes_from() {
    let service = "[a]\nuser=a\u{1b}[2Jb\n";
    for (user, case) in [
        (alice().args(["-U", "a\nb"]), "cleaning/name_in_option"),
        (
            alice().args(["app", "a\u{1b}[2Jb"]),
            "cleaning/name_in_operand",
        ),
        (
            alice().args(["postgresql://a%0Ab@/"]),
            "cleaning/name_in_uri",
        ),
        (alice().args(["user='a\tb'"]), "cleaning/name_in_string"),
        (alice().args(["--group", "a\rb"]), "cleaning/name_of_group"),
        (
            alice().var("ENTRA_PSQL_GROUP", "a\nb"),
            "cleaning/name_of_group_in_variable",
        ),
        (
            alice().var("PGUSER", "a\u{85}b"),
            "cleaning/name_in_variable",
        ),
        (
            alice()
                .file(".pg_service.conf", service)
                .var("PGSERVICE", "a"),
            "cleaning/name_in_service",
        ),
    ] {
        let ran = user.run();
        ran.fails(case);
        is_clean(&ran.stderr);
        assert_eq!(ran.az.len(), 0);
    }
    for (name, case) in [
        ("a\0b", "cleaning/name_in_token_with_nul"),
        ("a\nb", "cleaning/name_in_token_with_newline"),
        ("\u{1b}[2J", "cleaning/name_in_token_with_escape"),
    ] {
        let (user, _) = ready(&TokenChanges::none().claim("upn", name));
        let ran = user.run();
        ran.fails(case);
        is_clean(&ran.stderr);
    }
    let user = User::signed_in(Identity::Bob).var("PGHOST", HOST);
    user.program(
        "az",
        &format!(
            "#!/bin/sh\n[ \"$1\" = account ] && exec '{}' \"$@\"\nprintf '{{\"userPrincipalName\": \"bob\\\\u0000\"}}'\n",
            user.sandbox.az_dir().join("az").display()
        ),
    );
    user.run()
        .fails("cleaning/a_name_with_a_control_character_is_refused_wherever_it_comes_from_3");
}
