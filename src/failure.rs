//! What a person reads when something fails: a cause, hints, and the exit code.
//!
//! Every error of the program ends as one [`Failure`], which is formatted here and nowhere else.

use std::fmt;

use crate::plain_text;

/// The kind of a failure, which fixes the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The command line or an `ENTRA_PSQL_…` variable is wrong: exit code 1.
    Usage,
    /// Output can't be written: exit code 1, as for psql's own fatal errors.
    Output,
    /// Signing in failed or was refused: exit code 2, as when psql can't connect.
    SignIn,
    /// psql was found but can't be run: exit code 126, as in a shell.
    NotRunnable,
    /// psql was not found: exit code 127, as in a shell.
    NotFound,
}

/// A failure: its kind, its cause in one line, and how to fix it.
///
/// Cause and hints may quote others, so they are cleaned: see [`plain_text::clean`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    kind: Kind,
    cause: String,
    hints: Vec<String>,
    fixes: Vec<Vec<String>>,
    is_shared: bool,
    is_told: bool,
}

impl Failure {
    /// Makes a failure. Its `cause` is in lower case and has no full stop.
    pub fn new(kind: Kind, cause: impl AsRef<str>) -> Self {
        Self {
            kind,
            cause: plain_text::clean(cause.as_ref()),
            hints: Vec::new(),
            fixes: Vec::new(),
            is_shared: false,
            is_told: false,
        }
    }

    /// Makes a failure about the command line or a variable.
    pub fn usage(cause: impl AsRef<str>) -> Self {
        Self::new(Kind::Usage, cause)
    }

    /// Makes a failure of signing in.
    pub fn sign_in(cause: impl AsRef<str>) -> Self {
        Self::new(Kind::SignIn, cause)
    }

    /// Adds a remedy: an instruction in one line.
    pub fn hint(mut self, remedy: impl AsRef<str>) -> Self {
        self.hints.push(plain_text::clean(remedy.as_ref()));
        self
    }

    /// Adds the az commands that fix it, in order and without `az` itself. They are run as they
    /// are, so the caller must have checked them.
    pub fn fix_with(mut self, commands: Vec<Vec<String>>) -> Self {
        self.fixes = commands;
        self
    }

    /// Adds how it came about, in brackets after the cause.
    pub fn noting(mut self, note: &str) -> Self {
        self.cause = format!("{} ({})", self.cause, plain_text::clean(note));
        self
    }

    /// Marks the failure as one for everyone who asks for the same now: the token's issuer refused.
    /// Timeouts and network errors are one launch's own.
    pub fn shared(self) -> Self {
        self.shared_if(true)
    }

    /// Shares the failure if its cause is shared; see [`Failure::shared`].
    pub fn shared_if(mut self, is_shared: bool) -> Self {
        self.is_shared = is_shared;
        self
    }

    /// Returns whether it is for everyone who asks for the same now; see [`Failure::shared`].
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Marks the failure as told, so only its exit code is left to report.
    pub fn told(mut self) -> Self {
        self.is_told = true;
        self
    }

    pub fn is_told(&self) -> bool {
        self.is_told
    }

    pub fn cause(&self) -> &str {
        &self.cause
    }

    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Returns the cause and the hints, each with the word that its line begins with.
    pub fn lines(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let hints = self.hints.iter().map(|hint| ("hint", hint.as_str()));
        std::iter::once(("error", self.cause.as_str())).chain(hints)
    }

    /// Returns the az commands that fix it; see [`Failure::fix_with`].
    pub fn fixes(&self) -> &[Vec<String>] {
        &self.fixes
    }

    pub fn exit_code(&self) -> i32 {
        match self.kind {
            Kind::Usage | Kind::Output => 1,
            Kind::SignIn => 2,
            Kind::NotRunnable => 126,
            Kind::NotFound => 127,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lines();
        let lines = lines.map(|(label, text)| format!("entra-psql: {label}: {text}"));
        f.write_str(&lines.collect::<Vec<_>>().join("\n"))
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_cleaned() {
        let failure = Failure::sign_in("it said\n\u{1b}[2J eyJ0.eyJ1.x")
            .hint("run `az\r--token eyJ0.eyJ1.x`")
            .noting("by\u{202e} eyJ0.eyJ1.x");
        assert_eq!(
            failure.to_string(),
            "entra-psql: error: it said [2J (hidden) (by\\u{202e} (hidden))\n\
             entra-psql: hint: run `az --token (hidden)`"
        );
    }
}
