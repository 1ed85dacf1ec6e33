//! At a terminal, a wait of more than a second says what it is for, in a line that is gone when the
//! wait ends.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rexpect::process::WaitStatus;
use rexpect::session::PtySession;
use sandbox::{Behaviour, Fault, Person};

use crate::az_failures::recorded::{ends_soon, with_az};
use crate::identities::with_secret;
use crate::interactive::person;
use crate::support::{PROGRAM, User, at_terminal, heeding_signals, to_the_end, tool, until};

const ALICE: &str = "alice@contoso.example|t|postgres\r\n";
const ERASED: &str = "\r\u{1b}[K";

/// An az that answers once it is allowed to.
const HELD: &str = "echo $$ > \"$HOME/child\"; while [ ! -e \"$HOME/go\" ]; do sleep 0.02; done";

fn line(what: &str) -> String {
    format!("\u{1b}[?7lentra-psql: waiting for {what} (Ctrl-C to cancel)\u{1b}[?7h")
}

/// A user at a terminal that erases lines.
fn with_terminal(user: User) -> User {
    user.var("TERM", "xterm")
        .var("NO_COLOR", "1")
        .var("PAGER", "cat")
}

fn let_go(user: &User) {
    File::create(user.home.path().join("go")).expect("a file");
}

/// The line is erased, and psql's answer is all that is left.
#[track_caller]
fn goes_on(terminal: PtySession) {
    let (shown, code) = to_the_end(terminal);
    assert!(
        shown.starts_with(ERASED) && shown.ends_with(&format!("{ERASED}{ALICE}")),
        "{shown:?}"
    );
    assert_eq!(code, 0);
}

#[test]
fn the_line_is_gone_before_psql_starts() {
    let user = with_terminal(with_az(&format!("{HELD}; answer")).asks_who());
    let mut terminal = at_terminal(user.command());
    assert_eq!(until(&mut terminal, &line("the Azure CLI")), "");
    let_go(&user);
    goes_on(terminal);
    // A token from the cache isn't waited for.
    let shown = to_the_end(at_terminal(user.command()));
    assert_eq!(shown, (ALICE.to_owned(), 0));
}

#[test]
fn the_line_is_gone_before_an_error_or_a_question() {
    let said = "ERROR: Please run 'az login' to setup account.";
    let az = format!("{HELD}; echo \"{said}\" >&2; exit 1");
    let user = with_terminal(with_az(&az));
    let mut terminal = at_terminal(user.command());
    until(&mut terminal, &line("the Azure CLI"));
    let_go(&user);
    let shown = until(&mut terminal, "[Y/n] ");
    assert!(
        shown.starts_with(&format!("{ERASED}entra-psql: you are not signed in")),
        "{shown:?}"
    );
    terminal.send_line("n").expect("an answer");
    assert_eq!(to_the_end(terminal).1, 2);
}

#[test]
fn a_short_wait_is_not_reported() {
    let user = with_terminal(with_az("answer").asks_who());
    let start = Instant::now();
    let shown = to_the_end(at_terminal(user.command())).0;
    // On a very busy machine no wait is short.
    assert!(
        shown == ALICE || start.elapsed() > Duration::from_secs(1),
        "{shown}"
    );
}

#[test]
fn nothing_is_written_without_a_terminal_that_can_erase_it() {
    let slow = || with_az("sleep 1.5; answer").asks_who().var("PAGER", "cat");
    for (user, line) in [
        (with_terminal(slow()), "\"$@\" 2> err; cat err"),
        (with_terminal(slow()).var("TERM", "dumb"), "\"$@\""),
        (slow(), "\"$@\""),
        // A job in the background leaves the terminal to others.
        (with_terminal(slow()), "set -m; \"$@\" & wait $!"),
    ] {
        let mut shell = user.tool(tool("sh"));
        let words = user.command();
        shell
            .args(["-c", line, "sh", PROGRAM])
            .args(words.get_args());
        assert_eq!(to_the_end(at_terminal(shell)).0, ALICE, "{line}");
    }
}

#[test]
fn another_launch_is_named() {
    let user = with_terminal(with_az("answer").asks_who());
    let directory = user.home.path().join("run/entra-psql");
    fs::create_dir_all(&directory).expect("a directory");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).expect("its mode");
    let lock = File::create(directory.join("az.lock")).expect("a lock");
    lock.lock().expect("the lock");
    let mut terminal = at_terminal(user.command());
    until(&mut terminal, &line("another entra-psql to sign in"));
    drop(lock);
    goes_on(terminal);
}

/// The line is erased, and psql's terminal is as it was.
#[test]
fn a_ctrl_c_erases_the_line_and_ends_us() {
    let silent = with_secret();
    silent.entra.behave(Behaviour::fault(Fault::Silence));
    let az = with_az(HELD);
    for (user, what) in [
        (&az, "the Azure CLI"),
        (&silent, "`login.microsoftonline.com`"),
    ] {
        let mut command = heeding_signals(user.command());
        command.env("TERM", "xterm");
        let mut terminal = at_terminal(command);
        until(&mut terminal, &line(what));
        terminal.send_control('c').expect("a Ctrl-C");
        let shown = terminal.exp_eof().expect("the end");
        assert!(shown.ends_with(ERASED), "{shown:?}");
        let ended = terminal.process().wait().expect("its end");
        assert!(
            matches!(ended, WaitStatus::Signaled(_, Signal::SIGINT, _)),
            "{ended:?}"
        );
    }
    ends_soon(&fs::read_to_string(az.home.path().join("child")).expect("a process"));
}

/// Who is busy in a browser reads what to do there, and nothing else.
#[test]
fn nothing_is_written_below_instructions() {
    let user = with_terminal(person("device-code"));
    user.entra.behave(Behaviour::person(Person::TakesPolls(2)));
    let (shown, code) = to_the_end(at_terminal(user.command()));
    assert_eq!(code, 0, "{shown}");
    let (_, below) = shown.split_once("enter the code").expect("a code");
    assert!(!below.contains("waiting"), "{shown}");
}
