//! Runs several commands in turn and takes the median of each.

use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// Commands that are compared.
pub struct Contest<'a> {
    turns: usize,
    contenders: Vec<Box<dyn Fn() -> Command + 'a>>,
}

impl<'a> Contest<'a> {
    /// A contest of so many turns for each.
    pub fn new(turns: usize) -> Self {
        Self {
            turns,
            contenders: Vec::new(),
        }
    }

    /// Enters a command; returns its place among the medians.
    pub fn enter(&mut self, command: impl Fn() -> Command + 'a) -> usize {
        self.contenders.push(Box::new(command));
        self.contenders.len() - 1
    }

    /// Runs them all, after one turn that does not count, and returns their medians in seconds of
    /// wall time.
    pub fn run(self) -> Vec<f64> {
        let mut times = vec![Vec::with_capacity(self.turns); self.contenders.len()];
        for turn in 0..=self.turns {
            for (contender, times) in self.contenders.iter().zip(&mut times) {
                let seconds = time(contender());
                if turn > 0 {
                    times.push(seconds);
                }
            }
        }
        times.into_iter().map(median).collect()
    }
}

/// The middle one of some numbers.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Runs a command so many times at once; the seconds until all have ended.
pub fn time_at_once(count: usize, command: impl Fn() -> Command) -> f64 {
    let start = Instant::now();
    let started: Vec<Child> = (0..count).map(|_| start_contender(command())).collect();
    started.into_iter().for_each(end_contender);
    start.elapsed().as_secs_f64()
}

/// Runs a command to its end; the seconds that took.
fn time(command: Command) -> f64 {
    let start = Instant::now();
    end_contender(start_contender(command));
    start.elapsed().as_secs_f64()
}

fn start_contender(mut command: Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a contender starts")
}

/// Whatever goes wrong makes the measurement worthless.
fn end_contender(child: Child) {
    let output = child.wait_with_output().expect("a contender ends");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(
        (text(&output.stdout).as_str(), text(&output.stderr).as_str()),
        ("1\n", "")
    );
}
