//! What went wrong between us and whoever gives out tokens: the cause in one line, and the remedy.
//!
//! The SDK wraps errors in errors. The text that counts is Entra's own, in the answer that the SDK
//! keeps with the error; where there was none, it is what the transport saw.

use std::error::Error;
use std::time::SystemTime;

use azure_core::error::ErrorKind;
use serde_json::Value;

use crate::entra::refusal;
use crate::entra::token::{Token, Unusable};
use crate::failure::Failure;
use crate::system::deadline::Deadline;

use super::transport::{Exchange, Outcome, root_cause};

const SOMETHING_BETWEEN: &str = "something between here and there answered in its place: a proxy, or a network that wants you to log in first";

/// What was asked for a token, as far as an error has to say it.
pub struct Asked {
    /// Where the first request goes.
    pub host: String,
    /// Whether it is an identity endpoint, on this machine or next to it.
    pub is_nearby: bool,
    /// What to check if nothing better is known.
    pub advice: String,
    /// What Entra's words call for.
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

/// Where it went wrong.
pub struct RequestError<'a> {
    /// What was asked.
    pub asked: &'a Asked,
    /// What the transport saw last.
    pub seen: Exchange,
}

impl RequestError<'_> {
    /// The failure after an error of the SDK's.
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

    /// The failure where nobody said why in a form that can be passed on: what the transport saw is
    /// all there is.
    pub fn unanswered(&self) -> Failure {
        match &self.seen.outcome {
            Some(Outcome::Failed(why)) => self.unreachable(why),
            Some(Outcome::TooLong) => Failure::sign_in(format!(
                "{} answered with more than a token: over 1 MiB, and the rest was not read",
                self.whom()
            ))
            .hint(SOMETHING_BETWEEN),
            Some(Outcome::Answered { status, is_json }) => match status {
                500.. => Failure::sign_in(format!(
                    "{} answered with HTTP status {status}",
                    self.whom()
                ))
                .hint("it has trouble of its own: try again in a while"),
                400.. => {
                    Failure::sign_in(format!("{} refused with HTTP status {status}", self.whom()))
                        .hint(self.asked.advice.as_str())
                }
                _ if *is_json => self.unusable(&Unusable::NotAToken, ""),
                _ => Failure::sign_in(format!(
                    "{} answered with something else than a token",
                    self.whom()
                ))
                .hint(SOMETHING_BETWEEN),
            },
            None => Failure::sign_in("no request could be made").hint(self.asked.advice.as_str()),
        }
    }

    /// The failure after the deadline.
    pub fn silence(&self, deadline: Deadline) -> Failure {
        let last = match &self.seen.outcome {
            Some(Outcome::Failed(why)) => format!(" (its last failure: {why})"),
            Some(Outcome::Answered { status, .. }) if *status >= 400 => {
                format!(" (its last answer: HTTP status {status})")
            }
            _ => String::new(),
        };
        let cause = format!("{} gave no token within {deadline}{last}", self.whom());
        let hint = if self.asked.is_nearby {
            "does this machine have a managed identity? more time: `--timeout SECONDS`".to_owned()
        } else {
            format!(
                "is `{}` reachable, through a proxy if there is one? more time: `--timeout SECONDS`",
                self.seen.host
            )
        };
        Failure::sign_in(cause).hint(hint)
    }

    /// The failure after something that is not used as a token.
    pub fn unusable(&self, why: &Unusable, resource: &str) -> Failure {
        match why {
            Unusable::NotAToken => Failure::sign_in(format!(
                "{} answered with something else than a token",
                self.whom()
            ))
            .hint("is it Entra that answers there? choose another way with `--auth METHOD`"),
            Unusable::WrongAudience(_) => Failure::sign_in(why.cause(Some(resource)))
                .hint("name what the server takes with `--resource URI` or `--cloud NAME`"),
            Unusable::Expired(_) => {
                Failure::sign_in(why.cause(Some(resource))).hint("is this machine's clock right?")
            }
        }
    }

    /// The token that was answered with, if it is one for `resource`.
    pub fn checked(&self, secret: String, resource: &str) -> Result<Token, Failure> {
        Token::checked(secret, Some(resource), SystemTime::now())
            .map_err(|why| self.unusable(&why, resource))
    }

    /// The failure after a refusal in Entra's own words.
    pub fn refused(&self, text: &str) -> Failure {
        let line = refusal::one_line(text);
        let remedy = (self.asked.remedy)(&line);
        let remedy = remedy.map_or_else(|| self.asked.advice.clone(), str::to_owned);
        // With another status it has trouble of its own.
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
        // The words are hyper's for what a proxy answers to `CONNECT`.
        let by_proxy = why.strip_prefix("tunnel error: ");
        let hint = match by_proxy {
            _ if self.asked.is_nearby => {
                "does this machine have a managed identity? choose another way with `--auth METHOD`"
                    .to_owned()
            }
            _ if by_proxy.is_some() => {
                "the proxy in `HTTPS_PROXY` does not let us through: mend it, or unset it"
                    .to_owned()
            }
            _ if is_untrusted => format!(
                "the system does not trust what answers as `{host}`: name your proxy's root file in `SSL_CERT_FILE`"
            ),
            _ => {
                format!("is `{host}` reachable from here? behind a proxy, set `HTTPS_PROXY`")
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

/// What the answer behind an error says in its own words: OAuth's description, or an identity
/// endpoint's message.
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

/// Returns what an answer with this body says in its own words.
pub fn text_in(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let texts = ["error_description", "message", "error"];
    let mut found = texts.iter().filter_map(|name| body[*name].as_str());
    found.find(|text| !text.is_empty()).map(str::to_owned)
}
