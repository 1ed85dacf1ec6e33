//! Signs a person in without az: with a [`browser`] on this machine, or with a [`device_code`] in a
//! browser elsewhere. [`listener`] receives the browser's answer, and [`peer`] checks that it is
//! this person's.
//!
//! The operating system's credential store keeps the refresh token, so Entra asks only when that
//! has expired. The crate `oauth2` forms OAuth's messages, and our transport carries them.

pub mod browser;
pub mod device_code;
pub mod listener;
pub mod opener;
pub mod peer;
mod store;

use std::ffi::{OsStr, OsString};
use std::future::Future;
use std::time::Duration;

use azure_core::Error;
use azure_core::error::ErrorKind;
use azure_core::http::{HttpClient as _, Method as HttpMethod, Request};
use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicTokenResponse};
use oauth2::url::ParseError;
use oauth2::{
    AuthType, AuthUrl, ClientId, DeviceAuthorizationUrl, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, RefreshToken, RequestTokenError, Scope, StandardErrorResponse,
    TokenResponse as _, TokenUrl, http,
};
use tokio::runtime::Runtime;

use crate::cli::method::{Method, PersonMethod};
use crate::entra::refusal;
use crate::entra::role;
use crate::entra::token::Token;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::intent::Plan;
use crate::intent::method::find_obstacle;
use crate::plain_text;
use crate::system::deadline::Deadline;
use crate::system::terminal;
use crate::system::waiting::Waiting;
use crate::token::http::errors::{Asked, RequestError};
use crate::token::http::host_of;
use crate::token::http::runtime::runtime;
use crate::token::http::transport::{Exchange, Transport};
use crate::token::variables::Variables;
use crate::token::{CacheKey, LEAST_LIFE};

use store::Store;

/// Microsoft's own client for developers' tools. Every tenant has it, and the Azure CLI uses it
/// too.
pub const DEVELOPER_CLIENT: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// Work and school accounts of any tenant.
pub const ANY_TENANT: &str = "organizations";

/// How long a request to Entra may take if no person is involved.
const REQUEST_TIME: Duration = Duration::from_secs(30);

/// A person, and the application through which they sign in.
#[derive(Debug)]
pub struct Person {
    /// The address of their Entra: `https://HOST`.
    pub authority: String,
    /// The tenant's id or domain, or [`ANY_TENANT`].
    pub tenant: String,
    pub client_id: String,
    pub way: Way,
    /// Whether the credential store may keep the sign-in.
    pub keeps: bool,
    /// Whether to report that it isn't kept.
    pub is_verbose: bool,
    /// Why nobody can be asked to sign in, if that is so.
    pub obstacle: Option<Failure>,
}

impl Person {
    /// Reads how the person signs in from options and variables. Defaults are Microsoft's client
    /// for developers' tools, and any tenant.
    pub fn read(
        method: PersonMethod,
        plan: &Plan,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let variables = Variables {
            method: method.name(),
            plan,
            environment,
        };
        let tenant = variables.tenant(&["AZURE_TENANT_ID"])?;
        // `AZURE_CLIENT_ID` names an application that signs in as itself, not for a person.
        let client_id = variables.client_id(&[])?;
        Ok(Self {
            authority: variables.authority()?,
            tenant: tenant.unwrap_or_else(|| ANY_TENANT.to_owned()),
            client_id: client_id.unwrap_or_else(|| DEVELOPER_CLIENT.to_owned()),
            way: match method {
                PersonMethod::Browser => {
                    Way::Browser(environment.get("BROWSER").map(OsStr::to_owned))
                }
                PersonMethod::DeviceCode => Way::DeviceCode,
            },
            keeps: plan.keeps_token,
            is_verbose: plan.options.verbose,
            obstacle: find_obstacle(method, environment, terminal::has_person()),
        })
    }

    pub fn cache_key(&self, method: Method, resource: &str) -> CacheKey {
        let asked = (resource, &self.authority, &self.tenant, &self.client_id);
        CacheKey {
            identity: format!("{} {asked:?}", method.name()),
            state: String::new(),
            least_life: LEAST_LIFE,
        }
    }

    fn asked(&self) -> Asked {
        Asked {
            host: host_of(&self.authority).to_owned(),
            is_nearby: false,
            advice: format!(
                "check the application `{}` and the tenant `{}`: choose others with `--client-id ID` and `--tenant ID`",
                self.client_id, self.tenant
            ),
            remedy: refusal::remedy_for_browser,
        }
    }
}

