//! How the connection is protected: a token leaves only inside TLS to a host that proved its name.

use crate::failure::Failure;
use crate::libpq::parameters::{Origin, Parameters};
use crate::libpq::target::Target;

/// The mode that is used unless the person chose another.
const STRICTEST: &str = "verify-full";

/// `PGGSSENCMODE` beside every token, since GSSAPI encryption would take the place of TLS.
pub const GSSENCMODE: &str = "disable";

/// What psql's environment needs for TLS.
#[derive(Debug, PartialEq, Eq)]
pub struct Protection {
    /// `PGSSLMODE`. It stands beside every token, even if a connection string says the same: psql
    /// sends the token to the host of a later `\c` too, and takes the mode for that connection from
    /// the environment.
    pub mode: String,
    /// Whether `PGSSLROOTCERT` has to name the system's roots.
    pub wants_roots: bool,
}

/// Settles the protection of `target`. `has_own_roots` is whether the person has a root file where
/// libpq looks for one.
///
/// A mode that the person set is kept where it forces TLS. Roots are given only where the chain is
/// checked and the person has none: with `require`, a root file would turn into a check that was
/// not asked for.
///
/// # Errors
///
/// The mode set allows plain text, or GSSAPI encryption is demanded.
pub fn protect(target: &Target, has_own_roots: bool) -> Result<Protection, Failure> {
    check_gss(target)?;
    let chosen = target.parameters().get("sslmode");
    // libpq reads `PGREQUIRESSL` as `require`, which checks nothing, and nobody who set it chose
    // that for a token.
    let mode = chosen
        .filter(|mode| mode.origin != Origin::OlderVariable)
        .map(|mode| mode.value.as_slice());
    if let Some(mode @ (b"disable" | b"allow" | b"prefer")) = mode {
        return Err(Failure::sign_in(format!(
            "`sslmode={}` would let the token travel in plain text",
            String::from_utf8_lossy(mode)
        ))
        .hint(
            "leave `sslmode` unset for `verify-full`, or connect without a token by `--no-entra`",
        ));
    }
    let has_roots = has_own_roots || target.parameters().filled("sslrootcert").is_some();
    Ok(Protection {
        mode: mode.map_or_else(
            || STRICTEST.to_owned(),
            |mode| String::from_utf8_lossy(mode).into_owned(),
        ),
        wants_roots: mode != Some(b"require") && !has_roots,
    })
}

/// Refuses a token beside a service in `PGSERVICE` that weakens later connections. `service` is
/// what it gives to them, which libpq puts before the variables beside the token.
///
/// # Errors
///
/// The service allows plain text or GSSAPI encryption.
pub fn check_later(service: &Parameters) -> Result<(), Failure> {
    let weaker = [
        ("sslmode", &[&b"disable"[..], b"allow", b"prefer"][..]),
        ("gssencmode", &[b"prefer", b"require"]),
    ];
    for (name, words) in weaker {
        if let Some(word) = service.value(name).filter(|word| words.contains(word)) {
            return Err(Failure::sign_in(format!(
                "the service in `PGSERVICE` sets `{name}={}`, and psql's later connections would send the token that way",
                String::from_utf8_lossy(word)
            ))
            .hint(format!(
                "unset `PGSERVICE`, or take `{name}` out of the service"
            )));
        }
    }
    Ok(())
}

/// GSSAPI encryption is refused if [`GSSENCMODE`] in the environment would not switch it off.
fn check_gss(target: &Target) -> Result<(), Failure> {
    let mode = target.parameters().value("gssencmode");
    match (mode, target.origin("gssencmode")) {
        (None | Some(b"disable"), _) | (Some(b"prefer"), Some(Origin::Environment)) => Ok(()),
        (Some(mode), _) => Err(Failure::sign_in(format!(
            "`gssencmode={}` may take the place of TLS, and a token goes through TLS alone",
            String::from_utf8_lossy(mode)
        ))
        .hint("set `gssencmode=disable` or leave it out, or use `--no-entra`")),
    }
}
