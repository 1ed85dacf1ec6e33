//! Which libraries a psql loads, by its loader.

use std::path::Path;

use crate::environment::Environment;
use crate::system::deadline::Deadline;
use crate::system::process::{self, NoAnswer};

/// Lists the paths of the libraries that the loader would give to `psql`, as `ldd` does: psql
/// itself doesn't run. A loader that doesn't know the variable runs it, and it ends at once.
pub fn list(
    psql: &Path,
    environment: &Environment,
    deadline: Deadline,
) -> Result<Vec<String>, NoAnswer> {
    let mut environment = environment.without_secrets();
    environment.set("LD_TRACE_LOADED_OBJECTS", "1");
    let answer = process::run(psql, &["--version".into()], &environment, deadline)?;
    let printed = String::from_utf8_lossy(&answer.stdout);
    let libraries = printed
        .lines()
        .filter_map(|line| line.split_once(" => ")?.1.rsplit_once(" ("));
    Ok(libraries.map(|(file, _)| file.to_owned()).collect())
}