#[derive(Debug)]
pub enum Way {
    /// In a browser on this machine, opened by this command if `BROWSER` is set.
    Browser(Option<OsString>),
    /// In a browser anywhere.
    DeviceCode,
}

/// A client with the endpoints that we use: authorization, device code and token.
type Client = BasicClient<EndpointSet, EndpointSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

pub(super) struct Entra<'a> {
    client: Client,
    transport: &'a Transport,
    asked: Asked,
    resource: &'a str,
    deadline: Deadline,
}

/// Gets a token for `resource` before the deadline: with the stored refresh token if there is one,
/// else by a new sign-in.
pub fn token(person: &Person, resource: &str, deadline: Deadline) -> Result<Token, Failure> {
    let transport = Transport::to_entra()?;
    let entra = Entra::for_person(person, &transport, resource, deadline)?;
    let runtime = runtime()?;
    let token = token_of(person, &runtime, &entra);
    runtime.shutdown_background();
    token
}

fn token_of(person: &Person, runtime: &Runtime, entra: &Entra<'_>) -> Result<Token, Failure> {
    let mut store = Store::for_person(person, entra.deadline);
    let kept = store.recall();
    let renewed = match &kept {
        Some(kept) => runtime.block_on(entra.renewed(kept))?,
        None => None,
    };
    let is_renewed = renewed.is_some();
    let answer = if let Some(answer) = renewed {
        answer
    } else {
        if kept.is_some() {
            store.keep(None);
        }
        if let Some(obstacle) = &person.obstacle {
            return Err(obstacle.clone());
        }
        runtime.block_on(entra.ask(&person.way))?
    };
    let token = entra
        .request_error()
        .checked(answer.access_token().secret().clone(), entra.resource)?;
    // The account that was chosen in the browser may not be the intended one.
    if !is_renewed && let Some(name) = role::person(&token) {
        terminal::say(&format!("signed in as {}", plain_text::clean(name)));
    }
    // Without a new one, the last one stays valid.
    if let Some(refresh) = answer.refresh_token() {
        store.keep(Some(refresh.clone()));
    }
    Ok(token)
}

/// Returns the failure if no sign-in is stored and nobody can be asked.
pub fn nobody_there() -> Failure {
    Failure::sign_in("your sign-in has ended, and a connection can't ask you to sign in again")
        .hint("run `entra-psql` with the same options and sign in, or restart the proxy")
}

impl<'a> Entra<'a> {
    pub(super) fn for_person(
        person: &Person,
        transport: &'a Transport,
        resource: &'a str,
        deadline: Deadline,
    ) -> Result<Self, Failure> {
        let endpoint = |name: &str| {
            let authority = person.authority.trim_end_matches('/');
            format!("{authority}/{}/oauth2/v2.0/{name}", person.tenant)
        };
        let client = || {
            Ok(BasicClient::new(ClientId::new(person.client_id.clone()))
                .set_auth_type(AuthType::RequestBody)
                .set_auth_uri(AuthUrl::new(endpoint("authorize"))?)
                .set_device_authorization_url(DeviceAuthorizationUrl::new(endpoint("devicecode"))?)
                .set_token_uri(TokenUrl::new(endpoint("token"))?))
        };
        Ok(Self {
            client: client().map_err(|why: ParseError| {
                let authority = &person.authority;
                Failure::sign_in(format!(
                    "`{authority}` is not the address of a Microsoft Entra ID: {why}"
                ))
                .hint("correct `AZURE_AUTHORITY_HOST`, or unset it")
            })?,
            transport,
            asked: person.asked(),
            resource,
            deadline,
        })
    }

