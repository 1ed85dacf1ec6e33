//! Which method gets the token: the one that was asked for, or for `auto` the one that suits this
//! machine.
//!
//! `auto` settles on one method before anything is tried, and tries no other if that one fails:
//! someone who isn't signed in as they believe has to know.
//!
//! Only options and variables are read here. If these settle nothing, `sign_in/choose.rs` checks
//! the machine.

use crate::cli::method::{Method, PersonMethod, Workload};
use crate::cli::{Auth, Options};
use crate::environment::Environment;
use crate::failure::Failure;

/// A method, and why it is this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    pub method: Method,
    /// Why `auto` chose it; nothing if the method was asked for.
    pub because: Option<&'static str>,
}

impl Choice {
    /// Returns the choice as a clause, if `auto` made it.
    pub fn explained(&self) -> Option<String> {
        let because = self.because?;
        Some(format!("`auto` chose `{}`: {because}", self.method.name()))
    }
}

/// Returns the method that was asked for, or that variables were set up for.
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
        // The job may ask for tokens, and it names an application. A job that signed in to az
        // names none.
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

/// The variables that show a way to a browser on Unix: a graphical session, the desktop around WSL,
/// or a command of the person's own.
const DISPLAYS: &str = "DISPLAY WAYLAND_DISPLAY WSL_INTEROP BROWSER";

/// Returns why nobody can be asked to sign in here. `has_terminal` is whether someone could read
/// what is asked.
pub fn find_obstacle(
    method: PersonMethod,
    environment: &Environment,
    has_terminal: bool,
) -> Option<Failure> {
    let is_set = |name: &str| environment.get_filled(name).is_some();
    let name = method.name();
    let failure = |why| Failure::sign_in(format!("`{name}` needs a person to sign in, but {why}"));
    if is_set("CI") {
        return Some(failure("`CI` is set").hint(
            "choose a method that needs nobody, such as `--auth managed-identity` or `--auth client-secret`, or unset `CI`",
        ));
    }
    let has_display = cfg!(any(windows, target_os = "macos")) || DISPLAYS.split(' ').any(is_set);
    (method == PersonMethod::Browser && !has_terminal && !has_display).then(|| {
        failure("there is neither a terminal nor a display").hint(
            "sign in once from a terminal, or choose a method that needs nobody, such as `--auth managed-identity`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_asked_if_nobody_can_answer() {
        let cause = |method, variable: &str, has_terminal| {
            let set = [(variable.into(), "x".into())].into_iter().collect();
            let failure = find_obstacle(method, &set, has_terminal)?;
            Some(failure.cause().to_owned())
        };
        let (browser, code) = (PersonMethod::Browser, PersonMethod::DeviceCode);
        for method in [browser, code] {
            let cause = cause(method, "CI", true).unwrap();
            assert!(
                cause.contains(method.name()) && cause.contains("`CI`"),
                "{cause}"
            );
        }
        assert_eq!(cause(code, "X", false), None);
        assert_eq!(cause(browser, "X", true), None);
        for display in DISPLAYS.split(' ') {
            assert_eq!(cause(browser, display, false), None);
        }
        #[cfg(not(any(windows, target_os = "macos")))]
        assert!(cause(browser, "X", false).unwrap().contains("neither"));
    }

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
    fn the_first_that_is_complete_is_chosen() {
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
