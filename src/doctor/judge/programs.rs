//! Judges psql, the Azure CLI, and what was decided.

use std::path::Path;

use crate::doctor::finding::{Finding, Link};
use crate::doctor::look::programs::{Az, Psql};
use crate::entra::cloud;
use crate::failure::Failure;
use crate::intent::Plan;
use crate::psql::version;

/// The first PostgreSQL whose psql takes passwords as long as tokens everywhere. It is also the
/// oldest that is tested.
const OLDEST: u32 = 13;

/// Turns a failure into a finding.
pub fn failed(link: Link, failure: &Failure) -> Finding {
    Finding::fail(link, failure.cause()).remedies(failure.hints())
}

pub fn psql(seen: &Result<Psql, Failure>) -> Finding {
    let psql = match seen {
        Ok(psql) => psql,
        Err(failure) => return failed(Link::Psql, failure),
    };
    let shown = psql.program.display();
    let said = match &psql.version {
        Ok(said) => said,
        Err(why) => {
            return Finding::fail(Link::Psql, format!("`{shown} --version` failed: {why}"))
                .remedy("reinstall PostgreSQL's client, or name another psql with `--psql PATH`");
        }
    };
    let mut found = format!("`{shown}`, {said}");
    if let Some(libpq) = psql.libpq.as_deref().and_then(libpq_version) {
        found.push_str(", libpq ");
        found.push_str(&libpq.to_string());
    }
    if psql.is_script {
        found += ", a script that runs the real psql (Debian's takes about 20 ms)";
    }
    match version::major(said) {
        None => Finding::warn(
            Link::Psql,
            format!("{found}: that is not a version of psql"),
        )
        .remedy("name psql itself with `--psql PATH`"),
        Some(major) if major < OLDEST => Finding::warn(Link::Psql, found).remedy(format!(
            "install version {OLDEST} or later of PostgreSQL's client"
        )),
        Some(_) => Finding::ok(Link::Psql, found),
    }
}

/// Returns the version in the name of `libpq.so.5.15`: since PostgreSQL 10 the library's minor
/// version is PostgreSQL's major version.
fn libpq_version(file: &Path) -> Option<u32> {
    let name = file.file_name()?.to_str()?;
    name.strip_prefix("libpq.so.5.")?.parse().ok()
}

/// Judges az, if the token comes from it.
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
            let found = format!("{found}; the server is in {}", cloud.name);
            Finding::warn(Link::Az, found).remedy(format!(
                "run `az cloud set --name {}`, then `az login`",
                cloud.name
            ))
        }
        _ if az.version.is_err() => Finding::warn(Link::Az, found),
        _ => Finding::ok(Link::Az, found),
    }
}

/// Judges az, if the token does not come from it.
pub fn az_aside(program: Option<&Path>, why: &str) -> Finding {
    let program = program.map_or_else(
        || "`az` is not on `PATH`".to_owned(),
        |program| format!("`az` is `{}`", program.display()),
    );
    Finding::skip(Link::Az, format!("{why}; {program}"))
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
