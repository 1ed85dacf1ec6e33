//! What is known of a token's owner.

use crate::entra::role::{self, Identity};
use crate::entra::token::Token;
use crate::handover::report::minutes_left;
use crate::intent::method::Choice;
use crate::sign_in::signer::Identified;
use crate::token::azure_cli::Groups;

/// The claims that name the owner.
const NAMES: [&str; 7] = [
    "upn",
    "unique_name",
    "preferred_username",
    "email",
    "name",
    "appid",
    "xms_mirid",
];

/// What a token's owner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    User,
    Guest,
    ServicePrincipal,
    ManagedIdentity,
    Unknown,
}

impl Kind {
    pub fn of(token: &Token) -> Self {
        match role::identity(token) {
            Identity::Named(_) if token.claim("xms_mirid").is_some() => Self::ManagedIdentity,
            // The name of a guest in this tenant.
            Identity::Named(name) if name.contains("#EXT#") => Self::Guest,
            Identity::Named(_) => Self::User,
            Identity::Guest { .. } => Self::Guest,
            Identity::ServicePrincipal { .. } => Self::ServicePrincipal,
            Identity::Unnamed => Self::Unknown,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Guest => "guest",
            Self::ServicePrincipal => "service principal",
            Self::ManagedIdentity => "managed identity",
            Self::Unknown => "unknown",
        }
    }
}

/// All that is reported.
pub struct Report {
    /// The role's name, or why it isn't known.
    pub role: Result<String, String>,
    pub kind: Kind,
    /// The token's own names, and the claims that hold them.
    pub names: Vec<(&'static str, String)>,
    pub object_id: Option<String>,
    pub tenant: Option<String>,
    pub choice: Choice,
    pub minutes_left: u64,
    /// The groups, or why they aren't known.
    pub groups: Result<Groups, String>,
}

impl Report {
    pub fn new(identified: &Identified, groups: Result<Groups, String>) -> Self {
        let token = &identified.token;
        let claim = |name: &str| token.claim(name).map(str::to_owned);
        let kind = Kind::of(token);
        // A person's token names the program that asked for it.
        let is_application = matches!(kind, Kind::ServicePrincipal | Kind::ManagedIdentity);
        let names = NAMES
            .iter()
            .filter(|name| **name != "appid" || is_application);
        let name = identified.name.as_ref();
        Self {
            role: name.cloned().map_err(|failure| failure.cause().to_owned()),
            kind,
            names: names
                .filter_map(|name| Some((*name, claim(name)?)))
                .collect(),
            object_id: claim("oid"),
            tenant: claim("tid"),
            choice: identified.choice,
            minutes_left: minutes_left(token),
            groups,
        }
    }
}
