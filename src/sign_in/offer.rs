//! Offers to sign in with the Azure CLI, if that is what is missing and someone is at the terminal.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Write as _};

use crate::environment::Environment;
use crate::failure::Failure;
use crate::system::terminal;
use crate::token::azure_cli;

/// Offers to run the commands that fix `failure`, and runs them. Returns what is left to report if
/// the person isn't signed in afterwards.
///
/// There is no question if az named no command, without a terminal, or in CI. Nobody waits for the
/// answer: the lock is released, and the deadline is over.
pub fn run_az_login(failure: Failure, environment: &Environment) -> Result<(), Failure> {
    let commands = failure.fixes();
    let is_attended = environment.get_filled("CI").is_none()
        && io::stdin().is_terminal()
        && io::stderr().is_terminal();
    if commands.is_empty() || !is_attended {
        return Err(failure);
    }
    let Some(terminal) = terminal::terminal() else {
        return Err(failure);
    };
    terminal::say(failure.cause());
    let lines: Vec<String> = commands
        .iter()
        .map(|words| format!("`az {}`", words.join(" ")))
        .collect();
    if !is_accepted(&terminal, &format!("run {} now?", lines.join(", then "))) {
        return Err(failure.told());
    }
    for (words, line) in commands.iter().zip(lines) {
        if !azure_cli::run_at_terminal(words, environment) {
            return Err(Failure::sign_in(format!("{line} failed"))
                .hint("run the command again, or choose another method with `--auth METHOD`"));
        }
    }
    Ok(())
}

/// Asks, and reads one line from the terminal: what is typed after it is psql's.
fn is_accepted(terminal: &File, question: &str) -> bool {
    let mut stderr = io::stderr();
    let _ = write!(stderr, "entra-psql: {question} [Y/n] ");
    let mut answer = String::new();
    let read = BufReader::new(terminal).read_line(&mut answer);
    let is_line = answer.ends_with('\n');
    if !is_line {
        let _ = writeln!(stderr);
    }
    let answer = answer.trim().to_lowercase();
    read.is_ok() && is_line && matches!(answer.as_str(), "" | "y" | "yes")
}
