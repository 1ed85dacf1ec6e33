//! Reads what az writes to standard error when it fails: the cause in one line, and the remedy.
//!
//! Commands that az recommends are passed on, since they name the exact tenant and scope.

use std::process::ExitStatus;

use crate::entra::refusal::{self, one_line};
use crate::failure::Failure;

use super::login;

#[derive(Debug, PartialEq, Eq)]
pub struct AzError {
    cause: String,
    /// Command lines that az recommends.
    commands: Vec<String>,
    /// Whether az doesn't even start.
    broken: bool,
}

impl AzError {
    /// Reads az's standard error.
    ///
    /// az's own errors begin with `ERROR: `. If the first one announces a traceback, the next one
    /// is the cause. A bare Python traceback, or an exit code of the shell's, means that az doesn't
    /// start.
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
            cause: one_line(cause.or(lines.last().copied()).unwrap_or("no reason given")),
            commands: lines
                .iter()
                .filter(|line| line.starts_with("az "))
                .map(|line| (*line).to_owned())
                .collect(),
            broken: matches!(status.code(), Some(126 | 127))
                || cause.is_none() && text.contains("Traceback"),
        }
    }

    /// Returns whether az lost a race for its own token cache, which another try wins.
    pub fn is_lost_race(&self) -> bool {
        self.cause.contains("does not exist in MSAL token cache")
            || self.cause.contains("Can't find token from MSAL cache")
    }

    /// Returns the failure after az was asked to do `what`.
    pub fn failure(&self, what: &str) -> Failure {
        if self.cause.contains(SIGNED_OUT) {
            return Failure::sign_in("you are not signed in to the Azure CLI")
                .hint("run `az login`")
                .fix_with(login::command_in(&self.cause))
                .shared();
        }
        let failure = Failure::sign_in(format!("the Azure CLI could not {what}: {}", self.cause));
        if self.broken {
            failure.hint("reinstall the Azure CLI: it doesn't start")
        } else if let Some(remedy) = refusal::remedy_for_person(&self.cause) {
            failure.hint(remedy).shared()
        } else if !self.commands.is_empty() {
            let commands: Vec<_> = self
                .commands
                .iter()
                .map(|line| format!("`{line}`"))
                .collect();
            failure
                .hint(format!("run {}", commands.join(", then ")))
                .fix_with(login::commands(&self.commands))
                .shared()
        } else {
            let known = OTHERS.iter().find(|(text, _)| self.cause.contains(text));
            let failure = failure.hint(known.map_or(
                "run `az account get-access-token --resource-type oss-rdbms --debug` for details",
                |(_, remedy)| remedy,
            ));
            let is_refusal = REFUSALS.iter().any(|text| self.cause.contains(text));
            let failure = failure.shared_if(is_refusal);
            match known {
                Some(&(NAMES_LOGIN, _)) => failure.fix_with(login::command_in(&self.cause)),
                _ => failure,
            }
        }
    }
}

/// What az reports to someone who isn't signed in.
const SIGNED_OUT: &str = "az login' to setup account";

/// Errors for which az recommends no command line.
const OTHERS: &[(&str, &str)] = &[
    (
        "No subscription found",
        "run `az account set --subscription ID`",
    ),
    (
        "Subscription '",
        "run `az account list` to see your subscriptions, and name one with `--subscription ID`",
    ),
    (
        "non-current tenants",
        "leave out `--tenant`: a managed identity belongs to one tenant",
    ),
    (
        "Unable to get authority configuration",
        "is the tenant spelled right, and is it in az's cloud? name it with `--tenant ID`, or leave that out",
    ),
    (
        "is not registered",
        "add the cloud with `az cloud register`, or choose one that `az cloud list` shows",
    ),
    (
        "AuthorizationFailed",
        "ask for the role `Reader` on the subscription or its resource group",
    ),
    (NAMES_LOGIN, "run `az login`"),
    ("MSAL", "run `az login`"),
    ("AADSTS", "run `az login`"),
    (
        "ProxyError",
        "correct `HTTPS_PROXY`, or unset it: the Azure CLI can't connect through its proxy",
    ),
    (
        "CERTIFICATE_VERIFY_FAILED",
        "set `REQUESTS_CA_BUNDLE` to a file with your proxy's root certificate",
    ),
    (
        "HTTP Error: 5",
        "try again in a while: Microsoft Entra ID is unavailable",
    ),
    (
        "Expecting value",
        "check for a proxy or a captive portal: something else answered as `login.microsoftonline.com`",
    ),
    ("HTTPSConnectionPool", NETWORK),
    ("Connection aborted", NETWORK),
    ("ConnectionError", NETWORK),
    ("Max retries exceeded", NETWORK),
];

/// Those of them that are refusals, by az or by Entra. The others are about the network, which
/// another launch may find in another state.
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

const NETWORK: &str = "check that you can reach `login.microsoftonline.com`; if you are behind a proxy, set `HTTPS_PROXY`";
