//! The options that can only be used by themselves, and the few that each allows beside it.

use super::{Failure, Options};

const COMPLETIONS: &str = "completions";
const SERVERS: &str = "servers";
const WHOAMI: &str = "whoami";

/// The options that say how to ask for the list.
const BESIDE_SERVERS: &[&str] = &["auth", "fresh", "timeout", "entra-verbose"];

/// The options that say how to sign in, which `--whoami` does too.
const BESIDE_WHOAMI: &[&str] = &[
    "auth",
    "tenant",
    "client-id",
    "subscription",
    "cloud",
    "resource",
    "fresh",
    "timeout",
    "entra-verbose",
];

impl Options {
    /// Returns the option that can only be used by itself, if it is given.
    pub fn alone(&self) -> Option<&'static str> {
        match self.completions {
            Some(_) => Some(COMPLETIONS),
            None if self.sign_out => Some("sign-out"),
            None if self.servers.is_some() => Some(SERVERS),
            None => self.whoami.map(|_| WHOAMI),
        }
    }

    /// Refuses what the option of [`Options::alone`] doesn't allow beside it. `called` says how an
    /// option was given.
    pub(super) fn check_alone<'a>(
        &self,
        mut given: impl Iterator<Item = &'a String>,
        called: impl Fn(&str) -> String,
    ) -> Result<(), Failure> {
        let Some(alone) = self.alone() else {
            return Ok(());
        };
        let beside: &[&str] = match alone {
            COMPLETIONS => &["no-descriptions"],
            SERVERS => BESIDE_SERVERS,
            WHOAMI => BESIDE_WHOAMI,
            _ => &[],
        };
        match given.find(|name| *name != alone && !beside.contains(&name.as_str())) {
            Some(other) => Err(self.not_alone(&called(other))),
            None => Ok(()),
        }
    }

    /// Returns the failure if `other` is combined with the option of [`Options::alone`].
    pub fn not_alone(&self, other: &str) -> Failure {
        let shell = self.completions.map(|script| format!(" {}", script.shell));
        let alone = self.alone().unwrap_or_default();
        let shell = shell.unwrap_or_default();
        let failure = Failure::usage(format!("`--{alone}` can't be combined with {other}"));
        failure.hint(match alone {
            WHOAMI => format!("run `entra-psql --{alone}` without {other}: it uses no server"),
            SERVERS => format!("run `entra-psql --{alone}` without {other}"),
            _ => format!("run `entra-psql --{alone}{shell}` by itself"),
        })
    }
}
