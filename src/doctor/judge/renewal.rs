//! Names what brings a newer token. `--fresh` asks the source again, and some sources then answer
//! from a cache of their own.

use std::time::Duration;

use crate::cli::method::{Method, Workload};

/// A younger token includes the groups of now.
const YOUNG: Duration = Duration::from_secs(60);

/// Returns what to do for a newer token.
pub fn advice(method: Option<Method>) -> &'static str {
    match method {
        Some(Method::AzureCli) => {
            "run `az logout` and `az login`, or use `--auth browser --fresh` (with `--fresh` alone, az returns the same token until it has five minutes left)"
        }
        Some(Method::Azd) => {
            "run `azd auth logout` and `azd auth login`, or use `--auth browser --fresh` (with `--fresh` alone, azd returns the same token while it is valid)"
        }
        Some(Method::Workload(Workload::ManagedIdentity)) => {
            "wait until the token expires: the identity endpoint returns the same one until then, for up to 24 hours, even with `--fresh`"
        }
        Some(Method::Env) => "replace the token that you supply",
        Some(Method::Workload(_) | Method::Person(_)) | None => "use `--fresh`",
    }
}

/// Returns what to do if a token of this age may lack a new group.
pub fn for_groups(method: Option<Method>, age: Option<Duration>) -> Option<String> {
    let age = age.filter(|age| *age >= YOUNG)?;
    let minutes = age.as_secs() / 60;
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    Some(format!(
        "if you were added to the group, or activated it in PIM, after the token was issued {minutes} {unit} ago, {}",
        advice(method)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::method::PersonMethod;

    #[test]
    fn caches_of_others_are_named() {
        for (method, names) in [
            (Method::AzureCli, "`az logout` and `az login`"),
            (Method::Azd, "`azd auth logout`"),
            (Method::Workload(Workload::ManagedIdentity), "24 hours"),
            (Method::Workload(Workload::ClientSecret), "use `--fresh`"),
            (Method::Person(PersonMethod::Browser), "use `--fresh`"),
            (Method::Env, "replace the token"),
        ] {
            let advice = advice(Some(method));
            assert!(advice.contains(names), "{method:?}: {advice}");
        }
    }

    #[test]
    fn a_new_token_includes_the_groups_of_now() {
        let told = |seconds| {
            let age = Duration::from_secs(seconds);
            for_groups(Some(Method::AzureCli), Some(age))
        };
        assert_eq!(told(59), None);
        assert!(told(60).is_some_and(|told| told.contains("issued 1 minute ago")));
        assert!(told(2550).is_some_and(|told| told.contains("issued 42 minutes ago")));
        assert_eq!(for_groups(None, None), None);
    }
}
