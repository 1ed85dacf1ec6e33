//! The environment variables that Azure's SDKs and hosts use for an identity, and the failures if
//! one is missing or wrong.

use std::ffi::OsStr;

use azure_core::credentials::Secret;

use crate::cli::values;
use crate::entra::cloud;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::intent::Plan;

pub(super) struct Variables<'a> {
    /// Its name, for messages.
    pub(super) method: &'static str,
    pub(super) plan: &'a Plan,
    pub(super) environment: &'a Environment,
}

impl<'a> Variables<'a> {
    pub(super) fn needed(&self, name: &str) -> Result<&'a OsStr, Failure> {
        self.environment.get_filled(name).ok_or_else(|| {
            let method = self.method;
            Failure::sign_in(format!(
                "`{name}` is not set, and `--auth {method}` requires it"
            ))
            .hint(remedy(name))
        })
    }

    pub(super) fn text(&self, name: &str) -> Result<String, Failure> {
        let value = self.needed(name)?.to_str().map(str::trim);
        value
            .map(str::to_owned)
            .ok_or_else(|| wrong(name, "is not valid UTF-8"))
    }

    /// Returns a value as it is, with the spaces around it.
    pub(super) fn verbatim(&self, name: &str) -> Result<Option<Secret>, Failure> {
        let value = self.environment.get_filled(name).map(OsStr::to_str);
        match value {
            None => Ok(None),
            Some(Some(text)) => Ok(Some(Secret::new(text.to_owned()))),
            Some(None) => Err(wrong(name, "is not valid UTF-8")),
        }
    }

    pub(super) fn filled(&self, name: &str) -> Result<Option<String>, Failure> {
        let is_set = self.environment.get_filled(name).is_some();
        is_set.then(|| self.text(name)).transpose()
    }

    /// Returns a URL to which a secret may be sent.
    pub(super) fn https(&self, name: &str) -> Result<String, Failure> {
        let address = self.text(name)?;
        if address.starts_with("https://") {
            Ok(address)
        } else {
            Err(wrong(name, "is not an `https://` URL"))
        }
    }

    /// Returns the first of these that is set, if it is valid.
    pub(super) fn first(
        &self,
        names: &[&str],
        parse: impl Fn(&str) -> Result<String, String>,
    ) -> Result<Option<String>, Failure> {
        for name in names {
            if let Some(value) = self.filled(name)? {
                return parse(&value).map(Some).map_err(|why| wrong(name, &why));
            }
        }
        Ok(None)
    }

    pub(super) fn tenant(&self, names: &[&str]) -> Result<Option<String>, Failure> {
        match &self.plan.options.tenant {
            Some(tenant) => Ok(Some(tenant.clone())),
            None => self.first(names, values::tenant),
        }
    }

    pub(super) fn client_id(&self, names: &[&str]) -> Result<Option<String>, Failure> {
        match &self.plan.options.client_id {
            Some(client_id) => Ok(Some(client_id.clone())),
            None => self.first(names, values::client_id),
        }
    }

    /// Returns `AZURE_AUTHORITY_HOST`, else the authority of the server's cloud.
    pub(super) fn authority(&self) -> Result<String, Failure> {
        if self.filled("AZURE_AUTHORITY_HOST")?.is_some() {
            return self.https("AZURE_AUTHORITY_HOST");
        }
        // For an unknown cloud, a check before this requires that variable.
        let cloud = self.plan.known_cloud().unwrap_or(cloud::PUBLIC);
        Ok(cloud.authority.to_owned())
    }

    pub(super) fn missing(&self, name: &str, option: &str) -> Failure {
        let method = self.method;
        Failure::sign_in(format!(
            "`{name}` is not set, and `--auth {method}` requires it"
        ))
        .hint(format!("set `{name}`, or use `{option}`"))
    }
}

fn remedy(name: &str) -> String {
    match name {
        "SYSTEM_ACCESSTOKEN" => {
            "give the step `env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)`".to_owned()
        }
        "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID" => {
            "run the command in an `AzureCLI@2` step, or set `AZURESUBSCRIPTION_SERVICE_CONNECTION_ID` to the service connection's id".to_owned()
        }
        "ACTIONS_ID_TOKEN_REQUEST_URL" | "ACTIONS_ID_TOKEN_REQUEST_TOKEN" => {
            "give the job `permissions: id-token: write`".to_owned()
        }
        _ => format!("set `{name}`, or choose another method with `--auth METHOD`"),
    }
}

fn wrong(name: &str, why: &str) -> Failure {
    Failure::sign_in(format!("`{name}` {why}")).hint(format!("correct `{name}`, or unset it"))
}
