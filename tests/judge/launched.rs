//! The launcher itself: where no token is due, psql gets the same words and variables as without
//! it, byte for byte.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Mutex;

use entra_psql::testing::cli;
use entra_psql::testing::environment::Environment;
use entra_psql::testing::psql::command_line::{CommandLine, Outcome};
use entra_psql::testing::system::platform;
use fastrand::Rng;

use super::case::{Case, Kind, Prepared};
use super::oracle::{Answer, Oracle};
use super::random::{on_all_processors, seed_and_cases};
use super::{pools, surroundings};

const CASES: u64 = 200;

/// Words of ours that say how to sign in, and so change nothing here.
const HARMLESS: &[&[&str]] = &[
    &["--tenant", "example.org"],
    &["--tenant=example.org"],
    &["--no-entra"],
    &["--single-server"],
    &["--timeout", "5"],
    &["--cloud=AzureCloud"],
];

/// Whether a token may be due: then the launcher would call for one.
fn may_sign_in(case: &Case, prepared: &Prepared) -> bool {
    let environment: Environment = prepared.variables.iter().cloned().collect();
    let line = CommandLine::read(prepared.words.clone(), case.is_posix(), cli::is_own);
    let Outcome::Connects(wanted) = line.outcome else {
        return false;
    };
    entra_psql::testing::target(&wanted, &environment).is_ok_and(|target| {
        let mut hosts = target.hosts().iter();
        hosts.any(|host| {
            host.name
                .to_ascii_lowercase()
                .windows(9)
                .any(|w| w == b"database.")
        })
    })
}

fn shown(strings: &[Vec<u8>]) -> Vec<String> {
    strings
        .iter()
        .map(|bytes| bytes.escape_ascii().to_string())
        .collect()
}

/// Where psql behind the launcher does not do as psql alone.
fn difference(alone: &Answer, launched: &Answer) -> Option<String> {
    let of = |answer: &Answer| {
        (
            shown(&answer.words),
            shown(&answer.variables),
            answer.exit_code,
            answer.connection.is_some(),
        )
    };
    let (alone, launched) = (of(alone), of(launched));
    (alone != launched)
        .then(|| format!("    psql alone    {alone:#?}\n    psql launched {launched:#?}\n"))
}

fn try_one(random: &mut Rng, bin: &Path) -> Result<(), String> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let system_user = platform::user_name().expect("the operating system has a name for us");
    let mut case = surroundings::case(random);
    // It would run in psql's place.
    case.segments
        .retain(|segment| segment.kind != Kind::Program);
    for segment in &mut case.segments {
        if segment.kind == Kind::Own {
            let words = pools::pick(random, HARMLESS).iter();
            segment.words = words.map(|&word| word.into()).collect();
        }
    }
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let case = case.variable("PATH", path);
    let prepared = case.prepare(directory.path(), &system_user);
    if may_sign_in(&case, &prepared) {
        return Ok(());
    }
    let oracle = Oracle::get();
    let Prepared {
        words,
        psql_words,
        variables,
    } = &prepared;
    let ours = Path::new(env!("CARGO_BIN_EXE_entra-psql"));
    let alone = oracle.listen(&bin.join("psql"), psql_words, variables, directory.path());
    let launched = oracle.listen(ours, words, variables, directory.path());
    match difference(&alone, &launched) {
        None => Ok(()),
        Some(difference) => Err(format!("{case}  differs:\n{difference}")),
    }
}

#[test]
fn psql_gets_its_words_and_variables_as_they_are() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let bin = directory.path().join("bin");
    fs::create_dir(&bin).expect("a temporary directory");
    symlink(&Oracle::get().psql, bin.join("psql")).expect("a link to psql");
    let (seed, cases) = seed_and_cases(CASES);
    let failures = Mutex::new(Vec::new());
    on_all_processors(cases.min(CASES), |n| {
        let seed = seed.wrapping_add(n);
        if let Err(text) = try_one(&mut Rng::with_seed(seed), &bin) {
            let text = format!("seed {seed}:\n{text}");
            failures.lock().expect("no thread failed").push(text);
        }
    });
    let failures = failures.into_inner().expect("no thread failed");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
