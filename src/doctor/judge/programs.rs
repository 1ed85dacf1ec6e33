//! Judges psql, az, and what was decided.

use std::path::Path;

use crate::cli::method::Method;
use crate::doctor::finding::{Finding, Link};
use crate::doctor::look::programs::{Az, Psql};
use crate::entra::cloud;
use crate::failure::Failure;
use crate::intent::Plan;
use crate::intent::method::Choice;
use crate::intent::tls::Protection;
use crate::psql::version;

/// The first PostgreSQL whose psql takes passwords as long as tokens are everywhere, and that is
/// tested here.
const OLDEST: u32 = 13;

/// What a failure says of a link.
pub fn failed(link: Link, failure: &Failure) -> Finding {
    Finding::fail(link, failure.cause()).remedies(failure.hints())
}

/// psql.
pub fn psql(seen: &Result<Psql, Failure>) -> Finding {
    let psql = match seen {
        Ok(psql) => psql,
        Err(failure) => return failed(Link::Psql, failure),
    };
    let shown = psql.program.display();
    let said = match &psql.version {
        Ok(said) => said,
        Err(why) => {
            return Finding::fail(Link::Psql, format!("`{shown}` does not run: {why}")).remedy(
                "install PostgreSQL's client anew, or name another psql with `--psql PATH`",
            );
        }
    };
    let mut found = format!("`{shown}`, {said}");
    if let Some(libpq) = psql.libpq.as_deref().and_then(libpq_version) {
        found.push_str(", libpq ");
        found.push_str(&libpq.to_string());
    }
    if psql.is_script {
        found += ", a script around the real one (Debian's costs some 20 ms a launch)";
    }
    match version::major(said) {
        None => Finding::warn(Link::Psql, format!("{found}: not what psql says of itself"))
            .remedy("name psql itself with `--psql PATH`"),
        Some(major) if major < OLDEST => Finding::warn(Link::Psql, found).remedy(format!(
            "install PostgreSQL's client of version {OLDEST} or later"
        )),
        Some(_) => Finding::ok(Link::Psql, found),
    }
}

/// The version in the name of `libpq.so.5.15`: since PostgreSQL 10 the library's minor version is
/// PostgreSQL's major.
fn libpq_version(file: &Path) -> Option<u32> {
    let name = file.file_name()?.to_str()?;
    name.strip_prefix("libpq.so.5.")?.parse().ok()
}

/// az, where the token comes from it.
pub fn az(seen: &Result<Az, Failure>, plan: &Plan) -> Finding {
    let az = match seen {
        Ok(az) => az,
        Err(failure) => return failed(Link::Az, failure),
    };
    let account = match &az.account {
        Ok(account) => account,
        Err(failure) => return failed(Link::Az, failure),
    };
    let version = match &az.version {
        Ok(version) => format!("version {version}"),
        Err(failure) => failure.cause().to_owned(),
    };
    let found = format!(
        "`{}`, {version}; signed in as {} `{}`, tenant {}, {}, subscription `{}`",
        az.program.display(),
        if account.kind == "user" {
            "user"
        } else {
            "application"
        },
        account.user,
        account.tenant,
        account.cloud,
        account.subscription
    );
    match plan.known_cloud() {
        Some(cloud) if cloud::by_name(&account.cloud).is_some_and(|active| active != cloud) => {
            Finding::warn(Link::Az, found).remedy(format!(
                "the server is of {}: `az cloud set --name {}`, then `az login`",
                cloud.name, cloud.name
            ))
        }
        _ if az.version.is_err() => Finding::warn(Link::Az, found),
        _ => Finding::ok(Link::Az, found),
    }
}

/// az, where nobody asks it.
pub fn az_aside(program: Option<&Path>, because: &str) -> Finding {
    let place = program.map_or_else(
        || "it is not on `PATH`".to_owned(),
        |program| format!("it is at `{}`", program.display()),
    );
    Finding::skip(Link::Az, format!("not needed, since {because}; {place}"))
}

/// The decision that a token is due, and is got so.
pub fn decided(plan: &Plan, choice: Choice, protection: &Protection) -> Finding {
    let method = choice.method;
    let how = match choice.explained() {
        Some(explained) => explained,
        None => format!("`{}` was asked for", method.name()),
    };
    let resource = match (&plan.resource, method) {
        (Some(resource), _) => resource.as_str(),
        (None, Method::AzureCli) => "the databases of az's active cloud",
        (None, _) => "databases",
    };
    let mode = &protection.mode;
    Finding::ok(
        Link::Decision,
        format!(
            "a token for {resource} is due: {} ({}); {how}; `sslmode={mode}`",
            plan.reason, plan.host
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn versions() {
        assert_eq!(
            libpq_version(&PathBuf::from("/lib/libpq.so.5.18")),
            Some(18)
        );
        assert_eq!(libpq_version(&PathBuf::from("/lib/libpq.so.5")), None);
    }
}
