//! Which password is configured already, and whether it is a token of ours.

use crate::entra::token::Token;
use crate::failure::Failure;
use crate::libpq::parameters::Origin;

use super::Case;

/// A password that isn't a token of ours, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OtherPassword {
    Prompt,
    CommandLine,
    Service,
    Variable,
    Passfile,
}

impl OtherPassword {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Prompt => "`-W` makes psql ask for a password",
            Self::CommandLine => "the connection string has a password",
            Self::Service => "the service file has a password",
            Self::Variable => "`PGPASSWORD` holds a password that isn't a database token",
            Self::Passfile => "the password file has a password for this connection",
        }
    }

    /// Refuses a request for a token beside this password. What was typed contradicts the request.
    /// The rest is overridden, except in a service file, which libpq prefers to the variable that
    /// carries the token.
    pub(super) fn contradiction(self) -> Result<(), Failure> {
        match self {
            Self::Prompt => Err(Failure::usage(
                "`-W` asks for a password, but a token was asked for",
            )
            .hint("leave out `-W`, or sign in with the password and `--no-entra`")),
            Self::CommandLine => Err(Failure::usage(
                "the connection string has a password, but a token was asked for",
            )
            .hint("remove the password from it, or sign in with it and `--no-entra`")),
            Self::Service => Err(Failure::sign_in(
                "libpq would use the password in the service file instead of the token",
            )
            .hint("remove `password` from the service file, or sign in with it and `--no-entra`")),
            Self::Variable | Self::Passfile => Ok(()),
        }
    }
}

/// Returns a password that libpq would prefer to the password file's, unless it's a token of ours.
pub(super) fn other_password(case: &Case<'_>, inherited: Option<&Token>) -> Option<OtherPassword> {
    if case.wanted.asks_password {
        return Some(OtherPassword::Prompt);
    }
    match case.target.password() {
        // An empty password in these still hides the variable, so psql would ask for one.
        Some(given) if given.origin.is_command_line() => Some(OtherPassword::CommandLine),
        Some(given) if given.origin == Origin::Service => Some(OtherPassword::Service),
        Some(given) if !given.value.is_empty() && inherited.is_none() => {
            Some(OtherPassword::Variable)
        }
        _ => None,
    }
}

/// Returns the database token in `PGPASSWORD`, if it holds one: a shell inside psql inherited it
/// from us, or you put it there.
pub(super) fn inherited_token(case: &Case<'_>) -> Option<Token> {
    let given = case.target.password()?;
    if given.origin != Origin::Environment {
        return None;
    }
    let text = std::str::from_utf8(&given.value).ok()?;
    let token = Token::read(text.to_owned()).ok()?;
    token.is_for_databases().then_some(token)
}
