//! Judges the session that psql opened or failed to open.

use crate::doctor::finding::{Finding, Link};
use crate::doctor::look::session::{Session, SessionError};

use super::refusal::{self, Who};

/// Judges what came of opening a session.
pub fn judge(opened: &Result<Session, SessionError>, who: &Who) -> Finding {
    match opened {
        Ok(session) => Finding::ok(
            Link::SignIn,
            format!(
                "psql is signed in: role `{}`, database `{}`, PostgreSQL {}, {} ms",
                session.role,
                session.database,
                session.version,
                session.took.as_millis()
            ),
        ),
        Err(SessionError::Refused(said)) => {
            let cause = refusal::cause(said);
            let remedies = refusal::remedies(&cause, who);
            Finding::fail(Link::SignIn, cause).remedies(remedies)
        }
        Err(SessionError::Silent) => Finding::fail(Link::SignIn, "psql got no answer in time").remedy(
            "check whether the server is starting or overloaded, and that nothing in between holds the connection back; to wait longer, use `--timeout SECONDS`",
        ),
        Err(SessionError::NotStarted(why)) => Finding::fail(Link::SignIn, format!("psql cannot be run: {why}"))
            .remedy("name another psql with `--psql PATH`"),
    }
}
