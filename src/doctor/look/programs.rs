//! What psql and the Azure CLI are: where, which version, and on what they run. Neither is asked
//! anything that reaches the network.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::Options;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::handover::roots::libraries;
use crate::psql::{locate, ourselves};
use crate::system::deadline::Deadline;
use crate::system::process::{self, NoAnswer};
use crate::token::azure_cli::{Account, AzureCli};

use super::within;

/// Where the programs are that Debian's wrapper chooses from, each below its version.
const CHOICE_OF_WRAPPER: &str = "/usr/lib/postgresql";

/// What is known of psql.
#[derive(Clone, Debug)]
pub struct Psql {
    pub program: PathBuf,
    /// What it prints for `--version`, or why it prints nothing.
    pub version: Result<String, String>,
    pub is_script: bool,
    /// The library that it loads, without links: its name ends in its version.
    pub libpq: Option<PathBuf>,
}

/// Checks the psql at `program`.
pub fn check_psql(program: PathBuf, environment: &Environment, deadline: Deadline) -> Psql {
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
            Err(said
                .lines()
                .next()
                .unwrap_or("it prints no reason")
                .to_owned())
        }
        Err(NoAnswer::TimedOut) => Err(format!("it did not end {}", within(deadline.total()))),
        Err(NoAnswer::NotStarted(why)) => Err(why.to_string()),
    }
}

/// Returns the libpq that the loader gives to psql.
fn libpq(
    program: &Path,
    is_script: bool,
    environment: &Environment,
    deadline: Deadline,
) -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    // The programs that the wrapper chooses from share one libpq.
    let real = if is_script {
        let versions = fs::read_dir(CHOICE_OF_WRAPPER).ok()?;
        let programs = versions
            .flatten()
            .map(|entry| entry.path().join("bin/psql"));
        programs.filter(|program| program.is_file()).max()?
    } else {
        program.to_owned()
    };
    let libraries = libraries::list(&real, environment, deadline).ok()?;
    let path = libraries.iter().find(|library| {
        let name = library.rsplit('/').next().unwrap_or_default();
        name.starts_with("libpq.")
    })?;
    fs::canonicalize(path).ok()
}

/// What is known of the Azure CLI.
#[derive(Debug)]
pub struct Az {
    pub program: PathBuf,
    pub version: Result<String, Failure>,
    /// Who is signed in.
    pub account: Result<Account, Failure>,
}

/// Checks az, and the account that `options` choose.
pub fn check_az(
    options: &Options,
    environment: &Environment,
    deadline: Deadline,
) -> Result<Az, Failure> {
    // Neither question touches az's token cache, so there is no turn to wait for.
    let az = AzureCli::find(environment, options, deadline)?;
    Ok(Az {
        program: az.program().to_owned(),
        account: az.account(),
        version: az.version(),
    })
}
