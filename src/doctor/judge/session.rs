//! Judges the session that psql opened, or did not.

use crate::doctor::finding::{Finding, Link};
use crate::doctor::look::session::{Session, SessionError};

use super::refusal::{self, Who};

/// What came of opening a session.
pub fn judge(came: &Result<Session, SessionError>, who: &Who) -> Finding {
    match came {
        Ok(session) => Finding::ok(
            Link::SignIn,
            format!(
                "psql is in: role `{}`, database `{}`, PostgreSQL {}, {} ms",
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
            "the server takes connections and does not answer: is it starting, or busy? does something in between hold it back?",
        ),
        Err(SessionError::NotStarted(why)) => Finding::fail(Link::SignIn, format!("psql cannot be run: {why}"))
            .remedy("name another psql with `--psql PATH`"),
    }
}
