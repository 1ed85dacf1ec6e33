//! Reads what az writes to standard error when it fails: the cause in one line, and the remedy.
//!
//! Where az gives commands to run they are passed on, since they hold the exact tenant and scope.

use std::process::ExitStatus;

use crate::entra::refusal::{self, one_line};
use crate::failure::Failure;

use super::login;

/// What az said.
#[derive(Debug, PartialEq, Eq)]
pub struct AzError {
    cause: String,
    /// Command lines that it says to run.
    commands: Vec<String>,
    /// The words are not az's own: its installation is broken.
    broken: bool,
}

impl AzError {
    /// Reads az's standard error.
    ///
    /// az's own errors begin with `ERROR: `. Where the first of them announces a traceback, the
    /// next one is the cause. Python's bare traceback, and a shell that does not find it, mean that
    /// az cannot even start.
    pub fn read(stderr: &[u8], status: ExitStatus) -> Self {
        let text = String::from_utf8_lossy(stderr);
        let lines: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        let cause = lines
            .iter()
            .filter_map(|line| line.strip_prefix("ERROR: "))
            .find(|line| !line.contains("Here is the traceback"));
        Self {
            cause: one_line(
                cause
                    .or(lines.last().copied())
                    .unwrap_or("it gave no reason"),
            ),
            commands: lines
                .iter()
                .filter(|line| line.starts_with("az "))
                .map(|line| (*line).to_owned())
                .collect(),
            broken: matches!(status.code(), Some(126 | 127))
                || cause.is_none() && text.contains("Traceback"),
        }
    }

    /// Whether az lost a race for its own token cache, which another try wins.
    pub fn is_lost_race(&self) -> bool {
        self.cause.contains("does not exist in MSAL token cache")
            || self.cause.contains("Can't find token from MSAL cache")
    }

    /// The failure to tell, after az was asked to do `what`.
    pub fn failure(&self, what: &str) -> Failure {
        let failure = Failure::sign_in(format!("the Azure CLI could not {what}: {}", self.cause));
        if self.broken {
            failure.hint("install the Azure CLI anew: it cannot start")
        } else if let Some(remedy) = refusal::remedy_for_person(&self.cause) {
            failure.hint(remedy).shared()
        } else if !self.commands.is_empty() {
            let commands: Vec<_> = self
                .commands
                .iter()
                .map(|line| format!("`{line}`"))
                .collect();
            failure
                .hint(format!("sign in again: {}", commands.join(", then ")))
                .mend_by(login::commands(&self.commands))
                .shared()
        } else {
            let known = OTHERS.iter().find(|(text, _)| self.cause.contains(text));
            let failure = failure.hint(known.map_or(
                "`az account get-access-token --resource-type oss-rdbms --debug` shows more",
                |(_, remedy)| remedy,
            ));
            let is_refusal = REFUSALS.iter().any(|text| self.cause.contains(text));
            let failure = failure.shared_if(is_refusal);
            match known {
                Some(&(NAMES_LOGIN, _)) => failure.mend_by(login::command_in(&self.cause)),
                _ => failure,
            }
        }
    }
}

/// Errors for which az gives no command line.
const OTHERS: &[(&str, &str)] = &[
    (
        "No subscription found",
        "choose a subscription with `az account set --subscription ID`",
    ),
    (
        "Subscription '",
        "`az account list` shows the subscriptions that there are: name one with `--subscription ID`",
    ),
    (
        "non-current tenants",
        "leave out `--tenant`: the account that az is signed in with has one tenant alone",
    ),
    (
        "Unable to get authority configuration",
        "is the tenant spelled right, and is it in az's cloud? name it with `--tenant ID`, or leave that out",
    ),
    (
        "is not registered",
        "`az cloud list` shows the clouds that az knows; `az cloud register` adds one",
    ),
    (NAMES_LOGIN, "sign in with `az login`"),
    ("MSAL", "sign in with `az login`"),
    ("AADSTS", "sign in again with `az login`"),
    (
        "ProxyError",
        "the proxy in `HTTPS_PROXY` does not let az through: mend it, or unset it",
    ),
    (
        "CERTIFICATE_VERIFY_FAILED",
        "az does not trust what it reached: name your proxy's root file in `REQUESTS_CA_BUNDLE`",
    ),
    (
        "HTTP Error: 5",
        "Entra has trouble of its own: try again in a while",
    ),
    (
        "Expecting value",
        "something between here and `login.microsoftonline.com` answered in its place: a proxy, or a network that wants you to log in first",
    ),
    ("HTTPSConnectionPool", NETWORK),
    ("Connection aborted", NETWORK),
    ("ConnectionError", NETWORK),
    ("Max retries exceeded", NETWORK),
];

/// Those of them that are refusals, of az's or of Entra's. The others are about the way between
/// them, which may be another for another launch.
const REFUSALS: [&str; 7] = [
    "No subscription found",
    "Subscription '",
    "non-current tenants",
    "is not registered",
    NAMES_LOGIN,
    "MSAL",
    "AADSTS",
];

const NAMES_LOGIN: &str = "az login";

const NETWORK: &str =
    "is `login.microsoftonline.com` reachable from here? behind a proxy, set `HTTPS_PROXY`";