    fn request_error(&self) -> RequestError<'_> {
        RequestError {
            asked: &self.asked,
            seen: self.transport.seen(),
        }
    }

    /// Returns the scopes: the resource, and a refresh token.
    fn scopes(&self) -> [Scope; 2] {
        [
            Scope::new(format!("{}/.default", self.resource)),
            Scope::new("offline_access".to_owned()),
        ]
    }

    async fn ask(&self, way: &Way) -> Result<BasicTokenResponse, Failure> {
        match way {
            Way::Browser(command) => browser::sign_in(self, command.as_deref()).await,
            Way::DeviceCode => device_code::sign_in(self).await,
        }
    }

    /// Redeems a refresh token; `None` if Entra requires a new sign-in.
    async fn renewed(&self, kept: &RefreshToken) -> Result<Option<BasicTokenResponse>, Failure> {
        let carry = |request| self.carry(request);
        let request = self
            .client
            .exchange_refresh_token(kept)
            .add_scopes(self.scopes())
            .request_async(&carry);
        match self.answered(request).await? {
            Ok(answer) => Ok(Some(answer)),
            Err(RequestTokenError::ServerResponse(error)) if wants_person(&error) => Ok(None),
            Err(error) => Err(self.failure(&error)),
        }
    }

    /// Waits for an answer of Entra's until the deadline.
    async fn answered<T>(&self, request: impl Future<Output = T>) -> Result<T, Failure> {
        let _waiting = Waiting::begin(&self.asked.name(&Exchange::default()));
        tokio::time::timeout(self.deadline.remaining(), request)
            .await
            .map_err(|_| self.request_error().silence(self.deadline))
    }

    /// Waits for a person until the deadline, or until `limit` if that is sooner.
    async fn awaited<T>(
        &self,
        person: impl Future<Output = T>,
        limit: Option<Duration>,
    ) -> Result<T, Failure> {
        let left = self.deadline.remaining();
        let time = limit.map_or(left, |limit| limit.min(left));
        tokio::time::timeout(time, person).await.map_err(|_| {
            let seconds = limit
                .filter(|limit| *limit < left)
                .unwrap_or(self.deadline.total())
                .as_secs_f64();
            Failure::sign_in(format!(
                "timed out after {seconds}s waiting for you to sign in"
            ))
            .hint("run the command again, or allow more time with `--timeout SECONDS`")
        })
    }

    /// Sends a message of `oauth2`'s to Entra.
    async fn carry(&self, message: HttpRequest) -> azure_core::Result<HttpResponse> {
        let unreadable = |why: &dyn std::error::Error| {
            Error::with_message(ErrorKind::DataConversion, why.to_string())
        };
        let url = message.uri().to_string().parse();
        let mut request = Request::new(
            url.map_err(|why: ParseError| unreadable(&why))?,
            HttpMethod::Post,
        );
        for (name, value) in message.headers() {
            let value = value.to_str().map_err(|why| unreadable(&why))?.to_owned();
            request.insert_header(name.as_str().to_owned(), value);
        }
        request.set_body(message.into_body());
        let asked = self.transport.execute_request(&request);
        let Ok(answer) = tokio::time::timeout(REQUEST_TIME, asked).await else {
            self.transport.give_up(REQUEST_TIME);
            return Err(Error::with_message(ErrorKind::Io, "no answer"));
        };
        let answer = answer?;
        let mut carried = http::Response::builder().status(u16::from(answer.status()));
        for (name, value) in answer.headers().iter() {
            carried = carried.header(name.as_str(), value.as_str());
        }
        let body = answer.into_body().collect().await?;
        carried.body(body.to_vec()).map_err(|why| unreadable(&why))
    }

    /// Returns the failure after an error of Entra's or of the network's.
    fn failure<T>(&self, error: &RequestTokenError<Error, StandardErrorResponse<T>>) -> Failure
    where
        T: oauth2::ErrorResponseType + std::fmt::Display + 'static,
    {
        let request = self.request_error();
        match error {
            RequestTokenError::ServerResponse(answer) => request.refused(&text(answer)),
            // What can't be parsed may hold a token, and isn't shown.
            _ => request.unanswered(),
        }
    }
}

/// Returns the text of a refusal.
fn text<T>(answer: &StandardErrorResponse<T>) -> String
where
    T: oauth2::ErrorResponseType + std::fmt::Display + 'static,
{
    match answer.error_description() {
        Some(description) => description.clone(),
        None => answer.error().to_string(),
    }
}

/// Returns whether a refusal of a refresh token requires a new sign-in.
fn wants_person(error: &StandardErrorResponse<BasicErrorResponseType>) -> bool {
    match error.error() {
        BasicErrorResponseType::InvalidGrant => true,
        BasicErrorResponseType::Extension(name) => name == "interaction_required",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use oauth2::{AuthorizationCode, CsrfToken, DeviceCode, PkceCodeVerifier};

    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let secret = || "hush".to_owned();
        for shown in [
            format!("{:?}", RefreshToken::new(secret())),
            format!("{:?}", AuthorizationCode::new(secret())),
            format!("{:?}", PkceCodeVerifier::new(secret())),
            format!("{:?}", DeviceCode::new(secret())),
            format!("{:?}", CsrfToken::new(secret())),
        ] {
            assert!(!shown.contains("hush"), "{shown}");
        }
        let answer = r#"{"access_token":"hush","token_type":"Bearer","refresh_token":"hush"}"#;
        let answer: BasicTokenResponse = serde_json::from_str(answer).unwrap();
        let shown = format!("{answer:?}");
        assert!(!shown.contains("hush"), "{shown}");
    }
}
