//! How an Entra behaves, as set by a test.

use std::time::Duration;

use super::{aadsts::Refusal, resource_graph::Graph};
use crate::{directory::Identity, token::TokenChanges};

/// How an Entra behaves. It applies to sign-in requests: those for a token or a device code.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// The person who signs in.
    pub identity: Identity,
    /// The least time that an answer takes.
    pub delay: Duration,
    /// What goes wrong instead of an answer.
    pub fault: Option<Fault>,
    /// What is wrong with the tokens that are issued.
    pub tokens: TokenChanges,
    /// How the token endpoint reports the lifetime of a token.
    pub expires_in: ExpiresIn,
    /// What a person does who is asked to sign in.
    pub person: Person,
    /// How Graph answers about a person's groups.
    pub groups: GroupList,
    /// What Azure Resource Graph answers.
    pub graph: Graph,
}

/// What a person does who is asked to sign in, with a browser or a device code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// Signs in.
    SignsIn,
    /// Signs in after this many questions about the device code.
    TakesPolls(u32),
    /// Signs in, but the first question about the device code is answered with `slow_down`.
    IsNotToBeHurried,
    /// Declines.
    Declines,
    /// Lets the device code expire.
    LetsItExpire,
    /// Signs in after the device code was forgotten.
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
            groups: GroupList::Pages,
            graph: Graph::default(),
        }
    }
}

impl Behaviour {
    /// Returns a behaviour with only this fault.
    pub fn fault(fault: Fault) -> Self {
        Self {
            fault: Some(fault),
            ..Self::default()
        }
    }

    /// Returns a behaviour with no fault, but every answer takes this long.
    pub fn slow(delay: Duration) -> Self {
        Self {
            delay,
            ..Self::default()
        }
    }

    /// Returns a behaviour that differs only in how it reports the lifetime of tokens.
    pub fn expires_in(expires_in: ExpiresIn) -> Self {
        Self {
            expires_in,
            ..Self::default()
        }
    }

    /// Returns a behaviour with no fault, with this person.
    pub fn person(person: Person) -> Self {
        Self {
            person,
            ..Self::default()
        }
    }

    /// Returns a behaviour that differs only in how Graph answers about groups.
    pub fn groups(groups: GroupList) -> Self {
        Self {
            groups,
            ..Self::default()
        }
    }

    /// Returns a behaviour that differs only in what Azure Resource Graph answers.
    pub fn graph(graph: Graph) -> Self {
        Self {
            graph,
            ..Self::default()
        }
    }

    /// Returns a behaviour that differs only in its tokens.
    pub fn tokens(tokens: TokenChanges) -> Self {
        Self {
            tokens,
            ..Self::default()
        }
    }
}

/// How Graph answers about a person's groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupList {
    /// In pages of two.
    Pages,
    /// The tenant forbids it.
    Refused,
    /// The link to the next page leads to another host.
    NextElsewhere,
    /// The link to the next page leads to the same page.
    NextForever,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The token request is refused.
    Refuse(Refusal),
    /// 503.
    Unavailable,
    /// The answer is another site's web page instead of JSON.
    Html,
    /// There is no answer.
    Silence,
    /// The request is redirected to the Entra of another cloud.
    Redirect,
    /// The connection is closed without an answer.
    Drop,
}

/// How an answer reports the lifetime of its token, in seconds.
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

/// Where requests are redirected: the Entra of another cloud, which would accept them.
pub(super) const ELSEWHERE: &str = "https://login.microsoftonline.us/common/oauth2/v2.0/token";

/// The answer to everything from a network that requires a login first.
pub(super) const CAPTIVE_PORTAL: &str = "<!DOCTYPE html>\n<html><head><title>Guest network</title></head><body>Please accept our terms.</body></html>\n";
