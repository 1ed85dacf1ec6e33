//! Judges the session that psql opened or failed to open: explains the server's refusals, with what
//! an administrator would run.
//!
//! Microsoft does not document the texts, and their wording moves between "Azure AD" and "Microsoft
//! Entra". So they are matched by the parts that stay. The statements are those of Microsoft's page
//! on managing Entra roles.

use std::time::Duration;

use crate::cli::method::Method;
use crate::doctor::finding::{Finding, Link};
use crate::doctor::look::session::{Session, SessionError};
use crate::doctor::look::within;
use crate::entra::refusal::one_line;

use super::sql::{identifier, literal};
use super::{firewall, renewal};

const CUT: &str = "pass the token whole, without quotes, spaces or line breaks, or let entra-psql get it: it was cut or quoted on its way";

const PLAIN_TEXT: &str = "set `PGSSLMODE=require` to see the answer to a connection with TLS: this is the answer to one without";

const NOT_FOUND: &str = "map the role by its name in the server's own tenant, or by object id with `pgaadauth_create_principal_with_oid`";

/// Who was to have the session.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Who {
    pub role: String,
    pub database: String,
    /// Whether libpq took the role's name for the database, since none is named.
    pub database_is_role: bool,
    pub is_group: bool,
    /// Whether the token is an application's, or a managed identity's.
    pub is_application: bool,
    /// The object id in the token.
    pub oid: Option<String>,
    pub has_token: bool,
    /// The server's name, as it was given.
    pub host: String,
    pub method: Option<Method>,
    /// How long ago the token was issued.
    pub age: Option<Duration>,
}

/// Judges the attempt to open a session.
pub fn judge(opened: &Result<Session, SessionError>, who: &Who) -> Finding {
    match opened {
        Ok(session) => Finding::ok(
            Link::SignIn,
            format!(
                "psql is signed in: role `{}`, database `{}`, PostgreSQL {}, {} ms",
                session.role,
                session.database,
                session.version,
                session.took.as_millis()
            ),
        ),
        Err(SessionError::Refused(said)) => {
            let cause = cause(said);
            let remedies = remedies(&cause, who);
            Finding::fail(Link::SignIn, cause).remedies(remedies)
        }
        Err(SessionError::Silent(time)) => Finding::fail(Link::SignIn, format!("psql got no answer {}", within(*time))).remedy(
            "check whether the server is starting or overloaded, and that nothing in between holds the connection back; to wait longer, use `--timeout SECONDS`",
        ),
        Err(SessionError::NotStarted(why)) => Finding::fail(Link::SignIn, format!("psql cannot be run: {why}"))
            .remedy("name another psql with `--psql PATH`"),
    }
}

/// Returns psql's last error, without where it comes from.
pub fn cause(stderr: &str) -> String {
    let lines = || {
        stderr
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    };
    let last = lines().rfind(|line| line.contains("FATAL:") || line.contains("rror:"));
    let line = last
        .or(lines().next_back())
        .unwrap_or("psql gave no reason");
    let said = line
        .split_once("FATAL:")
        .map(|(_, said)| format!("the server reports: {}", said.trim()));
    one_line(&said.unwrap_or_else(|| line.to_owned()))
}

