//! Reads the command line as the psql that will run does: whether an option may stand behind an
//! operand is for its `getopt_long` to say.

use std::ffi::OsString;

use crate::cli;
use crate::environment::Environment;
use crate::psql::command_line::CommandLine;

/// Reads `words`. On Unix psql has the system's `getopt_long`, which looks behind operands unless
/// `POSIXLY_CORRECT` is set.
#[cfg(unix)]
pub fn read(words: Vec<OsString>, environment: &Environment) -> CommandLine {
    let posix = environment.get("POSIXLY_CORRECT").is_some();
    CommandLine::read(words, posix, cli::is_own)
}

/// Reads `words`. For Windows psql has PostgreSQL's own `getopt_long`, which looks behind operands
/// from version 17 on (`src/port/getopt_long.c`) and knows no `POSIXLY_CORRECT`. Where it makes a
/// difference, and only there, psql is asked for its version.
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

/// The major version of the psql that `line` leads to, as psql says it: `psql (PostgreSQL) 16.14`.
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
