//! Runs a program to its end or to the deadline, and ends it with everything that it started: the
//! Azure CLI, or the Azure Developer CLI. No shell is between us and it.
//!
//! Its pipes and its end are watched by turns, so that no thread is needed, and what it leaves
//! running can't keep us waiting.

pub mod child_signal;
mod pipe;
pub mod tree;

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::environment::Environment;
use crate::system::deadline::Deadline;

use pipe::Pipe;
use tree::Tree;

/// What a program answered. It may hold a token, so it has no `Debug`.
pub struct Answer {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum NoAnswer {
    /// It could not be started.
    NotStarted(io::Error),
    /// It was ended at the deadline.
    TimedOut,
}

/// Runs `program` with `words` and nothing but `environment`, its input closed.
pub fn run(
    program: &Path,
    words: &[OsString],
    environment: &Environment,
    deadline: Deadline,
) -> Result<Answer, NoAnswer> {
    let mut command = Command::new(program);
    command
        .args(words)
        .env_clear()
        .envs(environment.iter())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let (mut child, tree) = Tree::start(&mut command).map_err(NoAnswer::NotStarted)?;
    match collect(&mut child, deadline) {
        Ok((answer, has_left_something)) => {
            if has_left_something {
                tree.end();
            }
            Ok(answer)
        }
        Err(why) => {
            tree.end();
            // It is ended, so this returns at once and leaves no zombie.
            let _ = child.wait();
            Err(why)
        }
    }
}

/// The answer, and whether something that the program started still has its pipes open after its
/// end.
fn collect(child: &mut Child, deadline: Deadline) -> Result<(Answer, bool), NoAnswer> {
    let mut stdout = Pipe::new(child.stdout.take());
    let mut stderr = Pipe::new(child.stderr.take());
    loop {
        // Asked before the pipes are read: what a program wrote is in them by its end.
        let ended = child.try_wait().map_err(NoAnswer::NotStarted)?;
        stdout.read_what_is_there();
        stderr.read_what_is_there();
        if let Some(status) = ended {
            let has_left_something = stdout.is_open() || stderr.is_open();
            let (stdout, stderr) = (stdout.bytes, stderr.bytes);
            let answer = Answer {
                status,
                stdout,
                stderr,
            };
            return Ok((answer, has_left_something));
        }
        let left = deadline.remaining();
        if left.is_zero() {
            return Err(NoAnswer::TimedOut);
        }
        pipe::wait([&stdout, &stderr], left);
    }
}
