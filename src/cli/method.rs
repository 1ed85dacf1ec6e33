//! The methods of getting a token, by the names that `--auth` accepts.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// From the Azure CLI.
    AzureCli,
    /// From the Azure Developer CLI.
    Azd,
    Workload(Workload),
    /// As a person, without az.
    Person(PersonMethod),
    /// With a token that someone else got.
    Env,
}

/// An application or a managed identity, by what proves it. Entra calls both workload identities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// The identity of the machine or app that entra-psql runs on.
    ManagedIdentity,
    /// An application, with a token that a Kubernetes cluster wrote to a file.
    FederatedToken,
    ClientSecret,
    ClientCertificate,
    /// The application of a service connection, in a job of Azure Pipelines.
    AzurePipelines,
    /// An application, in a job of GitHub Actions.
    GitHubActions,
}

/// How a person signs in without az.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonMethod {
    /// In a browser on this machine.
    Browser,
    /// In any browser, by typing a code there.
    DeviceCode,
}

/// Every method, its name, and how a sentence calls the source of its token.
const METHODS: [(Method, &str, &str); 11] = [
    (Method::AzureCli, "azure-cli", "the Azure CLI"),
    (Method::Azd, "azd", "the Azure Developer CLI"),
    (
        Method::Workload(Workload::ManagedIdentity),
        "managed-identity",
        "the managed identity",
    ),
    (
        Method::Workload(Workload::FederatedToken),
        "workload-identity",
        "the workload identity",
    ),
    (
        Method::Workload(Workload::ClientSecret),
        "client-secret",
        "the client secret",
    ),
    (
        Method::Workload(Workload::ClientCertificate),
        "client-certificate",
        "the client certificate",
    ),
    (
        Method::Workload(Workload::AzurePipelines),
        "azure-pipelines",
        "Azure Pipelines",
    ),
    (
        Method::Workload(Workload::GitHubActions),
        "github-actions",
        "GitHub Actions",
    ),
    (
        Method::Person(PersonMethod::Browser),
        "browser",
        "the browser",
    ),
    (
        Method::Person(PersonMethod::DeviceCode),
        "device-code",
        "the device code",
    ),
    (Method::Env, "env", "the environment"),
];

impl Method {
    pub fn by_name(name: &str) -> Option<Self> {
        let found = METHODS.iter().find(|(_, known, _)| *known == name);
        found.map(|(method, ..)| *method)
    }

    pub fn names() -> impl Iterator<Item = &'static str> {
        METHODS.iter().map(|(_, name, _)| *name)
    }

    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// Returns how a sentence calls the source of its token.
    pub fn source(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> &'static (Self, &'static str, &'static str) {
        let found = METHODS.iter().find(|(method, ..)| *method == self);
        // A test checks that every method is in the table.
        found.unwrap_or(&METHODS[0])
    }
}

impl Workload {
    /// Returns its name as a method.
    pub fn name(self) -> &'static str {
        Method::Workload(self).name()
    }
}

impl PersonMethod {
    /// Returns its name as a method.
    pub fn name(self) -> &'static str {
        Method::Person(self).name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_its_own_row() {
        for name in Method::names() {
            assert_eq!(Method::by_name(name).map(Method::name), Some(name));
        }
        assert_eq!(Method::Env.name(), "env");
        assert_eq!(Workload::GitHubActions.name(), "github-actions");
    }
}
