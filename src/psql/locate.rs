//! Finds psql: the one that is named, else on `PATH` (never ourselves), else in the well-known
//! places. Finds any other program too.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::failure::{Failure, Kind};
#[cfg(windows)]
use crate::system::platform;

use super::ourselves;

/// What to do if the program of `--exec` can't be run.
pub const REMEDY_FOR_PROGRAM: &str = "name a program after `--exec`, by its path or by its name on `PATH`; a script needs a `#!` line";

/// Returns where installers put psql without adding it to `PATH`. A `*` is any version, the highest
/// first.
#[cfg(unix)]
fn well_known(_environment: &Environment) -> Vec<String> {
    [
        // Homebrew doesn't link its libpq or its versions of PostgreSQL.
        "/opt/homebrew/opt/libpq/bin/psql",
        "/usr/local/opt/libpq/bin/psql",
        "/home/linuxbrew/.linuxbrew/opt/libpq/bin/psql",
        "/opt/homebrew/opt/postgresql@*/bin/psql",
        "/usr/local/opt/postgresql@*/bin/psql",
        "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin/psql",
        "/Applications/Postgres.app/Contents/Versions/latest/bin/psql",
        // PostgreSQL's installer for macOS, and MacPorts.
        "/Library/PostgreSQL/*/bin/psql",
        "/opt/local/lib/postgresql*/bin/psql",
        // The packages of the PGDG.
        "/usr/pgsql-*/bin/psql",
        "/usr/lib/postgresql/*/bin/psql",
    ]
    .map(str::to_owned)
    .into()
}

/// Returns where installers put psql without adding it to `PATH`. A `*` is any version, the highest
/// first.
///
/// No path of Unix is among them: anyone may create directories in the root of a drive.
#[cfg(windows)]
fn well_known(environment: &Environment) -> Vec<String> {
    let folders = platform::program_folders(environment);
    let places = folders.iter().filter_map(|folder| folder.to_str());
    places
        .map(|folder| format!(r"{folder}\PostgreSQL\*\bin\psql.exe"))
        .collect()
}

/// Finds psql. `named` is `--psql`, which beats its variable.
pub fn psql(named: Option<&OsStr>, environment: &Environment) -> Result<PathBuf, Failure> {
    let found = found(named, environment)?;
    ourselves::check(&found, environment)?;
    Ok(found)
}

fn found(named: Option<&OsStr>, environment: &Environment) -> Result<PathBuf, Failure> {
    let path = environment.get("PATH");
    let named = named.or_else(|| environment.get_filled("ENTRA_PSQL_PROGRAM"));
    if let Some(named) = named {
        let found = which::which_in(named, path, ".").map_err(|_| {
            let failure = not_found(Path::new(named));
            failure.hint(
                "name psql itself with `--psql PATH` or `ENTRA_PSQL_PROGRAM`, or set neither to search `PATH`",
            )
        })?;
        return if ourselves::is(&found) {
            Err(ourselves::refused(&found))
        } else {
            Ok(found)
        };
    }
    let on_path = path.and_then(|path| which::which_in_all("psql", Some(path), ".").ok());
    let mut passed_over = None;
    for program in on_path.into_iter().flatten() {
        if !ourselves::is(&program) {
            return Ok(program);
        }
        passed_over.get_or_insert(program);
    }
    let places = well_known(environment);
    let mut places = places.iter().flat_map(|place| expand(place));
    places
        .find(|place| place.is_file() && !ourselves::is(place))
        .ok_or_else(|| {
            let but = passed_over.map_or_else(String::new, |program| {
                format!(": `{}` is entra-psql itself", program.display())
            });
            Failure::new(Kind::NotFound, format!("psql was not found on `PATH`{but}"))
                .hint("install the PostgreSQL client, or name its psql with `--psql PATH`")
        })
}

/// Finds the program of `--exec`.
pub fn program(name: &OsStr, environment: &Environment) -> Result<PathBuf, Failure> {
    which::which_in(name, environment.get("PATH"), ".")
        .map_err(|_| not_found(Path::new(name)).hint(REMEDY_FOR_PROGRAM))
}

/// Returns whether a program is a script, such as Debian's wrapper around psql.
pub fn is_script(program: &Path) -> bool {
    let mut beginning = [0; 2];
    let read = File::open(program).and_then(|mut file| file.read_exact(&mut beginning));
    read.is_ok() && &beginning == b"#!"
}

/// Returns why a program that was named can't be used.
fn not_found(program: &Path) -> Failure {
    let shown = program.display();
    if program.exists() {
        let cause = format!("`{shown}` is not an executable program");
        Failure::new(Kind::NotRunnable, cause)
    } else {
        Failure::new(Kind::NotFound, format!("`{shown}` was not found"))
    }
}

/// Returns the paths that match a pattern with at most one `*`, the highest version first.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return vec![pattern.into()];
    };
    let separator = before.rfind(['/', '\\']).map_or(0, |at| at + 1);
    let (directory, beginning) = before.split_at(separator);
    let mut versions: Vec<String> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_prefix(beginning)?.to_owned()))
        .filter(|version| version.starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    versions.sort_by_key(|version| {
        let digits = version.split(|c: char| !c.is_ascii_digit()).next();
        std::cmp::Reverse(digits.and_then(|digits| digits.parse::<u32>().ok()))
    });
    versions
        .into_iter()
        .map(|version| PathBuf::from(format!("{before}{version}{after}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_every_version_the_highest_first() {
        let place = tempfile::tempdir().unwrap();
        for version in ["9.6", "15", "16", "common"] {
            std::fs::create_dir_all(place.path().join(version).join("bin")).unwrap();
        }
        let pattern = format!("{}/*/bin/psql", place.path().display());
        let found = expand(&pattern);
        let versions: Vec<_> = ["16", "15", "9.6"]
            .map(|version| PathBuf::from(format!("{}/{version}/bin/psql", place.path().display())))
            .into();
        assert_eq!(found, versions);
        assert_eq!(expand("/a/psql"), [PathBuf::from("/a/psql")]);
        let keg = place.path().join("postgresql@16");
        std::fs::create_dir(&keg).unwrap();
        let pattern = format!("{}/postgresql@*", place.path().display());
        assert_eq!(expand(&pattern), [keg]);
    }
}
