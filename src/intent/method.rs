//! Which method gets the token: the one that was asked for, or for `auto` the one that can be seen.
//!
//! `auto` settles on one method before anything is tried, and nothing else is tried when that one
//! fails: whoever is signed in as somebody else than they think should hear of it.
//!
//! Here options and variables alone are looked at. If these do not settle it, `sign_in/choose.rs`
//! looks at the machine.

use crate::cli::method::{Method, Workload};
use crate::cli::{Auth, Options};
use crate::environment::Environment;

/// A method, and why it is this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    pub method: Method,
    /// What `auto` saw; nothing where the method was asked for.
    pub because: Option<&'static str>,
}

impl Choice {
    /// The choice in a clause, where `auto` made it.
    pub fn explained(&self) -> Option<String> {
        let because = self.because?;
        Some(format!("`auto` chose `{}`: {because}", self.method.name()))
    }
}

/// The method that was asked for, or that others set up for us here by variables, in the contract's
/// order. `None` where neither is.
pub fn choose(options: &Options, environment: &Environment) -> Option<Choice> {
    match options.auth {
        Some(Auth::By(method)) => Some(Choice {
            method,
            because: None,
        }),
        None | Some(Auth::Auto) => of_variables(options, environment),
    }
}

fn of_variables(options: &Options, environment: &Environment) -> Option<Choice> {
    let all = |names: &[&str]| {
        let is_set = |name: &&str| environment.get_filled(name).is_some();
        names.iter().all(is_set)
    };
    let names_application = (options.client_id.is_some() || all(&["AZURE_CLIENT_ID"]))
        && (options.tenant.is_some() || all(&["AZURE_TENANT_ID"]));
    let (workload, because) = if all(&["AZURE_FEDERATED_TOKEN_FILE"]) {
        (
            Workload::FederatedToken,
            "`AZURE_FEDERATED_TOKEN_FILE` is set",
        )
    } else if all(&[
        "SYSTEM_OIDCREQUESTURI",
        "SYSTEM_ACCESSTOKEN",
        "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
    ]) {
        (
            Workload::AzurePipelines,
            "`SYSTEM_ACCESSTOKEN` and a service connection's variables are set",
        )
    } else if names_application
        && all(&[
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        ])
    {
        // The job may ask for tokens, and somebody said for which application: a job that signed az
        // in did not.
        (
            Workload::GitHubActions,
            "`ACTIONS_ID_TOKEN_REQUEST_URL` and a client id are set",
        )
    } else if all(&["AZURE_CLIENT_SECRET"]) {
        (Workload::ClientSecret, "`AZURE_CLIENT_SECRET` is set")
    } else if all(&["AZURE_CLIENT_CERTIFICATE_PATH"]) {
        (
            Workload::ClientCertificate,
            "`AZURE_CLIENT_CERTIFICATE_PATH` is set",
        )
    } else if all(&["IDENTITY_ENDPOINT", "IDENTITY_HEADER"]) {
        (Workload::ManagedIdentity, "`IDENTITY_ENDPOINT` is set")
    } else {
        return None;
    };
    Some(Choice {
        method: Method::Workload(workload),
        because: Some(because),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(variables: &[&str]) -> Option<Workload> {
        let environment = variables
            .iter()
            .map(|name| (name.into(), "x".into()))
            .collect();
        match choose(&Options::default(), &environment)?.method {
            Method::Workload(workload) => Some(workload),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_that_is_whole() {
        let endpoint = ["IDENTITY_ENDPOINT", "IDENTITY_HEADER"];
        assert_eq!(chosen(&[]), None);
        assert_eq!(chosen(&endpoint), Some(Workload::ManagedIdentity));
        assert_eq!(chosen(&endpoint[..1]), None);
        let with_certificate = [&endpoint[..], &["AZURE_CLIENT_CERTIFICATE_PATH"]].concat();
        assert_eq!(chosen(&with_certificate), Some(Workload::ClientCertificate));
        let with_secret = [&with_certificate[..], &["AZURE_CLIENT_SECRET"]].concat();
        assert_eq!(chosen(&with_secret), Some(Workload::ClientSecret));
        let actions = [
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            "AZURE_CLIENT_ID",
            "AZURE_TENANT_ID",
        ];
        let in_actions = [&with_secret[..], &actions].concat();
        assert_eq!(chosen(&in_actions), Some(Workload::GitHubActions));
        assert_eq!(chosen(&actions[..3]), None);
        let pipelines = [
            "SYSTEM_OIDCREQUESTURI",
            "SYSTEM_ACCESSTOKEN",
            "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
        ];
        assert_eq!(chosen(&pipelines[..2]), None);
        let in_pipelines = [&in_actions[..], &pipelines].concat();
        assert_eq!(chosen(&in_pipelines), Some(Workload::AzurePipelines));
        let in_a_pod = [&in_pipelines[..], &["AZURE_FEDERATED_TOKEN_FILE"]].concat();
        assert_eq!(chosen(&in_a_pod), Some(Workload::FederatedToken));
    }
}
