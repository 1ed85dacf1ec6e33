//! Explains what psql says when there is no session: the server's refusals, and what an
//! administrator would run.
//!
//! Microsoft does not document the texts, and their wording moves between "Azure AD" and "Microsoft
//! Entra", so that they are matched loosely, by what stays. The statements are those of Microsoft's
//! page on managing Entra roles.

use std::time::Duration;

use crate::cli::method::Method;
use crate::entra::refusal::one_line;

use super::sql::{identifier, literal};
use super::{firewall, renewal};

const CUT: &str = "the token was cut or quoted on its way: pass it whole, without quotes, spaces or line breaks, or have entra-psql get it";

const PLAIN_TEXT: &str = "this was said to a connection without TLS: set `PGSSLMODE=require`, and see what is said inside it";

const NOT_FOUND: &str = "map the role by its name in the server's own tenant, or by object id with `pgaadauth_create_principal_with_oid`";

/// Who wanted the session.
#[derive(Clone, Debug, Default)]
pub struct Who {
    pub role: String,
    /// The database that was asked for.
    pub database: String,
    /// Whether the role was named as a group.
    pub is_group: bool,
    /// Whether the token is an application's, or a managed identity's.
    pub is_application: bool,
    /// The object id in the token.
    pub oid: Option<String>,
    /// Whether there was a token at all.
    pub has_token: bool,
    /// The server's name, as it was given.
    pub host: String,
    /// How the token was got, and how long ago it was issued.
    pub method: Option<Method>,
    pub age: Option<Duration>,
}

/// What psql's last complaint says, without where it comes from.
pub fn cause(stderr: &str) -> String {
    let lines = || {
        stderr
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    };
    let last = lines().rfind(|line| line.contains("FATAL:") || line.contains("rror:"));
    let line = last.or(lines().next_back()).unwrap_or("it gives no reason");
    let said = line
        .split_once("FATAL:")
        .map(|(_, said)| format!("the server says: {}", said.trim()));
    one_line(&said.unwrap_or_else(|| line.to_owned()))
}

/// What to do about a refusal that says `cause`.
pub fn remedies(cause: &str, who: &Who) -> Vec<String> {
    let said = cause.to_lowercase();
    let says = |part: &str| said.contains(part);
    if says("access token has invalid format") {
        return vec![CUT.to_owned()];
    }
    if says("no pg_hba.conf entry") && says("no encryption") {
        return vec![PLAIN_TEXT.to_owned()];
    }
    if !who.has_token {
        return without_token(&says);
    }
    if says("token has expired") {
        vec![
            format!(
                "by the server's clock the token has expired: {}",
                renewal::advice(who.method)
            ),
            "is this machine's clock right? a fresh token is good for an hour".to_owned(),
        ]
    } else if says("audience") {
        vec![match resource(cause) {
            Some(resource) => format!(
                "ask for the resource that the server names: `--resource {resource}`, or leave `--resource` and `--cloud` out"
            ),
            None => {
                "ask for the server's own resource: leave `--resource` and `--cloud` out".to_owned()
            }
        }]
    } else if says("valid oid claim") {
        vec!["the token is of another tenant than the server's: `--tenant ID`, or `az login --tenant ID`".to_owned()]
    } else if says("validating the access token") {
        vec!["what was sent is no token that this server's Entra signed: is it the server's tenant and cloud?".to_owned()]
    } else if says("aad_auth_tokentype") || (says("token for role") && says("is neither")) {
        other_kind(who)
    } else if says("password authentication failed") {
        not_mapped(who)
    } else if says("is not permitted to log in") {
        no_login(who)
    } else if says("role \"") && says("does not exist") {
        no_role(who)
    } else if says("database \"") && says("does not exist") {
        vec!["name a database that is there: `-d postgres` always is".to_owned()]
    } else if says("permission denied for database") {
        vec![as_administrator(&format!(
            "grant connect on database {} to {};",
            identifier(&who.database),
            identifier(&who.role)
        ))]
    } else if says("is not found in the tenant") {
        vec![NOT_FOUND.to_owned()]
    } else if says("no pg_hba.conf entry") {
        let mut remedies = vec!["is Microsoft Entra authentication switched on at the server (portal: Authentication), and this machine's address allowed?".to_owned()];
        remedies.extend(firewall::refused(&who.host, cause));
        remedies
    } else if (says("timeout expired") || says("timed out"))
        && let Some(remedy) = firewall::silent(&who.host)
    {
        vec![remedy]
    } else if says("too many") || says("remaining connection slots") {
        vec!["the server has no connection left: try again, or have some ended".to_owned()]
    } else {
        vec!["`entra-psql --entra-verbose` with the same words shows what psql is given".to_owned()]
    }
}

fn without_token(says: &impl Fn(&str) -> bool) -> Vec<String> {
    vec![if says("no password supplied") {
        "psql will ask for the password, which is not done here".to_owned()
    } else if says("connection refused") || says("no such file or directory") {
        "is the server started, and are host and port right?".to_owned()
    } else {
        "no token is due here, so that this is between psql and the server; if it wants one, say so with `--entra`".to_owned()
    }]
}

/// The resource in quotes that the server names.
fn resource(cause: &str) -> Option<&str> {
    cause.split('"').find(|part| part.starts_with("https://"))
}

fn as_administrator(statement: &str) -> String {
    format!("an Entra administrator of the server runs, in database postgres: {statement}")
}

fn kind(who: &Who) -> &'static str {
    if who.is_application {
        "service"
    } else {
        "user"
    }
}

fn no_role(who: &Who) -> Vec<String> {
    let role = &who.role;
    let mut remedies = vec![
        format!("is `{role}` spelled as `\\du` lists it, case and spaces included?"),
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
            format!(
                "be a member of the group that the role `{role}` is mapped to: {}",
                as_administrator("select * from pgaadauth_list_principals(false);")
            ),
            synchronised(),
        ];
        remedies.extend(renewal::for_groups(who.method, who.age));
        return remedies;
    }
    let Some(oid) = &who.oid else {
        return vec![format!(
            "is `{role}` the role that this token's identity is mapped to?"
        )];
    };
    let label = format!("aadauth,oid={oid},type={}", kind(who));
    vec![
        format!(
            "is `{role}` the role of this token's identity? a group's wants a member, another's its own token"
        ),
        as_administrator(&format!(
            "select * from pgaadauth_create_principal_with_oid({}, {}, '{}', false, false);",
            literal(role),
            literal(oid),
            kind(who)
        )),
        format!(
            "or, where the role is there already: security label for \"pgaadauth\" on role {} is {};",
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
        "the token is {is}, and the role `{}` is mapped to another kind of identity: sign in as that, or ask for your own role",
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
        "alter role {} login; it is NOLOGIN now",
        identifier(&who.role)
    ))];
    remedies.push(synchronised());
    remedies
}

fn synchronised() -> String {
    "where the server has `pgaadauth.enable_group_sync` on, members have roles of their own, and a group's may be NOLOGIN: leave `--group` out".to_owned()
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
        assert_eq!(cause(stderr), "the server says: role \"x\" does not exist");
        let two = "psql: error: connection to server at \"h\" (::1), port 1 failed: Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?\n";
        assert!(cause(two).contains("Connection refused"));
        assert_eq!(cause(""), "it gives no reason");
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
    fn groups_are_told_of_synchronisation() {
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
