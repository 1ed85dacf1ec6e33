//! How an Entra is told to behave.

use std::time::Duration;

use super::aadsts::Refusal;
use crate::{directory::Identity, token::TokenChanges};

/// How an Entra behaves. It applies to sign-in requests: those for a token or a device code.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// Who signs in when a person is asked to.
    pub identity: Identity,
    /// How long every answer takes at least.
    pub delay: Duration,
    /// What goes wrong instead of an answer.
    pub fault: Option<Fault>,
    /// What is wrong with the tokens that are issued.
    pub tokens: TokenChanges,
    /// How an answer of the token endpoint says for how long its token is good.
    pub expires_in: ExpiresIn,
    /// What a person does who is sent to sign in.
    pub person: Person,
}

/// What a person does who is sent to sign in, with a browser or a device code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// Signs in.
    SignsIn,
    /// Signs in once it was asked so often whether a device code was approved.
    TakesPolls(u32),
    /// Signs in, but whoever asked first whether a device code was approved is told to ask less
    /// often.
    IsNotToBeHurried,
    /// Declines.
    Declines,
    /// Lets the device code expire.
    LetsItExpire,
    /// Comes so late that the device code is not known any more.
    ComesTooLate,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            identity: Identity::Alice,
            delay: Duration::ZERO,
            fault: None,
            tokens: TokenChanges::none(),
            expires_in: ExpiresIn::Number,
            person: Person::SignsIn,
        }
    }
}

impl Behaviour {
    /// Everything is as it should be, but for this fault.
    #[must_use]
    pub fn fault(fault: Fault) -> Self {
        Self {
            fault: Some(fault),
            ..Self::default()
        }
    }

    /// Everything is as it should be, but every answer takes this long.
    #[must_use]
    pub fn slow(delay: Duration) -> Self {
        Self {
            delay,
            ..Self::default()
        }
    }

    /// Everything is as it should be, but for how long tokens are said to be good.
    #[must_use]
    pub fn expires_in(expires_in: ExpiresIn) -> Self {
        Self {
            expires_in,
            ..Self::default()
        }
    }

    /// Everything is as it should be, and this is what a person does.
    #[must_use]
    pub fn person(person: Person) -> Self {
        Self {
            person,
            ..Self::default()
        }
    }

    /// Everything is as it should be, but for the tokens.
    #[must_use]
    pub fn tokens(tokens: TokenChanges) -> Self {
        Self {
            tokens,
            ..Self::default()
        }
    }
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The token request is refused.
    Refuse(Refusal),
    /// 503.
    Unavailable,
    /// A web page of somebody else's where JSON belongs.
    Html,
    /// The request is taken, and nothing is answered.
    Silence,
    /// The request is sent on to an Entra of another cloud.
    Redirect,
    /// The connection is closed without an answer.
    Drop,
}

/// How an answer says for how many seconds its token is good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExpiresIn {
    /// As a number, as Entra does.
    #[default]
    Number,
    /// As a number in quotes.
    Text,
    /// Not at all.
    Missing,
}

/// Where redirected requests are sent: an Entra of another cloud, which would take them.
pub(super) const ELSEWHERE: &str = "https://login.microsoftonline.us/common/oauth2/v2.0/token";

/// What a network that wants its users to log in first answers to everything.
pub(super) const CAPTIVE_PORTAL: &str = "<!DOCTYPE html>\n<html><head><title>Guest network</title></head><body>Please accept our terms.</body></html>\n";
