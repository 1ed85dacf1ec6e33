//! Reads the command line as the psql that will run does: whether an option may follow an operand
//! depends on its `getopt_long`.

use std::ffi::OsString;

use crate::cli;
use crate::environment::Environment;
use crate::psql::command_line::CommandLine;

/// Reads `words`. On Unix psql uses the system's `getopt_long`, which accepts options after
/// operands unless `POSIXLY_CORRECT` is set.
#[cfg(unix)]
pub fn read(words: Vec<OsString>, environment: &Environment) -> CommandLine {
    let posix = environment.get("POSIXLY_CORRECT").is_some();
    CommandLine::read(words, posix, cli::is_own)
}

/// Reads `words`. On Windows psql uses PostgreSQL's own `getopt_long`, which accepts options after
/// operands from version 17 on (`src/port/getopt_long.c`) and ignores `POSIXLY_CORRECT`. psql is
/// asked for its version only if it makes a difference.
#[cfg(windows)]
pub fn read(words: Vec<OsString>, environment: &Environment) -> CommandLine {
    let through = CommandLine::read(words.clone(), false, cli::is_own);
    let stopping = CommandLine::read(words, true, cli::is_own);
    if through == stopping {
        return through;
    }
    match version(&through, environment) {
        Some(version) if version < 17 => stopping,
        _ => through,
    }
}

/// Returns the major version of the psql that would run, as it prints it: `psql (PostgreSQL)
/// 16.14`.
#[cfg(windows)]
fn version(line: &CommandLine, environment: &Environment) -> Option<u32> {
    use std::process::{Command, Stdio};

    use crate::psql::command_line::OwnWord;

    let named = line.own.iter().rev().find_map(|word| match word {
        OwnWord::Given(name, value) if name == "psql" => value.as_deref(),
        _ => None,
    });
    let psql = crate::psql::locate::psql(named, environment).ok()?;
    let mut environment = environment.clone();
    crate::psql::ourselves::count(&psql, &mut environment);
    let output = Command::new(psql)
        .env_clear()
        .envs(environment.iter())
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    crate::psql::version::major(&String::from_utf8_lossy(&output.stdout))
}
