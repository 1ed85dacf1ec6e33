//! Has a parser read one spoilt sample after the other, and watches it.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::counting::peak_of;
use crate::mutation::spoilt;

/// So many inputs keep the whole program under half a minute without optimisation.
const INPUTS: u64 = 2000;
const SEED: u64 = 20_260_101;

/// How long an input may become.
const LONGEST: usize = 1024 * 1024;

/// How long an argument may become: Linux passes no longer one (`MAX_ARG_STRLEN`).
pub const LONGEST_ARGUMENT: usize = 128 * 1024;

/// The most that one input may take. Without optimisation, everything takes several times as long.
const TIME: Duration = Duration::from_secs(if cfg!(debug_assertions) { 5 } else { 1 });
const MEMORY: usize = 64 * 1024 * 1024;

/// After so long an input is taken for one that never ends.
const FOREVER: Duration = Duration::from_secs(60);

/// No more of an input is shown: its seed makes it again.
const SHOWN: usize = 4000;

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}"))
    })
}

/// Has `parse` read spoilt `samples`. Each input hangs on its own seed alone.
#[track_caller]
pub fn hunt(samples: &[&[u8]], parse: impl Fn(&[u8])) {
    hunt_up_to(LONGEST, samples, parse);
}

/// The same with inputs that are not much longer than `longest`, since nothing longer gets there.
#[track_caller]
pub fn hunt_up_to(longest: usize, samples: &[&[u8]], parse: impl Fn(&[u8])) {
    let first = number("ENTRA_PSQL_PARSER_SEED", SEED);
    let inputs = number("ENTRA_PSQL_PARSER_INPUTS", INPUTS);
    let at = AtomicU64::new(first);
    let started = Instant::now();
    let finished = thread::scope(|scope| {
        let watch = scope.spawn(|| watch(&at));
        let finished = (first..first + inputs).try_for_each(|seed| {
            at.store(seed, Ordering::Relaxed);
            let input = spoilt(&mut Rng::with_seed(seed), samples, longest);
            trouble(&input, &parse).map_or(Ok(()), |what| Err(described(seed, &input, &what)))
        });
        at.store(u64::MAX, Ordering::Relaxed);
        watch.thread().unpark();
        finished
    });
    println!("{inputs} inputs in {:?}", started.elapsed());
    if let Err(text) = finished {
        panic!("{text}");
    }
}

/// Ends the program if an input never ends.
fn watch(at: &AtomicU64) {
    let mut last = at.load(Ordering::Relaxed);
    loop {
        let began = Instant::now();
        while began.elapsed() < FOREVER {
            thread::park_timeout(FOREVER);
            if at.load(Ordering::Relaxed) == u64::MAX {
                return;
            }
        }
        let now = at.load(Ordering::Relaxed);
        if now == last {
            eprintln!("the input of seed {now} takes more than {FOREVER:?}");
            std::process::abort();
        }
        last = now;
    }
}

/// What is wrong with how `parse` reads `input`.
fn trouble(input: &[u8], parse: &impl Fn(&[u8])) -> Option<String> {
    let Some((memory, time)) = measured(input, parse) else {
        return Some("has it panic".to_owned());
    };
    if memory > MEMORY {
        return Some(format!("takes {memory} bytes"));
    }
    // The machine may have had something else to do.
    let again = || measured(input, parse).map_or(time, |(_, time)| time);
    let is_slow = time > TIME && again() > TIME && again() > TIME;
    is_slow.then(|| format!("takes {time:?}"))
}

/// Returns the memory and time that `parse` takes, unless it panics.
fn measured(input: &[u8], parse: &impl Fn(&[u8])) -> Option<(usize, Duration)> {
    let began = Instant::now();
    let mut parsed = None;
    let memory = peak_of(|| parsed = catch_unwind(AssertUnwindSafe(|| parse(input))).ok());
    parsed.map(|()| (memory, began.elapsed()))
}

fn described(seed: u64, input: &[u8], what: &str) -> String {
    let shown = &input[..input.len().min(SHOWN)];
    format!(
        "an input {what}; try it with ENTRA_PSQL_PARSER_SEED={seed} ENTRA_PSQL_PARSER_INPUTS=1\n\
         its {} bytes: \"{}\"",
        input.len(),
        shown.escape_ascii()
    )
}
