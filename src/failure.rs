//! What a person is told when something is wrong: a cause, its remedies, and the exit code.
//!
//! Every error of the program ends as one [`Failure`]; it is formatted here and nowhere else.

use std::fmt;

use crate::plain_text;

/// What kind of failure it is, which fixes the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The command line or an `ENTRA_PSQL_…` variable is wrong: exit code 1.
    Usage,
    /// What was to be printed cannot be written: exit code 1, psql's own for a fatal error of its
    /// own.
    Output,
    /// Signing in failed or was refused: exit code 2, psql's own "no connection".
    SignIn,
    /// psql was found but cannot be run: exit code 126, as a shell has it.
    NotRunnable,
    /// psql was not found: exit code 127, as a shell has it.
    NotFound,
}

/// One failure: its kind, its cause in a line, and what to do about it.
///
/// Cause and hints are cleaned, since they may quote others: see [`plain_text::clean`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    kind: Kind,
    cause: String,
    hints: Vec<String>,
    mended_by: Vec<Vec<String>>,
    is_shared: bool,
    is_told: bool,
}

impl Failure {
    /// A failure of `kind` with its `cause`: lower case, no full stop.
    pub fn new(kind: Kind, cause: impl AsRef<str>) -> Self {
        Self {
            kind,
            cause: plain_text::clean(cause.as_ref()),
            hints: Vec::new(),
            mended_by: Vec::new(),
            is_shared: false,
            is_told: false,
        }
    }

    /// A mistake on the command line or in a variable.
    pub fn usage(cause: impl AsRef<str>) -> Self {
        Self::new(Kind::Usage, cause)
    }

    /// Signing in failed or was refused.
    pub fn sign_in(cause: impl AsRef<str>) -> Self {
        Self::new(Kind::SignIn, cause)
    }

    /// The same failure with one more remedy.
    pub fn hint(mut self, remedy: impl AsRef<str>) -> Self {
        self.hints.push(plain_text::clean(remedy.as_ref()));
        self
    }

    /// The same failure with commands of az that mend it, run in this order: the words of each,
    /// without `az` itself. They are run as they are, so that whoever gives them has checked them.
    pub fn mend_by(mut self, commands: Vec<Vec<String>>) -> Self {
        self.mended_by = commands;
        self
    }

    /// The same failure with more about how it came to be, in brackets behind the cause.
    pub fn noting(mut self, note: &str) -> Self {
        self.cause = format!("{} ({})", self.cause, plain_text::clean(note));
        self
    }

    /// The same failure, and everyone who asks for the same gets it now: the one who gives tokens
    /// refused. A timeout, a network or a proxy is of one launch alone.
    pub fn shared(self) -> Self {
        self.shared_if(true)
    }

    /// The same failure, shared as that which it comes from is; see [`Failure::shared`].
    pub fn shared_if(mut self, is_shared: bool) -> Self {
        self.is_shared = is_shared;
        self
    }

    /// Whether everyone who asks for the same gets it now; see [`Failure::shared`].
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Marks the failure as told already, so only its exit code is left to report.
    pub fn told(mut self) -> Self {
        self.is_told = true;
        self
    }

    pub fn is_told(&self) -> bool {
        self.is_told
    }

    /// The cause, in a line.
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// What to do about it, a line each.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Returns the cause and the hints, each with the word that its line begins with.
    pub fn lines(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let hints = self.hints.iter().map(|hint| ("hint", hint.as_str()));
        std::iter::once(("error", self.cause.as_str())).chain(hints)
    }

    /// The commands of az that mend it; see [`Failure::mend_by`].
    pub fn mended_by(&self) -> &[Vec<String>] {
        &self.mended_by
    }

    /// The process exit code.
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
