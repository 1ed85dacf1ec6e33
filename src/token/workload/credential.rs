//! Which application or managed identity to sign in as, from options and from the variables that
//! Azure's SDKs and hosts use.

use std::ffi::OsStr;
use std::path::Path;

use azure_core::credentials::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::cli::method::{Method, Workload};
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

/// An identity and its proof. Its `Debug` hides secrets.
#[derive(Debug)]
pub enum Credential {
    Application {
        /// The address of its Entra: `https://HOST`.
        authority: String,
        /// The tenant's id or domain.
        tenant: String,
        client_id: String,
        proof: Proof,
    },
    /// The managed identity of this machine or app.
    ManagedIdentity {
        /// The client id of a user-assigned identity.
        client_id: Option<String>,
        /// The base address that replaces a virtual machine's endpoint, if a variable sets it.
        stand_in: Option<String>,
    },
}

#[derive(Debug)]
pub enum Proof {
    Secret(Secret),
    Certificate(CertificateFile),
    /// A file that the cluster writes a token to.
    File(TokenFile),
    /// A service connection of Azure Pipelines. The SDK reads the address from a variable.
    Connection {
        id: String,
        /// The job's token.
        token: Secret,
    },
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
    /// Reads the identity from options, else from variables.
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
        // A service connection's own variables come first: the job may have set the others for
        // something else.
        let is_connection = matches!(proof, Proof::Connection { .. });
        let first = usize::from(!is_connection);
        let tenants = &["AZURESUBSCRIPTION_TENANT_ID", "AZURE_TENANT_ID"][first..];
        let client_ids = &["AZURESUBSCRIPTION_CLIENT_ID", "AZURE_CLIENT_ID"][first..];
        Ok(Self::Application {
            authority: variables.authority()?,
            tenant: variables
                .tenant(tenants)?
                .ok_or_else(|| variables.missing(tenants[0], "--tenant ID"))?,
            client_id: variables
                .client_id(client_ids)?
                .ok_or_else(|| variables.missing(client_ids[0], "--client-id ID"))?,
            proof,
        })
    }

    pub fn cache_key(&self, method: Method, resource: &str, environment: &Environment) -> CacheKey {
        let endpoint = environment.get("IDENTITY_ENDPOINT");
        let asked = (resource, self.key(), endpoint);
        CacheKey {
            identity: format!("{} {asked:?}", method.name()),
            state: self.fingerprint(),
            least_life: LEAST_LIFE,
        }
    }

    /// Returns what is asked for its tokens, for errors.
    pub fn asked(&self) -> Asked {
        let (host, advice) = match self {
            Self::ManagedIdentity { client_id, .. } => (
                String::new(),
                match client_id {
                    Some(client_id) => format!(
                        "check that `{client_id}` is the client id of a managed identity of this machine, or name another with `--client-id ID`"
                    ),
                    None => "check that this machine has a managed identity; name a user-assigned one with `--client-id ID`".to_owned(),
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
                    "check the application `{client_id}`, its tenant `{tenant}` and {}",
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

    pub(super) fn transport(&self) -> Result<Transport, Failure> {
        match self {
            Self::ManagedIdentity { stand_in, .. } => Transport::nearby(stand_in.as_deref()),
            Self::Application { .. } => Transport::to_entra(),
        }
    }

    /// Returns a fingerprint of the part of the proof whose change drops a cached token.
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

    /// Returns what distinguishes this identity from others in a cache key. It contains no secret.
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

/// Refuses endpoints that the SDK doesn't support, which its own errors report late. The variables
/// tell the hosts apart, as in Azure's SDKs.
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
        "the managed identity endpoint of {host} is not supported"
    ))
    .hint("run `az login --identity`, and use `--auth azure-cli`"))
}

/// Returns a digest that distinguishes these parts from others without revealing them.
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
