//! Turns our credentials into the SDK's.

use std::sync::Arc;
use std::time::SystemTime;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::TokenCredential;
use azure_core::http::{
    ClientOptions, ExponentialRetryOptions, RetryOptions, Transport as SdkTransport,
};
use azure_identity::{
    AzurePipelinesCredential, AzurePipelinesCredentialOptions, ClientAssertionCredential,
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
};

use crate::failure::Failure;

use super::credential::{Credential, Proof};
use crate::token::http::errors::RequestError;
use crate::token::http::transport::{Exchange, Transport};

/// How often to retry a request. By default the SDK retries a closed port for longer than the
/// deadline.
const RETRIES: u32 = 2;

impl Credential {
    /// Builds the SDK's credential, whose requests `transport` carries.
    pub(super) fn for_sdk(
        &self,
        transport: &Arc<Transport>,
    ) -> Result<Arc<dyn TokenCredential>, Failure> {
        let mut client_options = ClientOptions {
            transport: Some(SdkTransport::new(transport.clone())),
            retry: RetryOptions::exponential(ExponentialRetryOptions {
                max_retries: RETRIES,
                ..ExponentialRetryOptions::default()
            }),
            ..ClientOptions::default()
        };
        let (authority, tenant, client_id, proof) = match self {
            Self::ManagedIdentity { client_id, .. } => {
                let options = ManagedIdentityCredentialOptions {
                    user_assigned_id: client_id.clone().map(UserAssignedId::ClientId),
                    client_options,
                };
                return self.made(ManagedIdentityCredential::new(Some(options)));
            }
            Self::Application {
                authority,
                tenant,
                client_id,
                proof,
            } => (authority, tenant.clone(), client_id.clone(), proof),
        };
        let mut cloud = CustomConfiguration::default();
        cloud.authority_host.clone_from(authority);
        client_options.cloud = Some(Arc::new(CloudConfiguration::Custom(cloud)));
        let options = ClientSecretCredentialOptions {
            client_options: client_options.clone(),
        };
        let credential_options = ClientAssertionCredentialOptions { client_options };
        match proof {
            Proof::Secret(secret) => self.made(ClientSecretCredential::new(
                &tenant,
                client_id,
                secret.clone(),
                Some(options),
            )),
            Proof::Certificate(file) => {
                let audience = format!(
                    "{}/{tenant}/oauth2/v2.0/token",
                    authority.trim_end_matches('/')
                );
                let assertion = file
                    .open(SystemTime::now())?
                    .vouching(audience, client_id.clone());
                self.made(ClientAssertionCredential::new(
                    tenant,
                    client_id,
                    assertion,
                    Some(credential_options),
                ))
            }
            Proof::File(file) => self.made(ClientAssertionCredential::new(
                tenant,
                client_id,
                file.clone(),
                Some(credential_options),
            )),
            Proof::Connection { id, token } => self.made(AzurePipelinesCredential::new(
                tenant,
                client_id,
                id,
                token.clone(),
                Some(AzurePipelinesCredentialOptions { credential_options }),
            )),
            Proof::Job(job) => self.made(ClientAssertionCredential::new(
                tenant,
                client_id,
                job.vouching_through(transport.clone()),
                Some(credential_options),
            )),
        }
    }

    fn made<C: TokenCredential + 'static>(
        &self,
        made: azure_core::Result<Arc<C>>,
    ) -> Result<Arc<dyn TokenCredential>, Failure> {
        match made {
            Ok(credential) => Ok(credential),
            Err(error) => Err(RequestError {
                asked: &self.asked(),
                seen: Exchange::default(),
            }
            .failure(&error)),
        }
    }
}
