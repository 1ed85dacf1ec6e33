//! A Microsoft Entra on loopback, with the calls to the Azure Resource Manager and Graph that the
//! Azure CLI makes.
//!
//! It is an HTTP proxy: programs reach it under the real host names through `HTTPS_PROXY`. So their
//! configuration names no port, and they never reach the internet. `CONNECT` to a host that it
//! imitates leads to TLS with a certificate of the sandbox's authority; any other host is refused. The same port answers plain requests to the managed identity endpoints,
//! and plain proxy requests to that of a virtual machine (169.254.169.254).

mod aadsts;
mod assertion;
mod behaviour;
mod federation;
mod groups;
mod identity_endpoint;
mod ledger;
mod people;
mod reply;
mod request;
mod resource_graph;
mod resources;
mod sign_in;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::Result;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, StatusCode, body::Incoming, server::conn::http1, service::service_fn, upgrade,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};
use tokio_rustls::TlsAcceptor;

pub use aadsts::Refusal;
pub use behaviour::{Behaviour, ExpiresIn, Fault, GroupList, Person};
pub use request::Request;
pub use resource_graph::{Graph, Row};

use crate::{
    authority::Authority,
    certificates::ClientCertificates,
    clouds,
    directory::{Identity, TENANT},
    keys::Keys,
    runtime::{Listener, lock},
    token::TokenChanges,
};
use ledger::Ledger;
use reply::Reply;

/// Returns the hosts that this imitates.
pub fn hosts() -> Vec<&'static str> {
    clouds::hosts()
        .chain([federation::GITHUB, federation::AZURE])
        .collect()
}

/// The value of `IDENTITY_HEADER`, which the managed identity endpoint requires.
const IDENTITY_HEADER: &str = "sandbox-identity-header";

/// The value of `IDENTITY_HEADER` in the app's slot, by which the endpoint tells it apart.
const IDENTITY_HEADER_OF_SLOT: &str = "sandbox-identity-header-of-the-slot";

/// A running Entra. Dropping it closes its port and all connections.
#[derive(Debug)]
pub struct Entra {
    listener: Listener,
    state: Arc<State>,
}

/// What its connections share.
#[derive(Debug)]
struct State {
    keys: Arc<Keys>,
    certificates: Arc<ClientCertificates>,
    behaviour: Mutex<Behaviour>,
    requests: Mutex<Vec<Request>>,
    ledger: Mutex<Ledger>,
    /// The connections inside the proxy's connections, which they outlive.
    tunnels: Mutex<JoinSet<()>>,
}

