//! Recognises this program under another name, which is never run as psql, and a script that leads
//! back to it.
//!
//! Such a script can't be told from one that leads to psql, such as a version manager's. So the
//! scripts on the way are counted in a variable. psql itself never gets it, nor does Debian's
//! wrapper.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use crate::environment::Environment;
use crate::failure::{Failure, Kind};

/// Counts scripts.
const DEPTH: &str = "ENTRA_PSQL_DEPTH";

/// More scripts than these are a circle. A psql that is started from within psql adds one.
const MOST_SCRIPTS: u32 = 8;

/// This program is larger in every version. psql is smaller nearly everywhere.
const SMALLEST_COPY: u64 = 2 * 1024 * 1024;

/// This program is smaller in every version, except for debug builds.
const LARGEST_COPY: u64 = if cfg!(debug_assertions) {
    u64::MAX
} else {
    32 * 1024 * 1024
};

/// Scripts are smaller, and psql is larger.
#[cfg(unix)]
const LARGEST_SCRIPT: u64 = 64 * 1024;

/// Every version of this program contains it, and nothing else does.
#[used]
static MARK: [u8; 44] = *b"This is entra-psql, not psql: 2b0f63d1c5a94e";

/// Returns whether `program` is this program under any name, or another version of it.
///
/// Of psql only the size is read.
pub fn is(program: &Path) -> bool {
    let Ok(about) = fs::metadata(program) else {
        return false;
    };
    (SMALLEST_COPY..=LARGEST_COPY).contains(&about.len())
        && (is_running(program, &about) || has_mark(program).unwrap_or(false))
}

/// Returns whether this process runs `program`, perhaps through links.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "asks what runs")]
fn is_running(_program: &Path, about: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let ourselves = std::env::current_exe().and_then(fs::metadata);
    ourselves.is_ok_and(|ours| (ours.dev(), ours.ino()) == (about.dev(), about.ino()))
}

/// Returns whether this process runs `program`, perhaps through links.
#[cfg(windows)]
#[expect(clippy::disallowed_methods, reason = "asks what runs")]
fn is_running(program: &Path, _about: &fs::Metadata) -> bool {
    let ourselves = std::env::current_exe().and_then(|path| path.canonicalize());
    matches!((ourselves, program.canonicalize()), (Ok(ours), Ok(its)) if ours == its)
}

fn has_mark(program: &Path) -> io::Result<bool> {
    let mut file = File::open(program)?;
    let mut bytes = vec![0; 256 * 1024];
    // What may be the beginning of a mark stays before what is read next.
    let mut kept = 0;
    loop {
        let count = file.read(&mut bytes[kept..])?;
        if count == 0 {
            return Ok(false);
        }
        let end = kept + count;
        if contains_mark(&bytes[..end]) {
            return Ok(true);
        }
        kept = end.min(MARK.len() - 1);
        bytes.copy_within(end - kept..end, 0);
    }
}

/// Returns whether `bytes` contain [`MARK`]. Most of them are skipped, by Horspool's algorithm.
fn contains_mark(bytes: &[u8]) -> bool {
    let length = MARK.len();
    let mut at = 0;
    while let Some(place) = bytes.get(at..at + length) {
        if place == MARK {
            return true;
        }
        let last = place[length - 1];
        let known = MARK[..length - 1].iter().rposition(|byte| *byte == last);
        at += length - 1 - known.unwrap_or(0);
    }
    false
}

/// Refuses to run `psql` if it's a script and too many led here.
pub fn check(psql: &Path, environment: &Environment) -> Result<(), Failure> {
    let depth = depth(environment.get(DEPTH));
    if depth < MOST_SCRIPTS || !is_counted(psql) {
        return Ok(());
    }
    let shown = psql.display();
    let cause =
        format!("`{shown}` is a script that leads back to entra-psql, {depth} times so far");
    Err(Failure::new(Kind::NotRunnable, cause)
        .hint("make the script run psql by its path, or name that path with `--psql PATH`"))
}

/// Returns the failure if this program was named as psql.
pub fn refused(program: &Path) -> Failure {
    let cause = format!("`{}` is entra-psql itself, not psql", program.display());
    Failure::new(Kind::NotRunnable, cause).hint(
        "name psql itself with `--psql PATH` or `ENTRA_PSQL_PROGRAM`, or set neither to search `PATH`",
    )
}

/// Returns the variables for `psql` if they differ from those that it would get: `given`, or else
/// our own.
pub fn variables(psql: &Path, given: Option<&Environment>) -> Option<Environment> {
    let has_depth = match given {
        Some(environment) => environment.get(DEPTH).is_some(),
        None => Environment::is_inherited(DEPTH),
    };
    if !has_depth && !is_counted(psql) {
        return None;
    }
    let mut environment = given.map_or_else(Environment::inherited, Clone::clone);
    count(psql, &mut environment);
    Some(environment)
}

