//! Random cases, tried on all processors.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, thread};

use fastrand::Rng;

use super::{surroundings, verdict};

const CASES: u64 = 6000;
const SEED: u64 = 20_260_101;

/// A number from the environment, for this run alone.
fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}"))
    })
}

/// Calls `work` for every number below `count`, on as many threads as there are processors.
pub fn on_all_processors(count: u64, work: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(0);
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= count {
                        break;
                    }
                    work(n);
                }
            });
        }
    });
}

/// The seed of this run, and the number of cases.
pub fn seed_and_cases(default: u64) -> (u64, u64) {
    (
        number("ENTRA_PSQL_JUDGE_SEED", SEED),
        number("ENTRA_PSQL_JUDGE_CASES", default),
    )
}

#[test]
fn random_cases_are_decided_as_psql_decides_them() {
    // Enough to see what is wrong; each is cut down, which takes many runs of psql.
    const SHOWN: usize = 5;

    let (seed, cases) = seed_and_cases(CASES);
    let failures = Mutex::new(Vec::new());
    let kinds = Mutex::new(Vec::new());
    let count = || failures.lock().expect("no thread failed").len();
    on_all_processors(cases, |n| {
        if count() >= SHOWN {
            return;
        }
        let seed = seed.wrapping_add(n);
        let case = surroundings::case(&mut Rng::with_seed(seed));
        let verdict = verdict::of(&case);
        kinds
            .lock()
            .expect("no thread failed")
            .extend(verdict.seen.iter().copied().collect::<BTreeSet<_>>());
        if verdict.agrees() {
            return;
        }
        let case = case.minimal(|case| !verdict::of(case).agrees());
        let differences = verdict::of(&case).text();
        let text = format!("seed {seed}:\n{case}  differs:\n{differences}");
        failures.lock().expect("no thread failed").push(text);
    });
    let failures = failures.into_inner().expect("no thread failed");
    assert!(
        failures.is_empty(),
        "of {cases} cases from seed {seed}, these and perhaps more differ; try one with \
         ENTRA_PSQL_JUDGE_SEED=SEED ENTRA_PSQL_JUDGE_CASES=1\n\n{}",
        failures.join("\n")
    );
    let kinds = kinds.into_inner().expect("no thread failed");
    check_mixture(&kinds, cases, MIXTURE);
}

const MIXTURE: &[(&str, u64)] = &[
    ("connects", 50),
    ("prints its version", 1),
    ("prints help", 1),
    ("complains", 10),
    ("words of ours", 15),
    ("parameters refused", 10),
    ("password of a file", 3),
    ("file without a password", 3),
    ("several hosts", 5),
    ("service", 2),
    ("variable", 20),
];

/// Holds what was seen against `mixture`: each with how many in a hundred cases are to be about it.
/// A grammar that makes too few cases of some kind would find nothing there.
pub fn check_mixture(seen: &[&str], cases: u64, mixture: &[(&str, u64)]) {
    // Of a few cases, some kind may well be missing.
    const ENOUGH: u64 = 6;

    let mut counts = BTreeMap::new();
    for what in seen {
        *counts.entry(*what).or_insert(0) += 1;
    }
    println!("{counts:#?}");
    for (what, at_least_percent) in mixture {
        let count = counts.get(what).copied().unwrap_or(0);
        let wanted = cases * at_least_percent / 100;
        assert!(
            wanted < ENOUGH || count >= wanted,
            "only {count} of {cases} cases are about: {what}"
        );
    }
}
