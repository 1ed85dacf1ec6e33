//! Opens a session with psql as the launch would, asks who that is, and ends it.

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::environment::Environment;
use crate::intent::role::{Delivery, Role};
use crate::psql::command_line::Wanted;
use crate::psql::ourselves;
use crate::system::deadline::Deadline;
use crate::system::process::{self, NoAnswer};

/// What a session is asked. The answers are parted by NUL, which no name can hold.
const QUESTION: &str = "select current_user, current_database(), current_setting('server_version')";

/// A session that was opened.
#[derive(Debug, PartialEq, Eq)]
pub struct Session {
    pub role: String,
    pub database: String,
    /// The server's version.
    pub version: String,
    /// How long it took, psql's own start included.
    pub took: Duration,
}

/// Why there was none.
#[derive(Debug, PartialEq, Eq)]
pub enum SessionError {
    /// psql said why.
    Refused(String),
    /// Nobody said anything.
    Silent,
    /// psql could not be run.
    NotStarted(String),
}

/// psql's words for the connection that `wanted` says, and for nothing else: none of the command
/// line's own commands and files. `role` is the one that was signed in as.
pub fn words(wanted: &Wanted, role: Option<&Role>) -> Vec<OsString> {
    let mut words: Vec<OsString> = ["-XAtqzw", "-c", QUESTION].map(OsString::from).into();
    let typed = wanted.user.as_ref().map(|user| user.text.clone());
    let user = match role {
        Some(role) if role.delivery != Delivery::Variable => Some(role.name.clone()),
        _ => typed,
    };
    let options = [
        ("-h", wanted.host.clone()),
        ("-p", wanted.port.clone()),
        ("-U", user),
        ("-d", wanted.database.clone()),
    ];
    for (option, value) in options {
        if let Some(value) = value {
            words.extend([option.into(), value]);
        }
    }
    words
}

/// Opens a session.
///
/// # Errors
///
/// See [`SessionError`].
pub fn open(
    psql: &Path,
    words: &[OsString],
    environment: &Environment,
    deadline: Deadline,
) -> Result<Session, SessionError> {
    let mut environment = environment.clone();
    // psql's messages are read below.
    environment.set("LC_ALL", "C");
    ourselves::count(psql, &mut environment);
    let start = Instant::now();
    let answer = process::run(psql, words, &environment, deadline).map_err(|why| match why {
        NoAnswer::TimedOut => SessionError::Silent,
        NoAnswer::NotStarted(why) => SessionError::NotStarted(why.to_string()),
    })?;
    if !answer.status.success() {
        return Err(SessionError::Refused(
            String::from_utf8_lossy(&answer.stderr).into_owned(),
        ));
    }
    let text = String::from_utf8_lossy(&answer.stdout);
    // psql.exe ends its lines as Windows does.
    let mut values = text
        .trim_end_matches(['\r', '\n'])
        .split('\0')
        .map(str::to_owned);
    let mut next = || values.next().unwrap_or_default();
    Ok(Session {
        role: next(),
        database: next(),
        version: next(),
        took: start.elapsed(),
    })
}
