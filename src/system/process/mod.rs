//! Runs a program (az or azd) to its end or to the deadline, and ends it with everything that it
//! started. No shell is involved.
//!
//! Polling its pipes and its end in turn needs no thread, and what it leaves running can't block
//! us.

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

/// A program's answer. It may hold a token, so it has no `Debug`.
pub struct Answer {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum NoAnswer {
    NotStarted(io::Error),
    /// It was ended at the deadline.
    TimedOut,
}

/// Runs `program` with `words` and only `environment`, its input closed.
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
            // It has ended, so this returns at once and leaves no zombie.
            let _ = child.wait();
            Err(why)
        }
    }
}

/// Returns the answer, and whether something that the program started keeps its pipes open.
fn collect(child: &mut Child, deadline: Deadline) -> Result<(Answer, bool), NoAnswer> {
    let mut stdout = Pipe::new(child.stdout.take());
    let mut stderr = Pipe::new(child.stderr.take());
    loop {
        // Checked before the pipes are read: by its end, all of its output is in them.
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
