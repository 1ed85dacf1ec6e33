//! Carries the SDK's requests, and records how the last one ended, which the SDK's errors lose.
//!
//! TLS is rustls with the system's roots, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
//! `HTTPS_PROXY` and `NO_PROXY` apply on the way to Entra. No proxy sees a request to a managed
//! identity endpoint, which is on this machine or next to it, since the answer is the token.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use azure_core::error::ErrorKind;
use azure_core::http::headers::CONTENT_TYPE;
use azure_core::http::{AsyncRawResponse, HttpClient, Request, Url};
use futures_core::Stream as _;
use rustls::{ClientConfig, RootCertStore};

use crate::failure::Failure;

/// The managed identity endpoint of a virtual machine.
const METADATA: &str = "169.254.169.254";

/// How long a connection to something on this machine or next to it may take.
const NEARBY: Duration = Duration::from_secs(3);

/// More than any answer with a token, in bytes.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// More than any file of roots, in bytes.
const LONGEST_ROOTS: u64 = 16 * 1024 * 1024;

#[derive(Debug)]
pub struct Transport {
    client: reqwest::Client,
    /// Whether it leads to a managed identity endpoint.
    is_nearby: bool,
    /// Replaces [`METADATA`] in tests.
    stand_in: Option<Url>,
    seen: Mutex<Exchange>,
}

#[derive(Clone, Debug, Default)]
pub struct Exchange {
    pub host: String,
    /// Its end, once it has ended.
    pub outcome: Option<Outcome>,
}

#[derive(Clone, Debug)]
pub enum Outcome {
    Answered {
        status: u16,
        /// Whether the answer is labelled as JSON.
        is_json: bool,
    },
    /// The answer was too long to read.
    TooLong,
    /// There was no answer, for this root cause.
    Failed(String),
}

impl Transport {
    pub fn to_entra() -> Result<Self, Failure> {
        let builder = reqwest::Client::builder().https_only(true);
        Self::build(builder, system_roots()?, false, None)
    }

    /// Leads to a managed identity endpoint. `stand_in` is the base address of what replaces a
    /// virtual machine's.
    pub fn nearby(stand_in: Option<&str>) -> Result<Self, Failure> {
        let builder = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(NEARBY);
        // These endpoints use plain HTTP.
        Self::build(builder, RootCertStore::empty(), true, stand_in)
    }

    fn build(
        builder: reqwest::ClientBuilder,
        roots: RootCertStore,
        is_nearby: bool,
        stand_in: Option<&str>,
    ) -> Result<Self, Failure> {
        let stand_in = match stand_in.map(Url::parse).transpose() {
            Ok(stand_in) => stand_in,
            Err(why) => return Err(unbuildable(&why)),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|why| unbuildable(&why))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = builder
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|why| unbuildable(&why))?;
        Ok(Self {
            client,
            is_nearby,
            stand_in,
            seen: Mutex::default(),
        })
    }

    /// Returns the last request that ended, else the last one.
    pub fn seen(&self) -> Exchange {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }

    /// Records that the last request was given up after so long.
    pub fn give_up(&self, after: Duration) {
        let host = self.seen().host;
        let why = format!("timed out after {}s", after.as_secs_f64());
        self.note(&host, Some(Outcome::Failed(why)));
    }

    fn note(&self, host: &str, outcome: Option<Outcome>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // A retry replaces the record only once it has ended.
        if outcome.is_some() || seen.host != host {
            *seen = Exchange {
                host: host.to_owned(),
                outcome,
            };
        }
    }

    /// Returns the request with the address of the stand-in, if it has one.
    fn redirected(&self, request: &Request) -> Option<Request> {
        let stand_in = self.stand_in.as_ref()?;
        if request.url().host_str() != Some(METADATA) {
            return None;
        }
        let mut url = stand_in.clone();
        url.set_path(request.url().path());
        url.set_query(request.url().query());
        let mut redirected = request.clone();
        *redirected.url_mut() = url;
        Some(redirected)
    }
}

#[async_trait::async_trait]
impl HttpClient for Transport {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let redirected = self.redirected(request);
        let request = redirected.as_ref().unwrap_or(request);
        let host = request.url().host_str().unwrap_or_default();
        self.note(host, None);
        let answer = match self.client.execute_request(request).await {
            Ok(answer) => whole(answer).await,
            Err(error) => Err(error),
        };
        let outcome = match &answer {
            Ok(answer) => Outcome::Answered {
                status: answer.status().into(),
                is_json: answer
                    .headers()
                    .get_optional_str(&CONTENT_TYPE)
                    .is_some_and(|kind| kind.contains("json")),
            },
            Err(error) if is_too_long(error) => Outcome::TooLong,
            Err(error) => Outcome::Failed(root_cause(error)),
        };
        self.note(host, Some(outcome));
        match answer {
            // The SDK would retry for minutes; it gives up on errors of another kind.
            Err(error) if self.is_nearby && *error.kind() == ErrorKind::Connection => {
                Err(azure_core::Error::new(ErrorKind::Other, error))
            }
            answer => answer,
        }
    }
}

/// Reads an answer to its end, up to a limit: the sender may never stop.
async fn whole(answer: AsyncRawResponse) -> azure_core::Result<AsyncRawResponse> {
    let (status, headers, body) = answer.deconstruct();
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(part) = poll_fn(|context| body.as_mut().poll_next(context)).await {
        let part = part?;
        if part.len() > LONGEST_ANSWER - bytes.len() {
            return Err(azure_core::Error::new(ErrorKind::Other, TooLong));
        }
        bytes.extend_from_slice(&part);
    }
    Ok(AsyncRawResponse::from_bytes(status, headers, bytes))
}

/// An answer that is longer than [`LONGEST_ANSWER`], as an error that the SDK doesn't retry.
#[derive(Debug)]
struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the answer has more than {LONGEST_ANSWER} bytes")
    }
}

impl Error for TooLong {}

fn is_too_long(error: &azure_core::Error) -> bool {
    error.source().is_some_and(<dyn Error>::is::<TooLong>)
}

/// Returns the last of an error's sources: the ones before repeat it, or say less.
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}

fn system_roots() -> Result<RootCertStore, Failure> {
    // The file would be read whole, and a pipe would block.
    if let Some(file) = openssl_probe::probe().cert_file
        && std::fs::metadata(&file)
            .is_ok_and(|about| !about.is_file() || about.len() > LONGEST_ROOTS)
    {
        return Err(Failure::sign_in(format!(
            "`{}` is not a file of root certificates",
            file.display()
        ))
        .hint("set `SSL_CERT_FILE` to a file of root certificates, or unset it"));
    }
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if !roots.is_empty() {
        return Ok(roots);
    }
    let why = found
        .errors
        .first()
        .map_or_else(String::new, |error| format!(": {error}"));
    Err(Failure::sign_in(format!(
        "no root certificates were found to check Microsoft Entra ID's certificate{why}"
    ))
    .hint("install the system's `ca-certificates`, or set `SSL_CERT_FILE` to a file of root certificates"))
}

fn unbuildable(why: &dyn Error) -> Failure {
    Failure::sign_in(format!("no HTTPS connection can be made: {why}"))
        .hint("check that `HTTPS_PROXY` and `AZURE_POD_IDENTITY_AUTHORITY_HOST` are valid URLs, or unset them")
}
