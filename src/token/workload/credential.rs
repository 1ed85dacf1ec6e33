//! Who we are to be, read from the variables that the SDKs of Azure and their hosts have for it.

use std::ffi::OsStr;
use std::path::Path;

use azure_core::credentials::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::cli::method::{Method, Workload};
use crate::cli::values;
use crate::entra::refusal;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::intent::Plan;
use crate::token::http::errors::Asked;
use crate::token::http::host_of;
use crate::token::http::transport::Transport;
use crate::token::{CacheKey, LEAST_LIFE};

use super::certificate::CertificateFile;
use super::federated::TokenFile;
use super::github_actions::Job;
use crate::token::variables::Variables;

/// Who we are to be, and what proves it. Secrets in it hide themselves.
#[derive(Debug)]
pub enum Credential {
    /// An application of a tenant.
    Application {
        /// Where its Entra is: `https://HOST`.
        authority: String,
        /// The tenant's id or domain.
        tenant: String,
        /// The application's client id.
        client_id: String,
        /// What proves it.
        proof: Proof,
    },
    /// The identity of the machine or app that we run on.
    ManagedIdentity {
        /// The client id of a user-assigned one.
        client_id: Option<String>,
        /// The base address that stands in for a virtual machine's endpoint, where a variable names
        /// one.
        stand_in: Option<String>,
    },
}

/// What proves an application.
#[derive(Debug)]
pub enum Proof {
    /// Its secret.
    Secret(Secret),
    /// A certificate of its own, with the private key.
    Certificate(CertificateFile),
    /// A file that the cluster writes a token to.
    File(TokenFile),
    /// A service connection of Azure Pipelines, with the job's own token. The SDK reads the address
    /// to ask.
    Connection {
        /// The service connection's id.
        id: String,
        /// The job's token.
        token: Secret,
    },
    /// A job of GitHub Actions.
    Job(Job),
}

impl Proof {
    fn name(&self) -> &'static str {
        match self {
            Self::Secret(_) => "the secret",
            Self::Certificate(_) => "the certificate",
            Self::File(_) => "the token file",
            Self::Connection { .. } => "the service connection and the job's token",
            Self::Job(_) => "the job's permissions",
        }
    }
}

impl Credential {
    /// Reads what `plan` needs from its options, and else from the variables.
    ///
    /// # Errors
    ///
    /// A variable that is needed is not set or wrong, or the token file cannot be read.
    pub fn read(
        workload: Workload,
        plan: &Plan,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let variables = Variables {
            method: workload.name(),
            plan,
            environment,
        };
        let proof = match workload {
            Workload::FederatedToken => {
                let file = variables.needed("AZURE_FEDERATED_TOKEN_FILE")?;
                Proof::File(TokenFile::open(Path::new(file))?)
            }
            Workload::AzurePipelines => {
                variables.https("SYSTEM_OIDCREQUESTURI")?;
                Proof::Connection {
                    id: variables.text("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID")?,
                    token: variables.text("SYSTEM_ACCESSTOKEN")?.into(),
                }
            }
            Workload::GitHubActions => Proof::Job(Job {
                url: variables.https("ACTIONS_ID_TOKEN_REQUEST_URL")?,
                token: variables.text("ACTIONS_ID_TOKEN_REQUEST_TOKEN")?.into(),
            }),
            Workload::ClientSecret => Proof::Secret(variables.text("AZURE_CLIENT_SECRET")?.into()),
            Workload::ClientCertificate => {
                let file = Path::new(variables.needed("AZURE_CLIENT_CERTIFICATE_PATH")?);
                let password = variables.verbatim("AZURE_CLIENT_CERTIFICATE_PASSWORD")?;
                Proof::Certificate(CertificateFile::read(file, password)?)
            }
            Workload::ManagedIdentity => {
                spoken_here(environment)?;
                return Ok(Self::ManagedIdentity {
                    client_id: variables.client_id(&["AZURE_CLIENT_ID"])?,
                    stand_in: variables.filled("AZURE_POD_IDENTITY_AUTHORITY_HOST")?,
                });
            }
        };
        // A service connection's own variables know better than those that a job may have set for
        // something else.
        let is_connection = matches!(proof, Proof::Connection { .. });
        let first = usize::from(!is_connection);
        let tenants = &["AZURESUBSCRIPTION_TENANT_ID", "AZURE_TENANT_ID"][first..];
        let client_ids = &["AZURESUBSCRIPTION_CLIENT_ID", "AZURE_CLIENT_ID"][first..];
        Ok(Self::Application {
            authority: variables.authority()?,
            tenant: match &plan.options.tenant {
                Some(tenant) => tenant.clone(),
                None => variables
                    .first(tenants, values::tenant)?
                    .ok_or_else(|| variables.missing(tenants[0], "--tenant ID"))?,
            },
            client_id: variables
                .client_id(client_ids)?
                .ok_or_else(|| variables.missing(client_ids[0], "--client-id ID"))?,
            proof,
        })
    }

    /// What its token of `resource` is kept under.
    pub fn cache_key(&self, method: Method, resource: &str, environment: &Environment) -> CacheKey {
        let endpoint = environment.get("IDENTITY_ENDPOINT");
        let asked = (resource, self.key(), endpoint);
        CacheKey {
            identity: format!("{} {asked:?}", method.name()),
            state: self.fingerprint(),
            least_life: LEAST_LIFE,
        }
    }

