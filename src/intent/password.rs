//! Which password is configured already, and whether it is a token of ours.

use crate::entra::token::Token;
use crate::failure::Failure;
use crate::libpq::parameters::Origin;

use super::Case;

/// A password that is no token of ours, and where it is.
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
            Self::Prompt => "`-W` has psql ask for a password",
            Self::CommandLine => "the connection string has a password",
            Self::Service => "the service file has a password",
            Self::Variable => "`PGPASSWORD` holds a password that is no database token",
            Self::Passfile => "the password file has a password for this connection",
        }
    }

    /// Where a token was asked for: what was typed contradicts it, and what is only at hand is
    /// overridden, except in a service file, which libpq puts before the variable that carries the
    /// token.
    pub(super) fn contradiction(self) -> Result<(), Failure> {
        match self {
            Self::Prompt => Err(Failure::usage("`-W` contradicts a request for a token")
                .hint("leave out `-W`, or sign in with the password and `--no-entra`")),
            Self::CommandLine => Err(Failure::usage(
                "the password in the connection string contradicts a request for a token",
            )
            .hint("take the password out, or sign in with it and `--no-entra`")),
            Self::Service => Err(Failure::sign_in(
                "the service file's password would be used in place of the token",
            )
            .hint("take `password` out of the service file, or sign in with it and `--no-entra`")),
            Self::Variable | Self::Passfile => Ok(()),
        }
    }
}

/// A password that libpq would put before the password file's, if it is no token of ours.
pub(super) fn other_password(case: &Case<'_>, inherited: Option<&Token>) -> Option<OtherPassword> {
    if case.wanted.asks_password {
        return Some(OtherPassword::Prompt);
    }
    match case.target.password() {
        // An empty password in these still hides the variable, so that psql would ask for one.
        Some(given) if given.origin.is_command_line() => Some(OtherPassword::CommandLine),
        Some(given) if given.origin == Origin::Service => Some(OtherPassword::Service),
        Some(given) if !given.value.is_empty() && inherited.is_none() => {
            Some(OtherPassword::Variable)
        }
        _ => None,
    }
}

/// The token in `PGPASSWORD`, where that is a database token: a shell inside psql inherited it from
/// us, or a person put it there.
pub(super) fn inherited_token(case: &Case<'_>) -> Option<Token> {
    let given = case.target.password()?;
    if given.origin != Origin::Environment {
        return None;
    }
    let text = std::str::from_utf8(&given.value).ok()?;
    let token = Token::read(text.to_owned()).ok()?;
    token.is_for_databases().then_some(token)
}