impl Entra {
    /// Starts an Entra that signs tokens with `keys`, knows the `certificates` of an application, and
    /// has no fault.
    pub fn start(
        keys: &Arc<Keys>,
        authority: &Authority,
        certificates: &Arc<ClientCertificates>,
    ) -> Result<Self> {
        let tls = authority.acceptor(&hosts())?;
        let state = Arc::new(State {
            keys: Arc::clone(keys),
            certificates: Arc::clone(certificates),
            behaviour: Mutex::default(),
            requests: Mutex::default(),
            ledger: Mutex::default(),
            tunnels: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        let listener =
            Listener::start(move |stream| serve(stream, tls.clone(), Arc::clone(&shared)))?;
        Ok(Self { listener, state })
    }

    /// Returns the port of the proxy and the managed identity endpoints on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.listener.port()
    }

    /// Returns the value for `HTTPS_PROXY`.
    pub fn proxy(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// Returns the variables that App Service sets for the managed identity endpoint.
    pub fn managed_identity_env(&self) -> Vec<(String, String)> {
        self.identity_env(IDENTITY_HEADER)
    }

    /// The same in the slot `staging` of the app `shop`, which has an identity of its own.
    #[must_use]
    pub fn slot_identity_env(&self) -> Vec<(String, String)> {
        self.identity_env(IDENTITY_HEADER_OF_SLOT)
    }

    fn identity_env(&self, header: &str) -> Vec<(String, String)> {
        vec![
            (
                "IDENTITY_ENDPOINT".to_owned(),
                format!("{}/msi/token", self.proxy()),
            ),
            ("IDENTITY_HEADER".to_owned(), header.to_owned()),
        ]
    }

    /// Returns the variables that GitHub Actions sets for its token endpoint.
    pub fn github_actions_env(&self) -> Vec<(String, String)> {
        let url = format!("https://{}/token?api-version=2.0", federation::GITHUB);
        vec![
            ("ACTIONS_ID_TOKEN_REQUEST_URL".to_owned(), url),
            (
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN".to_owned(),
                federation::REQUEST_TOKEN.to_owned(),
            ),
        ]
    }

    /// Returns the variables that Azure Pipelines sets for its token endpoint and the service
    /// connection.
    pub fn azure_pipelines_env(&self) -> Vec<(String, String)> {
        let url = format!(
            "https://{}/contoso/shop/_apis/distributedtask/hubs/build/oidctoken",
            federation::AZURE
        );
        let billing = Identity::BillingService.entry();
        [
            ("SYSTEM_OIDCREQUESTURI", url.as_str()),
            ("SYSTEM_ACCESSTOKEN", federation::REQUEST_TOKEN),
            (
                "AZURESUBSCRIPTION_CLIENT_ID",
                billing.app_id.unwrap_or_default(),
            ),
            ("AZURESUBSCRIPTION_TENANT_ID", TENANT),
            (
                "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
                "5c0a51b7-1b5c-4d3e-9f10-0a5a7d6b0401",
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Returns what a Kubernetes cluster writes to a pod's token file, to exchange for a token of an
    /// application.
    pub fn federated_token(&self) -> String {
        self.changed_federated_token(&TokenChanges::none())
    }

    /// Returns the same with these changes.
    pub fn changed_federated_token(&self, changes: &TokenChanges) -> String {
        federation::token(
            &self.state.keys,
            federation::POD,
            federation::EXCHANGE,
            changes,
        )
    }

    /// Changes how it behaves from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        *lock(&self.state.behaviour) = behaviour;
    }

    /// Changes the person who signs in with a device code or a browser. It is Alice at first.
    pub fn sign_in_as(&self, identity: Identity) {
        lock(&self.state.behaviour).identity = identity;
    }

    /// Returns the refresh tokens that were issued so far, oldest first.
    pub fn refresh_tokens(&self) -> Vec<String> {
        lock(&self.state.ledger).issued()
    }

    /// Revokes every refresh token that was issued so far, as a changed password does.
    pub fn revoke_refresh_tokens(&self) {
        lock(&self.state.ledger).revoke();
    }

    /// Returns every request so far, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.state.requests).clone()
    }

    /// Returns the requests for a token so far, at any endpoint.
    pub fn token_requests(&self) -> Vec<Request> {
        self.requests()
            .into_iter()
            .filter(Request::is_token_request)
            .collect()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        lock(&self.state.requests).clear();
    }
}

impl Drop for Entra {
    fn drop(&mut self) {
        lock(&self.state.tunnels).abort_all();
    }
}

impl State {
    /// Returns the state of an Entra without requests.
    #[cfg(test)]
    fn new() -> Self {
        let cache = crate::cache::Cache::open().unwrap();
        let authority = Authority::load(&cache).unwrap();
        Self {
            keys: Keys::load(&cache).unwrap().into(),
            certificates: ClientCertificates::load(&cache, &authority).unwrap().into(),
            behaviour: Mutex::default(),
            requests: Mutex::default(),
            ledger: Mutex::default(),
            tunnels: Mutex::default(),
        }
    }

    fn behaviour(&self) -> Behaviour {
        lock(&self.behaviour).clone()
    }

    fn record(&self, request: Request) {
        lock(&self.requests).push(request);
    }
}

/// An error that ends the connection without an answer.
#[derive(Debug)]
struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is dropped on purpose")
    }
}

impl std::error::Error for Dropped {}

type HttpRequest = hyper::Request<Incoming>;
type HttpResponse = hyper::Response<Full<hyper::body::Bytes>>;

/// Serves a connection to the port: proxy requests, or requests to the managed identity endpoints.
async fn serve(stream: TcpStream, tls: TlsAcceptor, state: Arc<State>) {
    let service = service_fn(move |request: HttpRequest| {
        let (tls, state) = (tls.clone(), Arc::clone(&state));
        async move {
            if request.method() == Method::CONNECT {
                return Ok(connect(request, tls, state));
            }
            let host = request.uri().host().unwrap_or("127.0.0.1").to_owned();
            answer(request, &host, &state).await
        }
    });
    // An error here is the client's, which sees it too.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
}

fn connect(request: HttpRequest, tls: TlsAcceptor, state: Arc<State>) -> HttpResponse {
    let host = request.uri().host().unwrap_or_default().to_owned();
    if !hosts().contains(&host.as_str()) || request.uri().port_u16() != Some(443) {
        state.record(Request::refused_connection(&host));
        return Reply::text(StatusCode::FORBIDDEN, "the sandbox plays no such host\n").into();
    }
    // The tunnel lives until the client closes it, as the connection below it does.
    let shared = Arc::clone(&state);
    let mut tunnels = lock(&shared.tunnels);
    while tunnels.try_join_next().is_some() {}
    tunnels.spawn(async move {
        let Ok(upgraded) = upgrade::on(request).await else {
            return;
        };
        let Ok(stream) = tls.accept(TokioIo::new(upgraded)).await else {
            return;
        };
        let service = service_fn(move |request: HttpRequest| {
            let (host, state) = (host.clone(), Arc::clone(&state));
            async move { answer(request, &host, &state).await }
        });
        let _ = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await;
    });
    HttpResponse::default()
}

async fn answer(request: HttpRequest, host: &str, state: &State) -> Result<HttpResponse, Dropped> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Dropped)?.to_bytes();
    let request = Request::new(host, &head, &body);
    state.record(request.clone());
    let behaviour = state.behaviour();
    if request.is_sign_in() {
        tokio::time::sleep(behaviour.delay).await;
        match behaviour.fault {
            None | Some(Fault::Refuse(_)) => {}
            Some(Fault::Unavailable) => {
                return Ok(
                    Reply::text(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable\n").into(),
                );
            }
            Some(Fault::Html) => return Ok(Reply::html(behaviour::CAPTIVE_PORTAL).into()),
            Some(Fault::Silence) => {
                // Longer than any client waits; the connection's end ends it too.
                tokio::time::sleep(Duration::from_secs(3600)).await;
                return Err(Dropped);
            }
            Some(Fault::Redirect) => {
                return Ok(Reply::redirect(behaviour::ELSEWHERE.to_owned()).into());
            }
            Some(Fault::Drop) => return Err(Dropped),
        }
    }
    let reply = match host {
        federation::GITHUB | federation::AZURE => federation::answer(&request, &state.keys),
        _ if resource_graph::is_asked(&request) => {
            if behaviour.graph == Graph::Silent {
                tokio::time::sleep(Duration::from_secs(3600)).await;
                return Err(Dropped);
            }
            resource_graph::answer(&request, &behaviour.graph)
        }
        _ if host.contains("management.") => resources::manager(&request),
        _ if host.contains("graph.") => resources::graph(&request, &state.keys, behaviour.groups),
        _ if host.starts_with("login.") => sign_in::answer(&request, state, &behaviour),
        _ => identity_endpoint::answer(&request, &state.keys, &behaviour),
    };
    Ok(reply.into())
}
