//! A ready token: in a variable, in a file, on a descriptor. psql gets it as its password and in no
//! other way.

use std::fs;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use sandbox::TokenChanges;

use crate::identities::{nobody, ready};
use crate::support::{PROGRAM, Ran, User, here, text, tool};

const ALICE: &str = "alice@contoso.example";

/// Somebody with a good token in the file `token`.
fn with_file() -> (User, String) {
    let (user, token) = ready(&TokenChanges::none());
    let user = user.without("ENTRA_PSQL_TOKEN");
    (user.file("token", &format!("{token}\n")), token)
}

/// Runs the program in a shell, behind a redirection.
pub fn redirected(user: &User, redirection: &str) -> Output {
    let mut command: Command = user.tool(tool("sh"));
    command
        .args(["-c", &format!("exec \"$0\" \"$@\" {redirection}"), PROGRAM])
        .args(user.command().get_args());
    command.output().expect("a shell")
}

#[test]
fn a_file_is_read() {
    let (user, _) = with_file();
    let file = user.home.path().join("token");
    let user = user.var("ENTRA_PSQL_TOKEN_FILE", file).asks_who();
    user.run().is_signed_in(ALICE, "postgres", 0);
}

#[test]
fn a_descriptor_is_read_and_closed() {
    let (user, _) = with_file();
    let user = user.var("ENTRA_PSQL_TOKEN_FD", "5");
    let who = redirected(&user.asks_who(), "5< token");
    let said = String::from_utf8_lossy(&who.stdout).into_owned();
    assert_eq!(said, format!("{ALICE}|t|postgres\n"), "{who:?}");
    let (user, _) = with_file();
    let user = user
        .var("ENTRA_PSQL_TOKEN_FD", "5")
        .args(["--psql".as_ref(), tool("ls").as_os_str()])
        .args(["/proc/self/fd"]);
    let shown = redirected(&user, "5< token 6< token");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    let open: Vec<&str> = shown.lines().collect();
    assert!(!open.contains(&"5") && open.contains(&"6"), "{open:?}");
}

#[test]
fn it_reaches_psql_only_as_the_password_and_is_not_remembered() {
    for place in ["ENTRA_PSQL_TOKEN", "ENTRA_PSQL_TOKEN_FILE"] {
        let (user, token) = with_file();
        let value = match place {
            "ENTRA_PSQL_TOKEN" => token.clone().into(),
            _ => user.home.path().join("token").into_os_string(),
        };
        let shows = user.program("shows", "#!/bin/sh\nexec env\n");
        let user = user
            .var(place, value)
            .args(["--psql".as_ref(), shows.as_os_str()]);
        let ran = user.run();
        let variables: Vec<&str> = ran.stdout.lines().collect();
        assert!(variables.contains(&format!("PGPASSWORD={token}").as_str()));
        assert!(!ran.stdout.contains("ENTRA_PSQL_TOKEN"));
        let kept = fs::read_dir(user.home.path().join("run/entra-psql"));
        let mut names = kept
            .into_iter()
            .flatten()
            .map(|entry| entry.expect("an entry").file_name());
        assert!(names.all(|name| !name.to_string_lossy().starts_with("token-")));
    }
}

#[test]
fn one_place_is_enough() {
    let (user, _) = ready(&TokenChanges::none());
    user.var("ENTRA_PSQL_TOKEN_FD", "3")
        .run()
        .fails("ready_token/two_places");
}

#[test]
fn what_cannot_be_read_is_said() {
    let with = |name: &str, value: &str| nobody().args(["--auth", "env"]).var(name, value);
    with("ENTRA_PSQL_TOKEN_FILE", "/nowhere/token")
        .run()
        .fails("ready_token/file_missing");
    with("ENTRA_PSQL_TOKEN_FILE", "/")
        .run()
        .fails("ready_token/file_unreadable");
    with("ENTRA_PSQL_TOKEN_FD", "77")
        .run()
        .fails("ready_token/descriptor_closed");
    for wrong in ["0", "2", "-1", "three"] {
        with("ENTRA_PSQL_TOKEN_FD", wrong)
            .run()
            .fails("ready_token/descriptor_not_a_number");
    }
    let user = nobody().file("token", "no token\n");
    let file = user.home.path().join("token");
    user.args(["--auth", "env"])
        .var("ENTRA_PSQL_TOKEN_FILE", file)
        .run()
        .fails("ready_token/not_a_token");
}

#[test]
fn a_pipe_that_stays_open_is_given_up_at_the_deadline() {
    let user = nobody()
        .args(["--auth", "env", "--timeout", "1"])
        .var("ENTRA_PSQL_TOKEN_FD", "5");
    let made = user.tool(tool("mkfifo")).arg("pipe").status();
    assert!(made.expect("mkfifo").success());
    let start = Instant::now();
    let output = redirected(&user, "5<> pipe");
    let ran = Ran {
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
        az: Vec::new(),
    };
    ran.fails("ready_token/pipe_stays_open");
    assert!(start.elapsed() < Duration::from_secs(10));
}

/// libpq and the server take so many bytes, and a variable of Windows fewer; a longer password ends
/// the connection without a word.
#[test]
fn a_token_that_would_not_arrive_whole_is_refused() {
    let longest: usize = here(65_530, 32_766);
    let of_length = |about: usize| {
        let changes = TokenChanges::none().claim("filling", "x".repeat(about / 4 * 3));
        let (user, token) = ready(&changes);
        let user = user.without("ENTRA_PSQL_TOKEN").file("token", &token);
        let file = user.home.path().join("token");
        let user = user.var("ENTRA_PSQL_TOKEN_FILE", file).asks_who();
        (user, token.len())
    };
    let (user, length) = of_length(longest - 1_400);
    assert!((longest - 400..=longest).contains(&length), "{length}");
    user.run().is_signed_in(ALICE, "postgres", 0);
    let (user, length) = of_length(longest - 800);
    assert!(length > longest, "{length}");
    user.run().fails("ready_token/too_long");
}