/// Returns what to do about a refusal with the text `cause`.
pub fn remedies(cause: &str, who: &Who) -> Vec<String> {
    let said = cause.to_lowercase();
    let says = |part: &str| said.contains(part);
    if says("access token has invalid format") {
        return vec![CUT.to_owned()];
    }
    let is_plain_text = says("no pg_hba.conf entry") && says("no encryption");
    if !who.has_token {
        let mut remedies = without_token(&says);
        remedies.extend(is_plain_text.then(|| PLAIN_TEXT.to_owned()));
        return remedies;
    }
    if is_plain_text {
        return vec![PLAIN_TEXT.to_owned()];
    }
    if says("token has expired") {
        vec![
            renewal::advice(who.method).to_owned(),
            "check this machine's clock".to_owned(),
        ]
    } else if says("audience") {
        vec![match resource(cause) {
            Some(resource) => format!(
                "use the resource that the server names, with `--resource {resource}`; or leave `--resource` and `--cloud` out"
            ),
            None => {
                "leave `--resource` and `--cloud` out, to use the server's own resource".to_owned()
            }
        }]
    } else if says("valid oid claim") {
        vec!["sign in to the server's tenant, with `--tenant ID` or `az login --tenant ID`: the token is from another one".to_owned()]
    } else if says("validating the access token") {
        vec![
            "check that tenant and cloud are the server's: its Entra did not sign this token"
                .to_owned(),
        ]
    } else if says("aad_auth_tokentype") || (says("token for role") && says("is neither")) {
        other_kind(who)
    } else if says("password authentication failed") {
        not_mapped(who)
    } else if says("is not permitted to log in") {
        no_login(who)
    } else if says("role \"") && says("does not exist") {
        no_role(who)
    } else if says("database \"") && says("does not exist") {
        no_database(who)
    } else if says("permission denied for database") {
        vec![as_administrator(&format!(
            "grant connect on database {} to {};",
            identifier(&who.database),
            identifier(&who.role)
        ))]
    } else if says("is not found in the tenant") {
        vec![NOT_FOUND.to_owned()]
    } else if says("no pg_hba.conf entry") {
        let mut remedies = vec!["check in the Azure portal that the server has Microsoft Entra authentication on (Authentication), and allows this machine's address (Networking)".to_owned()];
        remedies.extend(firewall::refused(&who.host, cause));
        remedies
    } else if (says("timeout expired") || says("timed out"))
        && let Some(remedy) = firewall::silent(&who.host)
    {
        vec![remedy]
    } else if says("too many") || says("remaining connection slots") {
        vec!["try again later, or close other connections: the server has none left".to_owned()]
    } else {
        vec!["to see what psql is given, run the same command with `--entra-verbose` instead of `--doctor`".to_owned()]
    }
}

fn without_token(says: &impl Fn(&str) -> bool) -> Vec<String> {
    vec![if says("no password supplied") {
        "psql will ask you for the password, which `--doctor` does not do".to_owned()
    } else if says("connection refused") || says("no such file or directory") {
        "check that the server is running, and that host and port are right".to_owned()
    } else {
        "check user, password and database, which psql takes as they are; if the server uses Microsoft Entra authentication, add `--entra`".to_owned()
    }]
}

/// Returns the resource that the server names in quotes.
fn resource(cause: &str) -> Option<&str> {
    cause.split('"').find(|part| part.starts_with("https://"))
}

fn as_administrator(statement: &str) -> String {
    format!("have an Entra administrator of the server run this, in database postgres: {statement}")
}

fn kind(who: &Who) -> &'static str {
    if who.is_application {
        "service"
    } else {
        "user"
    }
}

fn no_database(who: &Who) -> Vec<String> {
    vec![if who.database_is_role {
        "name a database, as with `-d postgres`: none is named, so libpq uses the role's name"
            .to_owned()
    } else {
        "name a database that exists: `-d postgres` always does".to_owned()
    }]
}

fn no_role(who: &Who) -> Vec<String> {
    let role = &who.role;
    let mut remedies = vec![
        format!("check that `{role}` is spelled as `\\du` lists it, with its case and spaces"),
        as_administrator(&format!(
            "select * from pgaadauth_create_principal({}, false, false);",
            literal(role)
        )),
    ];
    if who.is_group {
        remedies.push(synchronised());
    }
    remedies
}

fn not_mapped(who: &Who) -> Vec<String> {
    let role = &who.role;
    if who.is_group {
        let mut remedies = vec![
            format!("check that you are a member of the group that the role `{role}` is mapped to"),
            as_administrator("select * from pgaadauth_list_principals(false);"),
            synchronised(),
        ];
        remedies.extend(renewal::for_groups(who.method, who.age));
        return remedies;
    }
    let Some(oid) = &who.oid else {
        return vec![format!(
            "check that this token's identity is mapped to the role `{role}`"
        )];
    };
    let label = format!("aadauth,oid={oid},type={}", kind(who));
    vec![
        format!(
            "check that `{role}` is the role of this token's identity, or of a group that it is in"
        ),
        as_administrator(&format!(
            "select * from pgaadauth_create_principal_with_oid({}, {}, '{}', false, false);",
            literal(role),
            literal(oid),
            kind(who)
        )),
        format!(
            "if the role exists already, this is the statement instead: security label for \"pgaadauth\" on role {} is {};",
            identifier(role),
            literal(&label)
        ),
    ]
}

