//! Runs several commands in turn and takes the median of each.

use std::process::{Command, Stdio};
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

    /// Runs them all, after one turn that does not count, and returns their medians in seconds of wall time.
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
        times
            .into_iter()
            .map(|mut times| {
                times.sort_by(f64::total_cmp);
                times[times.len() / 2]
            })
            .collect()
    }
}

/// Runs a command to its end. Whatever goes wrong makes the measurement worthless.
fn time(mut command: Command) -> f64 {
    let start = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .output()
        .expect("a contender starts");
    let seconds = start.elapsed().as_secs_f64();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        (
            String::from_utf8_lossy(&output.stdout).as_ref(),
            stderr.as_ref()
        ),
        ("1\n", "")
    );
    seconds
}
