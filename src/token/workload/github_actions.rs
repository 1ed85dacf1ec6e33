//! A job of GitHub Actions, for which GitHub issues a token as proof.
//!
//! The request follows GitHub's page on OpenID Connect in cloud providers: the address from the
//! job's variables with the audience added, and the job's token as bearer.

use std::sync::Arc;

use azure_core::Error;
use azure_core::credentials::Secret;
use azure_core::error::ErrorKind;
use azure_core::http::headers::AUTHORIZATION;
use azure_core::http::{ClientMethodOptions, HttpClient as _, Method, Request, Url};
use azure_identity::ClientAssertion;
use serde_json::Value;

use crate::token::http::transport::Transport;

/// The audience of tokens that Entra exchanges for its own.
const AUDIENCE: &str = "api://AzureADTokenExchange";

#[derive(Clone, Debug)]
pub struct Job {
    /// `ACTIONS_ID_TOKEN_REQUEST_URL`.
    pub url: String,
    /// `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
    pub token: Secret,
}

impl Job {
    /// Gets assertions about this job from GitHub through `transport`.
    pub fn vouching_through(&self, transport: Arc<Transport>) -> Vouching {
        Vouching {
            job: self.clone(),
            transport,
        }
    }
}

/// Asks GitHub when the SDK needs an assertion.
#[derive(Debug)]
pub struct Vouching {
    job: Job,
    transport: Arc<Transport>,
}

#[async_trait::async_trait]
impl ClientAssertion for Vouching {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let mut url = Url::parse(&self.job.url)?;
        url.query_pairs_mut().append_pair("audience", AUDIENCE);
        let mut request = Request::new(url, Method::Get);
        request.insert_header(AUTHORIZATION, format!("Bearer {}", self.job.token.secret()));
        request.insert_header("accept", "application/json");
        let answer = self.transport.execute_request(&request).await?;
        let status = answer.status();
        if !status.is_success() {
            return Err(Error::with_message(
                ErrorKind::Credential,
                format!("GitHub refused the job a token: {status}"),
            ));
        }
        let body = answer.into_body().collect().await?;
        token_in(&body)
    }
}

pub fn token_in(body: &[u8]) -> azure_core::Result<String> {
    let mut answer: Value = serde_json::from_slice(body)?;
    match answer.get_mut("value").map(Value::take) {
        Some(Value::String(token)) => Ok(token),
        _ => Err(Error::with_message(
            ErrorKind::DataConversion,
            "GitHub's answer has no token",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::token_in;

    #[test]
    fn an_answer_of_another_form_is_no_token() {
        assert_eq!(token_in(br#"{"value":"x"}"#).ok().as_deref(), Some("x"));
        for body in ["[]", "\"x\"", "1", "null", "{}", "{\"value\":[]}", ""] {
            assert!(token_in(body.as_bytes()).is_err(), "{body}");
        }
    }
}
