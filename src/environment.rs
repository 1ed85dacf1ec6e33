//! The environment variables of this process, as a value.
//!
//! Only this file reads the process environment. What decides takes an [`Environment`], so tests
//! can pass any.

use std::ffi::{OsStr, OsString};

/// The variables of `--auth env`: the token, the file that holds it, or the file descriptor to read
/// it from.
pub const READY_TOKEN: [&str; 3] = [
    "ENTRA_PSQL_TOKEN",
    "ENTRA_PSQL_TOKEN_FILE",
    "ENTRA_PSQL_TOKEN_FD",
];

/// The variables that hold a database's password or token, or lead to one.
pub const SECRETS: [&str; 4] = ["PGPASSWORD", READY_TOKEN[0], READY_TOKEN[1], READY_TOKEN[2]];

/// Environment variables in their original order.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: Vec<(OsString, OsString)>,
}

impl Environment {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
    pub fn inherited() -> Self {
        std::env::vars_os().collect()
    }

    /// Returns whether this process has the variable `name`.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
    pub fn is_inherited(name: &str) -> bool {
        std::env::var_os(name).is_some()
    }

    /// Returns the value of `name`, which may be empty.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables
            .iter()
            .find(|(key, _)| same_name(key, name))
            .map(|(_, value)| value.as_os_str())
    }

    /// Returns the value of `name` unless it is empty.
    pub fn get_filled(&self, name: &str) -> Option<&OsStr> {
        self.get(name).filter(|value| !value.is_empty())
    }

    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.remove(name);
        self.variables.push((name.into(), value.into()));
    }

    pub fn remove(&mut self, name: &str) {
        self.variables.retain(|(key, _)| !same_name(key, name));
    }

    /// Removes the ready token: once it is the password, no program needs it.
    pub fn forget_ready_token(&mut self) {
        for name in READY_TOKEN {
            self.remove(name);
        }
    }

    /// Returns the variables for a helper that needs no password or token.
    pub fn without_secrets(&self) -> Self {
        let mut environment = self.clone();
        for name in SECRETS {
            environment.remove(name);
        }
        environment
    }

    pub fn without(&self, name: &str) -> Self {
        let mut environment = self.clone();
        environment.remove(name);
        environment
    }

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

/// Compares names, on Windows without case.
fn same_name(key: &OsStr, name: &str) -> bool {
    if cfg!(windows) {
        key.eq_ignore_ascii_case(name)
    } else {
        key == name
    }
}
