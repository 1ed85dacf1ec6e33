//! How the connection is protected: a token leaves only inside TLS to a host that proved its name.

use crate::failure::Failure;
use crate::libpq::parameters::Origin;
use crate::libpq::target::Target;

/// What psql's environment needs for TLS.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Protection {
    /// `PGSSLMODE`; `None` leaves it as it is.
    pub mode: Option<&'static str>,
    /// Whether `PGSSLROOTCERT` has to name the system's roots.
    pub wants_roots: bool,
    /// `PGGSSENCMODE`, since GSSAPI encryption would stand in the place of TLS; `None` leaves it as it is.
    pub gss: Option<&'static str>,
}

/// Settles the protection of `target`. `has_own_roots` is whether the person has a root file where libpq looks for one.
///
/// A mode that the person set is kept where it forces TLS. Roots are given only where the chain is checked
/// and the person has none: with `require`, a root file would turn into a check that was not asked for.
///
/// # Errors
///
/// The mode set allows plain text, or GSSAPI encryption is demanded.
pub fn protect(target: &Target, has_own_roots: bool) -> Result<Protection, Failure> {
    let mode = target.parameters().value("sslmode");
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
        mode: mode.is_none().then_some("verify-full"),
        wants_roots: mode != Some(b"require") && !has_roots,
        gss: gss(target)?,
    })
}

/// GSSAPI encryption is switched off where that can be done from outside, else it is refused.
fn gss(target: &Target) -> Result<Option<&'static str>, Failure> {
    let mode = target.parameters().value("gssencmode");
    match (mode, target.origin("gssencmode")) {
        (Some(b"disable"), _) => Ok(None),
        (None, _) | (Some(b"prefer"), Some(Origin::Environment)) => Ok(Some("disable")),
        (Some(mode), _) => Err(Failure::sign_in(format!(
            "`gssencmode={}` may take the place of TLS, and a token goes through TLS alone",
            String::from_utf8_lossy(mode)
        ))
        .hint("set `gssencmode=disable` or leave it out, or use `--no-entra`")),
    }
}
