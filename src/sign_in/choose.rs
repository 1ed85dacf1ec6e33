//! Chooses the method by what is on this machine, if neither options nor variables decide it.

use std::time::SystemTime;

use crate::cli::method::{Method, Workload};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::intent::Plan;
use crate::intent::method::Choice;
use crate::system::private_directory::PrivateDirectory;
use crate::token::tool::Presence;
use crate::token::workload::{Credential, metadata_service};
use crate::token::{azd, azure_cli};

use super::cache::Cache;
use super::signer::resource;

/// Chooses among az, azd and the machine's managed identity.
pub fn choice(
    plan: &Plan,
    environment: &Environment,
    directory: Option<&PrivateDirectory>,
) -> Result<Choice, Failure> {
    let azure_cli = azure_cli::presence(environment);
    let azd = || azd::presence(environment);
    // A cached token shows that the machine has an identity. Otherwise only a connection does.
    let has_identity = || {
        let credential = Credential::read(Workload::ManagedIdentity, plan, environment);
        credential.is_ok_and(|credential| {
            is_cached(&credential, plan, environment, directory)
                || metadata_service::answers(&credential)
        })
    };
    first(azure_cli, azd, has_identity).ok_or_else(|| nothing_seen(azd()))
}

fn is_cached(
    credential: &Credential,
    plan: &Plan,
    environment: &Environment,
    directory: Option<&PrivateDirectory>,
) -> bool {
    let method = Method::Workload(Workload::ManagedIdentity);
    let directory = directory.filter(|_| plan.keeps_token && !plan.options.fresh);
    directory.is_some_and(|directory| {
        let key = credential.cache_key(method, resource(plan), environment);
        let cache = Cache::new(directory, key, false);
        matches!(cache.recall(SystemTime::now()), Ok(Some(_)))
    })
}

/// Returns the first that is available, from the cheapest check to the dearest: az or azd if you
/// are signed in to it, else the managed identity. An az that is only installed is last, since its
/// error shows how to sign in.
fn first(
    azure_cli: Presence,
    azd: impl FnOnce() -> Presence,
    has_identity: impl FnOnce() -> bool,
) -> Option<Choice> {
    type Look<'a> = Box<dyn FnOnce() -> bool + 'a>;
    let candidates: [(Method, &'static str, Look<'_>); 4] = [
        (
            Method::AzureCli,
            "no environment variable names another identity, and you are signed in to `az`",
            Box::new(|| azure_cli == Presence::SignedIn),
        ),
        (
            Method::Azd,
            "you are signed in to `azd` but not to `az`",
            Box::new(|| azd() == Presence::SignedIn),
        ),
        (
            Method::Workload(Workload::ManagedIdentity),
            "you are not signed in to `az` or `azd`, and this machine has a managed identity endpoint",
            Box::new(has_identity),
        ),
        (
            Method::AzureCli,
            "no identity was found, and `az` is installed",
            Box::new(|| azure_cli == Presence::Installed),
        ),
    ];
    for (method, because, is_here) in candidates {
        if is_here() {
            return Some(Choice {
                method,
                because: Some(because),
            });
        }
    }
    None
}

fn nothing_seen(azd: Presence) -> Failure {
    let azd = match azd {
        Presence::Missing => "neither `az` nor `azd` is installed",
        Presence::Installed | Presence::SignedIn => {
            "`az` is not installed, you are not signed in to `azd`"
        }
    };
    Failure::sign_in(format!(
        "no way to get an access token was found: no environment variable names an identity, {azd}, and this machine has no managed identity endpoint"
    ))
    .hint("install the Azure CLI and run `az login`, or choose a method with `--auth METHOD`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_somebody_is_signed_in_to() {
        use Presence::{Installed, Missing, SignedIn};

        let managed_identity = Method::Workload(Workload::ManagedIdentity);
        for (azure_cli, azd, identity, method) in [
            (SignedIn, None, None, Some(Method::AzureCli)),
            (Installed, Some(SignedIn), None, Some(Method::Azd)),
            (Missing, Some(SignedIn), None, Some(Method::Azd)),
            (
                Installed,
                Some(Installed),
                Some(true),
                Some(managed_identity),
            ),
            (
                Installed,
                Some(Installed),
                Some(false),
                Some(Method::AzureCli),
            ),
            (Missing, Some(Installed), Some(true), Some(managed_identity)),
            (Missing, Some(Installed), Some(false), None),
        ] {
            let azd = || azd.expect("nobody looks after azd");
            let looks = || identity.expect("nobody looks after the machine's identity");
            let choice = first(azure_cli, azd, looks);
            assert_eq!(choice.map(|choice| choice.method), method);
        }
    }
}
