//! What went wrong between us and a token endpoint: the cause in one line, and the remedy.
//!
//! The SDK wraps errors in errors. The best text is Entra's own, in the answer that the SDK keeps
//! with the error. Without an answer it is what the transport saw.

use std::error::Error;
use std::time::SystemTime;

use azure_core::error::ErrorKind;
use serde_json::Value;

use crate::entra::refusal;
use crate::entra::token::{Token, Unusable};
use crate::failure::Failure;
use crate::system::deadline::Deadline;

use super::transport::{Exchange, Outcome, root_cause};

const SOMETHING_BETWEEN: &str =
    "check for a proxy or a captive portal: something else answered in its place";

/// What was asked for a token, as far as errors need it.
pub struct Asked {
    /// The host of the first request.
    pub host: String,
    /// Whether it is a managed identity endpoint, which is on this machine or next to it.
    pub is_nearby: bool,
    /// The hint if nothing better is known.
    pub advice: String,
    /// Returns the hint for a refusal in Entra's text.
    pub remedy: fn(&str) -> Option<&'static str>,
}

impl Asked {
    /// Returns what was asked, in a sentence: the host of the last request, else of the first.
    pub fn name(&self, seen: &Exchange) -> String {
        match seen.host.as_str() {
            _ if self.is_nearby => "the managed identity endpoint".to_owned(),
            "" => format!("`{}`", self.host),
            host => format!("`{host}`"),
        }
    }
}

pub struct RequestError<'a> {
    pub asked: &'a Asked,
    /// What the transport saw last.
    pub seen: Exchange,
}

impl RequestError<'_> {
    /// Returns the failure after an error of the SDK's.
    pub fn failure(&self, error: &azure_core::Error) -> Failure {
        match answered_text(error) {
            Some(text) => self.refused(&text),
            None if self.seen.outcome.is_none() => {
                Failure::sign_in(refusal::one_line(&root_cause(error)))
                    .hint(self.asked.advice.as_str())
            }
            None => self.unanswered(),
        }
    }

    /// Returns the failure by what the transport saw, if there is no text to pass on.
    pub fn unanswered(&self) -> Failure {
        match &self.seen.outcome {
            Some(Outcome::Failed(why)) => self.unreachable(why),
            Some(Outcome::TooLong) => Failure::sign_in(format!(
                "{} answered with more than 1 MiB, which can't be an access token",
                self.whom()
            ))
            .hint(SOMETHING_BETWEEN),
            Some(Outcome::Answered { status, is_json }) => match status {
                500.. => Failure::sign_in(format!(
                    "{} answered with HTTP status {status}",
                    self.whom()
                ))
                .hint("try again in a while: the service is unavailable"),
                400.. => {
                    Failure::sign_in(format!("{} refused with HTTP status {status}", self.whom()))
                        .hint(self.asked.advice.as_str())
                }
                _ if *is_json => self.unusable(&Unusable::NotAToken, ""),
                _ => Failure::sign_in(format!(
                    "{} answered with something other than an access token",
                    self.whom()
                ))
                .hint(SOMETHING_BETWEEN),
            },
            None => Failure::sign_in("no request could be made").hint(self.asked.advice.as_str()),
        }
    }

    pub fn silence(&self, deadline: Deadline) -> Failure {
        let last = match &self.seen.outcome {
            Some(Outcome::Failed(why)) => format!(" (its last failure: {why})"),
            Some(Outcome::Answered { status, .. }) if *status >= 400 => {
                format!(" (its last answer: HTTP status {status})")
            }
            _ => String::new(),
        };
        let cause = format!(
            "timed out after {deadline} waiting for {}{last}",
            self.whom()
        );
        let hint = if self.asked.is_nearby {
            "check that this machine has a managed identity, or allow more time with `--timeout SECONDS`".to_owned()
        } else {
            format!(
                "check that you can reach `{}`, or allow more time with `--timeout SECONDS`",
                self.seen.host
            )
        };
        Failure::sign_in(cause).hint(hint)
    }

    pub fn unusable(&self, why: &Unusable, resource: &str) -> Failure {
        match why {
            Unusable::NotAToken => Failure::sign_in(format!(
                "{} answered with something other than an access token",
                self.whom()
            ))
            .hint("check what answers there, or choose another method with `--auth METHOD`"),
            Unusable::WrongAudience(_) => Failure::sign_in(why.cause(Some(resource)))
                .hint("name the server's resource with `--resource URI`, or its cloud with `--cloud NAME`"),
            Unusable::Expired(_) => {
                Failure::sign_in(why.cause(Some(resource))).hint("check this machine's clock")
            }
        }
    }

    /// Returns the token in an answer, if it is for `resource`.
    pub fn checked(&self, secret: String, resource: &str) -> Result<Token, Failure> {
        Token::checked(secret, Some(resource), SystemTime::now())
            .map_err(|why| self.unusable(&why, resource))
    }

    /// Returns the failure after a refusal in Entra's own text.
    pub fn refused(&self, text: &str) -> Failure {
        let line = refusal::one_line(text);
        let remedy = (self.asked.remedy)(&line);
        let remedy = remedy.map_or_else(|| self.asked.advice.clone(), str::to_owned);
        // Other statuses are faults of the service.
        let status = self.seen.outcome.as_ref().map(|outcome| match outcome {
            Outcome::Answered { status, .. } => *status,
            Outcome::Failed(_) | Outcome::TooLong => 0,
        });
        let is_refusal = status.is_none_or(|status| (400..500).contains(&status));
        Failure::sign_in(format!("{} refused: {line}", self.whom()))
            .hint(remedy)
            .shared_if(is_refusal)
    }

    fn unreachable(&self, why: &str) -> Failure {
        let host = &self.seen.host;
        let is_untrusted = why.contains("certificate");
        // hyper's text for what a proxy answers to `CONNECT`.
        let by_proxy = why.strip_prefix("tunnel error: ");
        let hint = match by_proxy {
            _ if self.asked.is_nearby => {
                "check that this machine has a managed identity, or choose another method with `--auth METHOD`"
                    .to_owned()
            }
            _ if by_proxy.is_some() => {
                "correct `HTTPS_PROXY`, or unset it: its proxy refuses the connection"
                    .to_owned()
            }
            _ if is_untrusted => format!(
                "set `SSL_CERT_FILE` to your proxy's root certificate: this system doesn't trust the one that `{host}` shows"
            ),
            _ => {
                format!("check that you can reach `{host}`; if you are behind a proxy, set `HTTPS_PROXY`")
            }
        };
        let cause = match by_proxy {
            Some("unsuccessful") => "the proxy refused".to_owned(),
            Some(words) => format!("the proxy refused: {words}"),
            None => refusal::one_line(why),
        };
        Failure::sign_in(format!("{} cannot be reached: {cause}", self.whom())).hint(hint)
    }

    fn whom(&self) -> String {
        self.asked.name(&self.seen)
    }
}

/// Returns the text in the answer that caused an error: OAuth's description, or an identity endpoint's
/// message.
fn answered_text(error: &azure_core::Error) -> Option<String> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        let kind = error.downcast_ref().map(azure_core::Error::kind);
        if let Some(ErrorKind::HttpResponse {
            raw_response: Some(answer),
            ..
        }) = kind
        {
            return text_in(answer.body().as_ref());
        }
        next = error.source();
    }
    None
}

pub fn text_in(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let texts = ["error_description", "message", "error"];
    let mut found = texts.iter().filter_map(|name| body[*name].as_str());
    found.find(|text| !text.is_empty()).map(str::to_owned)
}
