//! A ready token that somebody else got and put into a variable.

use std::time::SystemTime;

use crate::cli::READY_TOKEN;
use crate::entra::token::{Token, Unusable};
use crate::environment::Environment;
use crate::failure::Failure;

/// Takes the token out of its variable, and looks at it. Where `resource` is `None`, any database's will do.
///
/// # Errors
///
/// There is none, or it is no token for this resource, or it has expired.
pub fn token(environment: &Environment, resource: Option<&str>) -> Result<Token, Failure> {
    let Some(value) = environment.get_filled(READY_TOKEN) else {
        return Err(Failure::sign_in(format!(
            "`{READY_TOKEN}` is not set, and `env` takes the token from it"
        ))
        .hint(format!(
            "put a database token into `{READY_TOKEN}`, or choose another `--auth METHOD`"
        )));
    };
    let read = || {
        let text = value.to_str().ok_or(Unusable::NotAToken)?;
        let token = Token::read(text.trim().to_owned())?;
        token.check(resource, SystemTime::now())?;
        Ok(token)
    };
    read().map_err(|why| {
        let cause = match why {
            Unusable::NotAToken => "is no token".to_owned(),
            Unusable::WrongAudience(audience) => format!(
                "is for `{audience}`, not for {}",
                resource.map_or_else(|| "a database".to_owned(), |name| format!("`{name}`"))
            ),
            Unusable::Expired(ago) => format!("expired {} s ago", ago.as_secs()),
        };
        Failure::sign_in(format!("the token in `{READY_TOKEN}` {cause}"))
            .hint("get a new one for this server's resource, or choose another `--auth METHOD`")
    })
}
