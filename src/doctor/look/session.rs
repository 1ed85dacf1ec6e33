//! Opens a session with psql as a launch would, asks which role it has, and ends it.

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::environment::Environment;
use crate::intent::role::{Delivery, Role};
use crate::psql::command_line::Wanted;
use crate::psql::ourselves;
use crate::system::deadline::Deadline;
use crate::system::process::{self, NoAnswer};

/// What a session is asked. NUL separates the answers, since no name can have one.
const QUESTION: &str = "select current_user, current_database(), current_setting('server_version')";

/// A session that was opened.
#[derive(Debug, PartialEq, Eq)]
pub struct Session {
    pub role: String,
    pub database: String,
    /// The server's.
    pub version: String,
    /// How long it took, with psql's own start.
    pub took: Duration,
}

/// Why there is no session.
#[derive(Debug, PartialEq, Eq)]
pub enum SessionError {
    /// psql reports this.
    Refused(String),
    /// There was no answer within this time.
    Silent(Duration),
    /// psql cannot be run.
    NotStarted(String),
}

/// Returns psql's arguments for the connection that `wanted` describes, without the commands and
/// files of the command line. `role` is the one to sign in as.
pub fn arguments(wanted: &Wanted, role: Option<&Role>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["-XAtqzw", "-c", QUESTION].map(OsString::from).into();
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
            arguments.extend([option.into(), value]);
        }
    }
    arguments
}

pub fn open(
    psql: &Path,
    arguments: &[OsString],
    environment: &Environment,
    deadline: Deadline,
) -> Result<Session, SessionError> {
    let mut environment = environment.clone();
    // psql's messages are read below.
    environment.set("LC_ALL", "C");
    ourselves::count(psql, &mut environment);
    let start = Instant::now();
    let answer =
        process::run(psql, arguments, &environment, deadline).map_err(|why| match why {
            NoAnswer::TimedOut => SessionError::Silent(deadline.total()),
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
