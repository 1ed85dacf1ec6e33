//! How the connection is protected: a token leaves only inside TLS to a host that proved its name.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::libpq::parameters::Origin;
use crate::libpq::target::Target;

/// What psql's environment needs for TLS. `None` leaves it as it is.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Protection {
    /// `PGSSLMODE`
    pub mode: Option<&'static str>,
    /// `PGSSLROOTCERT`
    pub roots: Option<OsString>,
    /// `PGGSSENCMODE`: GSSAPI encryption would stand in the place of TLS.
    pub gss: Option<&'static str>,
}

/// Roots that can be had.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    /// Whether the person has a root file of their own where libpq looks for one (`~/.postgresql/root.crt`).
    pub own: bool,
    /// The operating system's roots, as one file.
    pub system: Option<PathBuf>,
}

/// Settles the protection of `target`.
///
/// A mode that the person set is kept where it forces TLS. Roots are given only where the chain is checked
/// and the person has none: with `require`, a root file would turn into a check that was not asked for.
///
/// # Errors
///
/// The mode set allows plain text, or GSSAPI encryption is demanded.
pub fn protect(target: &Target, roots: &Roots) -> Result<Protection, Failure> {
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
    let checks_chain = mode != Some(b"require");
    let has_roots = roots.own || target.parameters().filled("sslrootcert").is_some();
    Ok(Protection {
        mode: mode.is_none().then_some("verify-full"),
        roots: (checks_chain && !has_roots).then(|| match &roots.system {
            Some(file) => file.clone().into_os_string(),
            // libpq 16 and later take this word for the operating system's own store.
            None => OsString::from("system"),
        }),
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