/// Counts `psql` in its `environment` if it's a script. Anything else doesn't get the count.
pub fn count(psql: &Path, environment: &mut Environment) {
    if is_counted(psql) {
        let depth = depth(environment.get(DEPTH)).saturating_add(1);
        environment.set(DEPTH, depth.to_string());
    } else {
        environment.remove(DEPTH);
    }
}

fn depth(value: Option<&OsStr>) -> u32 {
    let number = value.and_then(|value| value.to_str()?.parse().ok());
    number.unwrap_or(0)
}

/// Returns whether `program` is a script other than Debian's wrapper.
///
/// Only small files are read, so psql itself never is.
#[cfg(unix)]
fn is_counted(program: &Path) -> bool {
    let is_small = fs::metadata(program)
        .is_ok_and(|about| about.is_file() && (1..LARGEST_SCRIPT).contains(&about.len()));
    let is_one = || {
        let mut beginning = [0; 4096];
        let count = File::open(program)?.read(&mut beginning)?;
        let text = &beginning[..count];
        io::Result::Ok(text.starts_with(b"#!") && !is_debians(text))
    };
    is_small && is_one().unwrap_or(false)
}

/// Returns whether `program` is a batch file.
#[cfg(windows)]
fn is_counted(program: &Path) -> bool {
    let extension = program.extension().and_then(OsStr::to_str);
    extension.is_some_and(|extension| {
        ["cmd", "bat"]
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

/// Returns whether a script that begins so is Debian's wrapper, a Perl script that finds the
/// program of a cluster.
#[cfg(unix)]
fn is_debians(beginning: &[u8]) -> bool {
    let text = String::from_utf8_lossy(beginning);
    let first = text.lines().next().unwrap_or_default();
    first.contains("perl") && text.contains("PgCommon")
}

/// Returns whether a program that was started under this name is to be psql: through a link.
pub fn is_called_psql(name: &OsStr) -> bool {
    let name = Path::new(name).file_name().unwrap_or_default();
    if cfg!(windows) {
        name.eq_ignore_ascii_case("psql") || name.eq_ignore_ascii_case("psql.exe")
    } else {
        name == "psql"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_called_psql_is_to_be_psql() {
        let is = |name: &str| is_called_psql(name.as_ref());
        assert!(is("psql") && is("/home/me/bin/psql"));
        assert!(!is("entra-psql") && !is("/opt/psql/entra-psql") && !is(""));
        assert_eq!(is("PSQL.EXE"), cfg!(windows));
    }

    #[test]
    fn the_mark_is_found_wherever_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        for before in [0, 1, 43, 44, 45, 256 * 1024 - 44, 256 * 1024 - 7, 300_000] {
            let mut bytes = vec![b'T'; before];
            bytes.extend(MARK);
            bytes.extend([b' '; 99]);
            fs::write(&file, &bytes).unwrap();
            assert!(has_mark(&file).unwrap(), "{before}");
            bytes[before + 20] = b'_';
            fs::write(&file, &bytes).unwrap();
            assert!(!has_mark(&file).unwrap(), "{before}");
        }
        fs::write(&file, &MARK[1..]).unwrap();
        assert!(!has_mark(&file).unwrap());
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "the program that runs is this test's"
    )]
    fn a_program_with_the_mark_is_us_if_it_is_of_our_size() {
        let ourselves = std::env::current_exe().unwrap();
        assert!(is(&ourselves));
        let directory = tempfile::tempdir().unwrap();
        let copy = directory.path().join("psql");
        fs::copy(&ourselves, &copy).unwrap();
        assert!(is(&copy));
        fs::write(&copy, MARK).unwrap();
        assert!(!is(&copy));
    }

    #[cfg(unix)]
    #[test]
    fn scripts_are_counted_except_debians() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("psql");
        for (text, is_one) in [
            ("#!/bin/sh\nexec entra-psql \"$@\"\n", true),
            ("#!/usr/bin/perl\nuse PgCommon;\n", false),
            ("#!/usr/bin/perl\nexec 'psql';\n", true),
            ("#!/bin/sh\n# as PgCommon\n", true),
            ("\x7fELF#!", false),
            ("", false),
        ] {
            fs::write(&file, text).unwrap();
            assert_eq!(is_counted(&file), is_one, "{text}");
        }
        assert!(!is_counted(directory.path()));
    }

    #[test]
    fn the_variable_is_anything_until_we_count() {
        for (value, number) in [
            (None, 0),
            (Some(""), 0),
            (Some("x"), 0),
            (Some("-1"), 0),
            (Some("7"), 7),
        ] {
            assert_eq!(depth(value.map(OsStr::new)), number);
        }
    }
}
