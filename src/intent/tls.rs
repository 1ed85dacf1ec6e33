//! How the connection is protected: a token is sent only inside TLS, to a host that proved its
//! name.

use crate::failure::Failure;
use crate::libpq::parameters::{Origin, Parameters};
use crate::libpq::target::Target;

/// The mode that is used unless you choose another.
const STRICTEST: &str = "verify-full";

/// `PGGSSENCMODE` beside every token, because GSSAPI encryption would replace TLS.
pub const GSSENCMODE: &str = "disable";

/// What psql's environment needs for TLS.
#[derive(Debug, PartialEq, Eq)]
pub struct Protection {
    /// `PGSSLMODE`. It's set even if a connection string says the same: psql sends the token to the
    /// host of a later `\c` too, and takes the mode of that connection from the environment.
    pub mode: String,
    /// Whether `PGSSLROOTCERT` has to name the system's roots.
    pub wants_roots: bool,
}

/// Settles the protection of `target`. `has_own_roots` is whether you have a root file where libpq
/// looks for one.
///
/// A mode that you set is kept if it requires TLS. Roots are given only if the chain is checked and
/// you have none: with `require`, a root file would turn into a check that nobody asked for.
pub fn protect(target: &Target, has_own_roots: bool) -> Result<Protection, Failure> {
    check_gss(target)?;
    let chosen = target.parameters().get("sslmode");
    // libpq reads `PGREQUIRESSL` as `require`, which checks nothing, and nobody set it for a token.
    let mode = chosen
        .filter(|mode| mode.origin != Origin::OlderVariable)
        .map(|mode| mode.value.as_slice());
    if let Some(mode @ (b"disable" | b"allow" | b"prefer")) = mode {
        let source = Source::find(target, "sslmode", "PGSSLMODE");
        return Err(Failure::sign_in(format!(
            "`sslmode={}` in {} doesn't require TLS, which the token needs",
            String::from_utf8_lossy(mode),
            source.place
        ))
        .hint(format!(
            "{} to get `{STRICTEST}`, or connect without a token by `--no-entra`",
            source.removal
        )));
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
/// what it gives to them, which libpq prefers to the variables beside the token.
pub fn check_later(service: &Parameters) -> Result<(), Failure> {
    let weaker = [
        ("sslmode", &[&b"disable"[..], b"allow", b"prefer"][..]),
        ("gssencmode", &[b"prefer", b"require"]),
    ];
    for (name, values) in weaker {
        if let Some(value) = service.value(name).filter(|value| values.contains(value)) {
            return Err(Failure::sign_in(format!(
                "the service in `PGSERVICE` sets `{name}={}`, with which psql's later connections would send the token without verified TLS",
                String::from_utf8_lossy(value)
            ))
            .hint(format!(
                "unset `PGSERVICE`, or remove `{name}` from the service"
            )));
        }
    }
    Ok(())
}

/// Refuses GSSAPI encryption if [`GSSENCMODE`] in the environment would not turn it off.
fn check_gss(target: &Target) -> Result<(), Failure> {
    let mode = target.parameters().value("gssencmode");
    match (mode, target.origin("gssencmode")) {
        (None | Some(b"disable"), _) | (Some(b"prefer"), Some(Origin::Environment)) => Ok(()),
        (Some(mode), _) => {
            let source = Source::find(target, "gssencmode", "PGGSSENCMODE");
            Err(Failure::sign_in(format!(
                "`gssencmode={}` in {} may replace TLS, which the token needs",
                String::from_utf8_lossy(mode),
                source.place
            ))
            .hint(format!(
                "{}, or connect without a token by `--no-entra`",
                source.removal
            )))
        }
    }
}

/// Where a parameter was set, and how to remove it there.
struct Source {
    place: String,
    removal: String,
}

impl Source {
    fn find(target: &Target, name: &str, variable: &str) -> Self {
        let value = |name| {
            let value = target.parameters().value(name).unwrap_or_default();
            String::from_utf8_lossy(value).into_owned()
        };
        let remove_from = |place: String| Self {
            removal: format!("remove `{name}` from {place}"),
            place,
        };
        match target.origin(name) {
            Some(Origin::Service) => remove_from(format!(
                "section `[{}]` of `{}`",
                value("service"),
                value("servicefile")
            )),
            Some(Origin::Environment) => Self {
                place: format!("`{variable}`"),
                removal: format!("unset `{variable}`"),
            },
            _ => remove_from("the connection string".to_owned()),
        }
    }
}
