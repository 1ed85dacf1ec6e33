//! Offers to sign in with az, where that is what is missing and a person is at the terminal.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Write as _};

use crate::environment::Environment;
use crate::failure::Failure;
use crate::system::terminal;
use crate::token::azure_cli;

/// Whether the person took the offer, and az says that they are signed in now. No question is asked
/// where az did not say how to sign in, without a terminal, and in CI.
///
/// Nothing waits meanwhile: the turn with az was given back with the failure, and the deadline is
/// over. Who waited for that turn has heard of the failure, which was true then.
pub fn run_az_login(failure: &Failure, environment: &Environment) -> bool {
    let commands = failure.mended_by();
    let is_attended = environment.get_filled("CI").is_none()
        && io::stdin().is_terminal()
        && io::stderr().is_terminal();
    if commands.is_empty() || !is_attended {
        return false;
    }
    let Some(terminal) = terminal::terminal() else {
        return false;
    };
    terminal::say(failure.cause());
    let lines: Vec<_> = commands
        .iter()
        .map(|words| format!("`az {}`", words.join(" ")))
        .collect();
    says_yes(&terminal, &format!("run {} now?", lines.join(", then ")))
        && commands
            .iter()
            .all(|words| azure_cli::run_at_terminal(words, environment))
}

/// Asks, and reads one line of the terminal's: what is typed after it is psql's.
fn says_yes(terminal: &File, question: &str) -> bool {
    let mut stderr = io::stderr();
    let _ = write!(stderr, "entra-psql: {question} [y/N] ");
    let mut answer = String::new();
    let read = BufReader::new(terminal).read_line(&mut answer);
    if !answer.ends_with('\n') {
        let _ = writeln!(stderr);
    }
    let answer = answer.trim().to_lowercase();
    read.is_ok() && matches!(answer.as_str(), "y" | "yes")
}
