//! Judges whether a token is due, and how to get it.

use crate::cli::method::Method;
use crate::doctor::finding::{Finding, Link};
use crate::intent::Plan;
use crate::intent::method::Choice;
use crate::intent::tls::Protection;
use crate::libpq::parameters::Origin;
use crate::libpq::target::Target;

/// Where libpq looks for a password file unless told otherwise.
const PASSWORD_FILE: &str = if cfg!(windows) {
    r"%APPDATA%\postgresql\pgpass.conf"
} else {
    "~/.pgpass"
};

/// Reports that a token is due, and how to get it.
pub fn sign_in(plan: &Plan, choice: Choice, protection: &Protection) -> Finding {
    let method = choice.method;
    let how = match choice.explained() {
        Some(explained) => explained,
        None => format!("the method is `{}`", method.name()),
    };
    let resource = match (&plan.resource, method) {
        (Some(resource), _) => resource.as_str(),
        (None, Method::AzureCli) => "the databases of az's active cloud",
        (None, _) => "databases",
    };
    let mode = &protection.mode;
    let sources = plan.sources.iter().map(|source| format!("; {source}"));
    let sources: String = sources.collect();
    Finding::ok(
        Link::Decision,
        format!(
            "`{}` gets an access token for {resource}: {}; {how}; `sslmode={mode}`{sources}",
            plan.host, plan.reason
        ),
    )
}

/// Reports that no token is due, for this reason.
pub fn no_token(reason: &str) -> Finding {
    Finding::ok(
        Link::Decision,
        format!("no access token is needed: {reason}"),
    )
    .remedy("if the server uses Microsoft Entra authentication, add `--entra`")
}

/// Reports that a configured password keeps the server from getting a token that it would accept.
/// `is_in_passfile` is whether a password file holds it.
pub fn password(target: &Target, is_in_passfile: bool) -> Finding {
    let parameters = target.parameters();
    let origin = target.password().map(|password| password.origin);
    let file = |name| Some(String::from_utf8_lossy(parameters.filled(name)?).into_owned());
    let (holder, remedy) = match origin.filter(|_| !is_in_passfile) {
        Some(Origin::Service) => {
            let file = file("servicefile").unwrap_or_default();
            (
                format!("the service in `{file}`"),
                format!("remove `password` from the service in `{file}`"),
            )
        }
        Some(Origin::Environment | Origin::OlderVariable) => (
            "`PGPASSWORD`".to_owned(),
            "unset `PGPASSWORD`, or add `--entra`".to_owned(),
        ),
        Some(Origin::Option | Origin::ConnectionString) => (
            "the connection string".to_owned(),
            "remove the password from the connection string".to_owned(),
        ),
        None => {
            let file = file("passfile").unwrap_or_else(|| PASSWORD_FILE.to_owned());
            (
                format!("the password file `{file}`"),
                format!("remove the line for this connection from `{file}`, or add `--entra`"),
            )
        }
    };
    let host = target.hosts().first().map(|host| &host.name);
    let host = String::from_utf8_lossy(host.map_or(b"", Vec::as_slice));
    Finding::warn(
        Link::Decision,
        format!("`{host}` gets the password in {holder}, not an access token"),
    )
    .remedy(format!("to sign in with Microsoft Entra ID, {remedy}"))
}