    /// What is asked for its tokens, for errors.
    pub fn asked(&self) -> Asked {
        let (host, advice) = match self {
            Self::ManagedIdentity { client_id, .. } => (
                String::new(),
                match client_id {
                    Some(client_id) => format!(
                        "is `{client_id}` the client id of a managed identity that is assigned here? choose with `--client-id ID`"
                    ),
                    None => "is a managed identity assigned here? name a user-assigned one with `--client-id ID`".to_owned(),
                },
            ),
            Self::Application {
                authority,
                tenant,
                client_id,
                proof,
            } => (
                host_of(authority).to_owned(),
                format!(
                    "check the application `{client_id}`, its tenant `{tenant}`, and {}",
                    proof.name()
                ),
            ),
        };
        Asked {
            host,
            is_nearby: matches!(self, Self::ManagedIdentity { .. }),
            advice,
            remedy: refusal::remedy_for_application,
        }
    }

    /// The way to what is asked.
    pub(super) fn transport(&self) -> Result<Transport, Failure> {
        match self {
            Self::ManagedIdentity { stand_in, .. } => Transport::nearby(stand_in.as_deref()),
            Self::Application { .. } => Transport::to_entra(),
        }
    }

    /// A fingerprint of what proves the identity and is not asked for anew at each fetch: its
    /// change makes a remembered token forgotten.
    fn fingerprint(&self) -> String {
        match self {
            Self::Application {
                proof: Proof::Secret(secret),
                ..
            } => fingerprint(&[secret.secret().as_bytes()]),
            Self::Application {
                proof: Proof::Certificate(file),
                ..
            } => file.fingerprint(),
            _ => String::new(),
        }
    }

    /// What tells this identity from others, for the key under which its token is remembered. No
    /// secret is in it.
    fn key(&self) -> Vec<&OsStr> {
        match self {
            Self::ManagedIdentity {
                client_id,
                stand_in,
            } => [client_id, stand_in]
                .map(|value| OsStr::new(value.as_deref().unwrap_or_default()))
                .into(),
            Self::Application {
                authority,
                tenant,
                client_id,
                proof,
            } => {
                let proof = match proof {
                    Proof::File(file) => file.path().as_os_str(),
                    Proof::Connection { id, .. } => id.as_ref(),
                    Proof::Job(job) => job.url.as_ref(),
                    Proof::Secret(_) => OsStr::new(""),
                    Proof::Certificate(file) => file.path().as_os_str(),
                };
                vec![
                    authority.as_ref(),
                    tenant.as_ref(),
                    client_id.as_ref(),
                    proof,
                ]
            }
        }
    }
}

/// Refuses the endpoints that the SDK does not speak, which would be known from its own words only
/// after a while. Which is which follows from the variables that each host sets, as Azure's SDKs
/// tell them apart.
fn spoken_here(environment: &Environment) -> Result<(), Failure> {
    let is_set = |name| environment.get_filled(name).is_some();
    let host = match ["IDENTITY_ENDPOINT", "IDENTITY_HEADER"].map(is_set) {
        [true, true] if is_set("IDENTITY_SERVER_THUMBPRINT") => "Service Fabric",
        [true, false] if is_set("IMDS_ENDPOINT") => "Azure Arc",
        [false, _] if is_set("MSI_ENDPOINT") && is_set("MSI_SECRET") => "Azure Machine Learning",
        [false, _] if is_set("MSI_ENDPOINT") => "Cloud Shell",
        _ => return Ok(()),
    };
    Err(Failure::sign_in(format!(
        "the identity endpoint of {host} is not spoken here"
    ))
    .hint("sign in to the Azure CLI with `az login --identity`, and use `--auth azure-cli`"))
}

/// A digest of parts that tells them from others, and does not tell what they are.
pub(super) fn fingerprint(parts: &[&[u8]]) -> String {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for part in parts {
        context.update(&part.len().to_le_bytes());
        context.update(part);
    }
    URL_SAFE_NO_PAD.encode(context.finish())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::token::workload::github_actions::Job;

    #[test]
    fn debug_shows_no_secret() {
        let secret = || Secret::new("hush");
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("app.pem");
        fs::write(&file, "hush").unwrap();
        let certificate = CertificateFile::read(&file, Some(secret())).unwrap();
        for proof in [
            Proof::Secret(secret()),
            Proof::Certificate(certificate),
            Proof::Connection {
                id: "id".to_owned(),
                token: secret(),
            },
            Proof::Job(Job {
                url: "https://x".to_owned(),
                token: secret(),
            }),
        ] {
            let credential = Credential::Application {
                authority: "https://x".to_owned(),
                tenant: "t".to_owned(),
                client_id: "c".to_owned(),
                proof,
            };
            let shown = format!("{credential:?}");
            assert!(!shown.contains("hush") && !shown.contains("104"), "{shown}");
            assert!(!credential.fingerprint().contains("hush"));
        }
    }

    #[test]
    fn fingerprints_tell_parts_apart() {
        assert_ne!(fingerprint(&[b"ab", b"c"]), fingerprint(&[b"a", b"bc"]));
        assert_eq!(fingerprint(&[b"ab"]), fingerprint(&[b"ab"]));
    }
}