fn other_kind(who: &Who) -> Vec<String> {
    let is = if who.is_application {
        "an application's"
    } else {
        "a person's"
    };
    let mut remedies = vec![format!(
        "use a role of your own, or sign in as the identity of `{}`: the token is {is}, and that role is mapped to another kind of identity",
        who.role
    )];
    if let Some(oid) = &who.oid {
        remedies.push(as_administrator(&format!(
            "security label for \"pgaadauth\" on role {} is {};",
            identifier(&who.role),
            literal(&format!("aadauth,oid={oid},type={}", kind(who)))
        )));
    }
    remedies
}

fn no_login(who: &Who) -> Vec<String> {
    let mut remedies = vec![as_administrator(&format!(
        "alter role {} login;",
        identifier(&who.role)
    ))];
    remedies.push(synchronised());
    remedies
}

fn synchronised() -> String {
    "if the server has `pgaadauth.enable_group_sync` on, leave `--group` out: members have roles of their own, and a group's may be NOLOGIN".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who() -> Who {
        Who {
            role: "O'Brien \"x\"".to_owned(),
            database: "app".to_owned(),
            oid: Some("1-2".to_owned()),
            has_token: true,
            host: "mydb.postgres.database.azure.com".to_owned(),
            ..Who::default()
        }
    }

    #[test]
    fn the_servers_own_words_are_found() {
        let stderr = "psql: error: connection to server at \"h\" (1.2.3.4), port 1 failed: FATAL:  role \"x\" does not exist\n";
        assert_eq!(
            cause(stderr),
            "the server reports: role \"x\" does not exist"
        );
        let two = "psql: error: connection to server at \"h\" (::1), port 1 failed: Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?\n";
        assert!(cause(two).contains("Connection refused"));
        assert_eq!(cause(""), "psql gave no reason");
    }

    #[test]
    fn wording_may_move() {
        for (said, remedy) in [
            ("The Azure AD access token has expired.", "`--fresh`"),
            (
                "The Microsoft Entra access token has expired. Acquire a new token and try again.",
                "`--fresh`",
            ),
            (
                "Azure AD access token does not have a valid audience claim. Please acquire a new token for the resource \"https://r\".",
                "`--resource https://r`",
            ),
            (
                "The access token doesn't have a valid oid claim",
                "`--tenant ID`",
            ),
            (
                "An error occurred while validating the access token. Please",
                "tenant and cloud",
            ),
            (
                "Service Principals cannot generate AAD_AUTH_TOKENTYPE_APP_USER tokens for role[x]",
                "another kind of identity",
            ),
            (
                "Azure AD user token for role[x] is neither an AAD_AUTH_TOKENTYPE_APP_USER",
                "another kind of identity",
            ),
            (
                "password authentication failed for user \"x\"",
                "pgaadauth_create_principal_with_oid('O''Brien \"x\"', '1-2', 'user', false, false)",
            ),
            (
                "role \"x\" does not exist",
                "pgaadauth_create_principal('O''Brien \"x\"', false, false)",
            ),
            (
                "role \"x\" is not permitted to log in",
                "alter role \"O'Brien \"\"x\"\"\" login;",
            ),
            (
                "The access token has invalid format. Acquire a new token and try again.",
                "cut or quoted",
            ),
            (
                "Could not validate AAD user \"x\" because its name is not found in the tenant.",
                "pgaadauth_create_principal_with_oid",
            ),
            (
                "no pg_hba.conf entry for host \"203.0.113.7\", user \"x\", database \"d\", SSL encryption",
                "--server-name mydb --name NAME --start-ip-address 203.0.113.7 ",
            ),
            (
                "no pg_hba.conf entry for host \"203.0.113.7\", user \"x\", database \"d\", no encryption",
                "`PGSSLMODE=require`",
            ),
            (
                "connection to server at \"mydb\", port 5432 failed: timeout expired",
                "--start-ip-address ADDRESS ",
            ),
            ("database \"app\" does not exist", "`-d postgres`"),
            (
                "permission denied for database \"app\"",
                "grant connect on database \"app\"",
            ),
        ] {
            let remedies = remedies(said, &who());
            let found = remedies.iter().any(|known| known.contains(remedy));
            assert!(found, "{said}: {remedies:#?}");
        }
    }

    #[test]
    fn groups_are_reminded_of_synchronisation() {
        let group = Who {
            is_group: true,
            ..who()
        };
        for said in [
            "password authentication failed",
            "role \"x\" does not exist",
            "is not permitted to log in",
        ] {
            let remedies = remedies(said, &group);
            assert!(
                remedies
                    .iter()
                    .any(|remedy| remedy.contains("pgaadauth.enable_group_sync"))
            );
        }
    }
}
