//! What psql is: its version, whether it is a script around the real one, and which libpq it runs
//! on.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::psql::{locate, ourselves};
use crate::system::deadline::Deadline;
use crate::system::process::{self, NoAnswer};

/// Where the programs are that Debian's wrapper chooses from, each below its version.
const BEHIND_WRAPPER: &str = "/usr/lib/postgresql";

/// What was seen of psql.
#[derive(Clone, Debug)]
pub struct Psql {
    /// Where it is.
    pub program: PathBuf,
    /// What it says to `--version`, or why it says nothing.
    pub version: Result<String, String>,
    /// Whether it is a script.
    pub is_script: bool,
    /// The library that it loads, without links: its name ends in its version.
    pub libpq: Option<PathBuf>,
}

/// Looks at `program`.
pub fn look(program: PathBuf, environment: &Environment, deadline: Deadline) -> Psql {
    let mut environment = environment.without_secrets();
    ourselves::count(&program, &mut environment);
    let is_script = locate::is_script(&program);
    Psql {
        version: version(&program, &environment, deadline),
        libpq: libpq(&program, is_script, &environment, deadline),
        is_script,
        program,
    }
}

fn version(
    program: &Path,
    environment: &Environment,
    deadline: Deadline,
) -> Result<String, String> {
    let answer = process::run(program, &["--version".into()], environment, deadline);
    match answer {
        Ok(answer) if answer.status.success() => {
            Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
        }
        Ok(answer) => {
            let said = String::from_utf8_lossy(&answer.stderr);
            Err(said.lines().next().unwrap_or("it fails").to_owned())
        }
        Err(NoAnswer::TimedOut) => Err("it does not answer".to_owned()),
        Err(NoAnswer::NotStarted(why)) => Err(why.to_string()),
    }
}

/// Has the loader say which libpq it would take, as `ldd` does: psql itself never runs.
fn libpq(
    program: &Path,
    is_script: bool,
    environment: &Environment,
    deadline: Deadline,
) -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    // Those behind the wrapper share one libpq, so that any of them will do.
    let real = if is_script {
        let versions = fs::read_dir(BEHIND_WRAPPER).ok()?;
        let programs = versions
            .flatten()
            .map(|entry| entry.path().join("bin/psql"));
        programs.filter(|program| program.is_file()).max()?
    } else {
        program.to_owned()
    };
    let mut environment = environment.clone();
    environment.set("LD_TRACE_LOADED_OBJECTS", "1");
    let words: [OsString; 0] = [];
    let answer = process::run(&real, &words, &environment, deadline).ok()?;
    let said = String::from_utf8_lossy(&answer.stdout).into_owned();
    let path = said
        .lines()
        .filter(|line| line.trim_start().starts_with("libpq."))
        .find_map(|line| line.split("=> ").nth(1)?.split(" (").next())?;
    fs::canonicalize(path.trim()).ok()
}
