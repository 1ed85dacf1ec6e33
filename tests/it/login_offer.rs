//! Where az wants a person and one is at the terminal, its login is offered, and what was asked for
//! goes on.
//!
//! The terminal is a pseudo-terminal, and the az the real one. Without a browser it signs in with a
//! device code, which the sandbox's Entra has approved already.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use sandbox::{Behaviour, Fault, Identity, Person, Refusal};

use crate::support::{PROGRAM, Ran, User, at_terminal, to_the_end, tool, until};

const HOST: &str = "mydb.postgres.database.azure.com";
const QUESTION: &str = "entra-psql: run `az login` now? [Y/n] ";

/// Somebody with an az that nobody is signed in to.
fn signed_out() -> User {
    let user = User::signed_in(Identity::Alice)
        .var("PGHOST", HOST)
        .var("PAGER", "cat");
    let az = user.sandbox.az_dir().join("az");
    let cleared = user.tool(az).args(["account", "clear"]).status();
    assert!(cleared.expect("az").success());
    user
}

/// What this program said at a terminal, held whole; `code` is `None` where it goes on.
#[track_caller]
fn holds(case: &str, shown: &str, code: Option<i32>) {
    let ran = Ran {
        code,
        stdout: String::new(),
        stderr: shown.replace("\r\n", "\n"),
        az: Vec::new(),
    };
    ran.matches_in_our_words(case);
}

/// The user's shell, which runs `line` with the program and its words for `"$@"`.
fn shell(user: &User, line: &str) -> Command {
    let mut command = user.tool(tool("sh"));
    let words = user.command();
    command
        .args(["-c", line, "sh", PROGRAM])
        .args(words.get_args());
    command
}

#[test]
fn the_login_is_run_and_the_rest_of_the_input_is_psqls() {
    let user = signed_out().args(["-Xn"]);
    let mut terminal = at_terminal(user.command());
    let before = until(&mut terminal, QUESTION);
    holds("login_offer/asked", &(before + QUESTION), None);
    terminal
        .send("y\nselect 'in as ' || current_user;\n\\q\n")
        .expect("an answer");
    until(&mut terminal, "in as alice@contoso.example");
    assert_eq!(to_the_end(terminal).1, 0);
    let calls = user.az_calls();
    assert_eq!(calls.len(), 3, "{calls:?}");
    assert_eq!(calls[1], "login");
}

#[test]
fn the_commands_are_the_ones_that_az_gives() {
    let user = User::signed_in(Identity::Alice)
        .var("PGHOST", HOST)
        .asks_who();
    user.entra
        .behave(Behaviour::fault(Fault::Refuse(Refusal::MfaRequired)));
    // What psql prints goes to a file, and nothing of az's with it.
    let mut terminal = at_terminal(shell(&user, "exec \"$@\" > out"));
    let words = "--tenant c0a51b7e-1b5c-4d3e-9f10-0a5a7d6b0001 --scope https://ossrdbms-aad.database.windows.net/.default";
    let question = format!("entra-psql: run `az logout`, then `az login {words}` now? [Y/n] ");
    let before = until(&mut terminal, &question);
    holds("login_offer/asked_with_logout", &(before + &question), None);
    user.entra.behave(Behaviour::default());
    terminal.send_line("Yes").expect("an answer");
    let (shown, code) = to_the_end(terminal);
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains("entra-psql: error"), "{shown}");
    let out = fs::read_to_string(user.home.path().join("out")).expect("psql's output");
    assert_eq!(out, "alice@contoso.example|t|postgres\n");
    assert_eq!(
        user.az_calls()[1..3],
        ["logout".to_owned(), format!("login {words}")]
    );
}

#[test]
fn another_program_than_psql_goes_on_too() {
    let who = "exec psql -XAtc 'select current_user'";
    let user = signed_out().args(["--exec", "sh", "-c", who]);
    let mut terminal = at_terminal(user.command());
    until(&mut terminal, QUESTION);
    // Enter alone is a yes.
    terminal.send_line("").expect("an answer");
    until(&mut terminal, "alice@contoso.example\r\n");
    assert_eq!(to_the_end(terminal).1, 0);
}

#[test]
fn after_a_no_nothing_is_said_twice() {
    let user = signed_out();
    for answer in ["n\n", "No\n", "yep\n", "\u{4}"] {
        let mut terminal = at_terminal(user.command());
        until(&mut terminal, QUESTION);
        terminal.send(answer).expect("an answer");
        terminal.flush().expect("sent");
        let (shown, code) = to_the_end(terminal);
        holds("login_offer/no", &shown, Some(code));
    }
    assert!(!user.az_calls().contains(&"login".to_owned()));
}

#[test]
fn nobody_is_asked_twice() {
    let user = signed_out();
    // An az that keeps what it is told in one place and looks for it in another.
    let az = user.sandbox.az_dir().join("az");
    user.program(
        "az",
        &format!(
            "#!/bin/sh\necho \"$*\" >> \"$HOME/az.log\"\ncase $1 in account) export AZURE_CONFIG_DIR=\"$HOME/other\";; esac\nexec '{}' \"$@\"\n",
            az.display()
        ),
    );
    let mut terminal = at_terminal(user.command());
    until(&mut terminal, QUESTION);
    terminal.send_line("y").expect("an answer");
    let (shown, code) = to_the_end(terminal);
    holds("login_offer/in_vain", &shown, Some(code));
    assert_eq!(user.az_calls().len(), 3);
}

#[test]
fn a_login_that_fails_is_the_error() {
    let user = signed_out();
    user.entra.behave(Behaviour::person(Person::Declines));
    let mut terminal = at_terminal(user.command());
    until(&mut terminal, QUESTION);
    terminal.send_line("y").expect("an answer");
    let (shown, code) = to_the_end(terminal);
    holds("login_offer/login_failed", &shown, Some(code));
    assert_eq!(user.az_calls().len(), 2);
}

#[test]
fn nobody_is_asked_without_a_terminal_in_ci_or_in_a_dialogue_of_another_kind() {
    let user = signed_out();
    for (line, words) in [
        ("echo y | \"$@\"", &[][..]),
        ("\"$@\" 2> err; code=$?; cat err; exit $code", &[]),
        ("CI=true \"$@\"", &[]),
        // A job in the background may not read from the terminal, and would be stopped.
        ("set -m; \"$@\" & wait $!", &[]),
        ("\"$@\"", &["--print-token"]),
        ("\"$@\"", &["--print-env"]),
        ("\"$@\"", &["--dry-run"]),
    ] {
        let mut command = shell(&user, line);
        command.args(words);
        let (shown, code) = to_the_end(at_terminal(command));
        holds("login_offer/not_asked", &shown, Some(code));
    }
    let mut command = user.command();
    command.arg("--doctor");
    let (shown, _) = to_the_end(at_terminal(command));
    assert!(!shown.contains("now?"), "{shown}");
    assert!(!user.az_calls().contains(&"login".to_owned()));
}

/// The whole of `--timeout` passes while the person thinks, and somebody else's az has its turn.
#[test]
fn the_persons_time_is_not_ours() {
    let user = signed_out().asks_who().args(["--timeout", "10"]);
    let mut terminal = at_terminal(user.command());
    until(&mut terminal, QUESTION);
    let lock = fs::File::open(user.home.path().join("run/entra-psql/az.lock")).expect("a lock");
    lock.try_lock().expect("nobody's turn");
    drop(lock);
    thread::sleep(Duration::from_secs(11));
    terminal.send_line("y").expect("an answer");
    until(&mut terminal, "alice@contoso.example|t|postgres");
    assert_eq!(to_the_end(terminal).1, 0);
}
