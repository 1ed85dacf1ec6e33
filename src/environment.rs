//! The environment variables we were started with, as a value.
//!
//! It is the one place that reads the process environment; everything that decides takes an
//! [`Environment`], so that it can be tried with any.

use std::ffi::{OsStr, OsString};

/// The variables that say a ready token for `--auth env`: it, the file that it is in, or the number
/// of the descriptor that it is read from.
pub const READY_TOKEN: [&str; 3] = [
    "ENTRA_PSQL_TOKEN",
    "ENTRA_PSQL_TOKEN_FILE",
    "ENTRA_PSQL_TOKEN_FD",
];

/// The variables that hold a database's password or token, or lead to one.
pub const SECRETS: [&str; 4] = ["PGPASSWORD", READY_TOKEN[0], READY_TOKEN[1], READY_TOKEN[2]];

/// A set of environment variables, in the order in which they were given.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: Vec<(OsString, OsString)>,
}

impl Environment {
    /// The variables of this process.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
    pub fn inherited() -> Self {
        std::env::vars_os().collect()
    }

    /// Whether this process has a variable `name`, of those that it would inherit.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
    pub fn is_inherited(name: &str) -> bool {
        std::env::var_os(name).is_some()
    }

    /// The value of `name`, the empty one included.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables
            .iter()
            .find(|(key, _)| same_name(key, name))
            .map(|(_, value)| value.as_os_str())
    }

    /// The value of `name` where it is set to something.
    pub fn get_filled(&self, name: &str) -> Option<&OsStr> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Sets `name` to `value`, in place of what it was.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.remove(name);
        self.variables.push((name.into(), value.into()));
    }

    /// Takes `name` out.
    pub fn remove(&mut self, name: &str) {
        self.variables.retain(|(key, _)| !same_name(key, name));
    }

    /// Takes the ready token out, of which a program has no use beside the password.
    pub fn forget_ready_token(&mut self) {
        for name in READY_TOKEN {
            self.remove(name);
        }
    }

    /// These variables for a program that only helps us, and has no use for a password or token.
    pub fn without_secrets(&self) -> Self {
        let mut environment = self.clone();
        for name in SECRETS {
            environment.remove(name);
        }
        environment
    }

    /// These variables, but for `name`.
    pub fn without(&self, name: &str) -> Self {
        let mut environment = self.clone();
        environment.remove(name);
        environment
    }

    /// All variables, name and value.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        Self {
            variables: variables.into_iter().collect(),
        }
    }
}

/// Whether a variable's name is `name`: Windows does not look at case.
fn same_name(key: &OsStr, name: &str) -> bool {
    if cfg!(windows) {
        key.eq_ignore_ascii_case(name)
    } else {
        key == name
    }
}
