//! Which method gets the token: the one that was asked for, or for `auto` the one that can be seen.
//!
//! `auto` settles on one method before anything is tried, and nothing else is tried when that one fails: whoever is
//! signed in as somebody else than they think should hear of it.

use crate::cli::{Auth, Options};
use crate::environment::Environment;
use crate::method::Method;

/// A method, and why it is this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The method.
    pub method: Method,
    /// What `auto` saw; nothing where the method was asked for.
    pub because: Option<&'static str>,
}

impl Choice {
    /// The choice in a clause, where `auto` made it.
    #[must_use]
    pub fn explained(&self) -> Option<String> {
        let because = self.because?;
        Some(format!("`auto` chose `{}`: {because}", self.method.name()))
    }
}

/// Chooses.
#[must_use]
pub fn choose(options: &Options, environment: &Environment) -> Choice {
    match options.auth {
        Some(Auth::By(method)) => Choice {
            method,
            because: None,
        },
        None | Some(Auth::Auto) => seen(options, environment),
    }
}

/// A method that others set up for us here, in the contract's order; az where there is none.
fn seen(options: &Options, environment: &Environment) -> Choice {
    let all = |names: &[&str]| {
        let is_set = |name: &&str| environment.get_filled(name).is_some();
        names.iter().all(is_set)
    };
    let names_application = (options.client_id.is_some() || all(&["AZURE_CLIENT_ID"]))
        && (options.tenant.is_some() || all(&["AZURE_TENANT_ID"]));
    let (method, because) = if all(&["AZURE_FEDERATED_TOKEN_FILE"]) {
        (
            Method::WorkloadIdentity,
            "`AZURE_FEDERATED_TOKEN_FILE` is set",
        )
    } else if all(&[
        "SYSTEM_OIDCREQUESTURI",
        "SYSTEM_ACCESSTOKEN",
        "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
    ]) {
        (
            Method::AzurePipelines,
            "`SYSTEM_ACCESSTOKEN` and a service connection's variables are set",
        )
    } else if names_application
        && all(&[
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        ])
    {
        // The job may ask for tokens, and somebody said for which application: a job that signed az in did not.
        (
            Method::GitHubActions,
            "`ACTIONS_ID_TOKEN_REQUEST_URL` and a client id are set",
        )
    } else if all(&["AZURE_CLIENT_SECRET"]) {
        (Method::ClientSecret, "`AZURE_CLIENT_SECRET` is set")
    } else if all(&["IDENTITY_ENDPOINT", "IDENTITY_HEADER"]) {
        (Method::ManagedIdentity, "`IDENTITY_ENDPOINT` is set")
    } else {
        (Method::AzureCli, "no variable names another identity")
    };
    Choice {
        method,
        because: Some(because),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(variables: &[&str]) -> Method {
        let environment = variables
            .iter()
            .map(|name| (name.into(), "x".into()))
            .collect();
        choose(&Options::default(), &environment).method
    }

    #[test]
    fn the_first_that_is_whole() {
        let endpoint = ["IDENTITY_ENDPOINT", "IDENTITY_HEADER"];
        assert_eq!(chosen(&[]), Method::AzureCli);
        assert_eq!(chosen(&endpoint), Method::ManagedIdentity);
        assert_eq!(chosen(&endpoint[..1]), Method::AzureCli);
        let with_secret = [&endpoint[..], &["AZURE_CLIENT_SECRET"]].concat();
        assert_eq!(chosen(&with_secret), Method::ClientSecret);
        let actions = [
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            "AZURE_CLIENT_ID",
            "AZURE_TENANT_ID",
        ];
        let in_actions = [&with_secret[..], &actions].concat();
        assert_eq!(chosen(&in_actions), Method::GitHubActions);
        assert_eq!(chosen(&actions[..3]), Method::AzureCli);
        let pipelines = [
            "SYSTEM_OIDCREQUESTURI",
            "SYSTEM_ACCESSTOKEN",
            "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
        ];
        assert_eq!(chosen(&pipelines[..2]), Method::AzureCli);
        let in_pipelines = [&in_actions[..], &pipelines].concat();
        assert_eq!(chosen(&in_pipelines), Method::AzurePipelines);
        let in_a_pod = [&in_pipelines[..], &["AZURE_FEDERATED_TOKEN_FILE"]].concat();
        assert_eq!(chosen(&in_a_pod), Method::WorkloadIdentity);
    }
}
