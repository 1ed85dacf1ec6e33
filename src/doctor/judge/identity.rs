//! Judges the token by its claims, the role's name by the token, and the
//! membership of a group.

use std::time::{Duration, SystemTime};

use crate::cli::method::Method;
use crate::doctor::finding::{Finding, Link};
use crate::entra::role::{self, Identity, LONGEST_NAME};
use crate::entra::token::Token;
use crate::failure::Failure;
use crate::intent::Plan;
use crate::intent::role::{RoleSource, User};
use crate::sign_in::signer::SignedIn;

use super::renewal;

/// With less time left, the token may expire before the session is open.
const LITTLE_LIFE: Duration = Duration::from_secs(120);

/// Judges a token. `source` is where it comes from.
pub fn token(token: &Token, source: &str, now: SystemTime) -> Finding {
    let claim = |name| token.claim(name).unwrap_or("missing");
    let left = token.expires().duration_since(now).unwrap_or_default();
    let found = format!(
        "from {source}: audience {}, tenant {}, {}, object id {}, {} minutes left",
        claim("aud"),
        claim("tid"),
        who(token),
        claim("oid"),
        left.as_secs() / 60
    );
    if left < LITTLE_LIFE {
        return Finding::warn(Link::Token, found)
            .remedy("get a new one with `--fresh`; if you supply the token yourself, replace it");
    }
    Finding::ok(Link::Token, found)
}

/// Returns who a token is for, as a part of a sentence.
fn who(token: &Token) -> String {
    match role::identity(token) {
        Identity::Named(name) => format!("identity `{name}`"),
        Identity::Guest { address } => format!("guest `{address}`"),
        Identity::ServicePrincipal { app_id } => format!("application {app_id}"),
        Identity::Unnamed => "no name".to_owned(),
    }
}

pub fn is_application(token: &Token) -> bool {
    token.claim("idtyp") == Some("app")
        || token.claim("xms_mirid").is_some()
        || matches!(role::identity(token), Identity::ServicePrincipal { .. })
}

/// Whether `--group` or its variable names the role.
pub fn is_group(plan: &Plan) -> bool {
    matches!(
        &plan.user,
        User::Named {
            place: RoleSource::Group { .. },
            ..
        }
    )
}

/// Judges the role, whether you named it or the token did.
pub fn role(plan: &Plan, signed_in: &SignedIn) -> Finding {
    let name = signed_in.role.name.to_string_lossy();
    let identity = role::identity(&signed_in.token);
    let mut finding = spelling(plan, &name, &identity);
    if name.len() > LONGEST_NAME {
        finding = Finding::warn(
            Link::Role,
            format!("{}; PostgreSQL cuts names at {LONGEST_NAME} bytes, and this one has {}", finding.found, name.len()),
        )
        .remedies(&finding.remedies)
        .remedy(format!(
            "have the role created under a shorter name, with `pgaadauth_create_principal_with_oid`; PostgreSQL cuts this one to `{}`",
            cut(&name)
        ));
    }
    if name.trim() != name {
        finding = Finding::warn(
            Link::Role,
            format!("{}; it begins or ends with a space", finding.found),
        )
        .remedies(&finding.remedies)
        .remedy(format!("try `{}`", name.trim()));
    }
    finding
}

fn spelling(plan: &Plan, name: &str, identity: &Identity) -> Finding {
    let User::Named { name: given, .. } = &plan.user else {
        return Finding::ok(Link::Role, format!("`{name}`, the name in the token"));
    };
    let corrected = if role::without_backslashes(given) == *given {
        ""
    } else {
        " (without the backslashes before its spaces)"
    };
    if is_group(plan) {
        return Finding::ok(Link::Role, format!("`{name}`{corrected}, a group"));
    }
    let warn = |why: String| Finding::warn(Link::Role, format!("`{name}`{corrected}: {why}"));
    match identity {
        Identity::Named(own) if own == name => {
            Finding::ok(Link::Role, format!("`{name}`, the name in the token"))
        }
        Identity::Named(own) if role::differ_by_case_alone(own, name) => {
            warn(format!("role names are case-sensitive, and the token has `{own}`"))
                .remedy(format!("use `{own}`, or leave the role out"))
        }
        Identity::Guest { address } if role::differ_by_case_alone(address, name) || address == name => {
            warn("this is the guest's address in their home tenant".to_owned()).remedy(
                "by default a guest's role is the guest's name in this tenant, `NAME_DOMAIN#EXT#@TENANT`: leave the role out to have it looked up",
            )
        }
        Identity::ServicePrincipal { app_id } if app_id.eq_ignore_ascii_case(name) => {
            warn("this is the application's id".to_owned())
                .remedy("by default an application's role is its display name")
        }
        Identity::Named(own) => Finding::ok(
            Link::Role,
            format!("`{name}`{corrected}; the token has `{own}`, so this must be a group or a role that was mapped by hand"),
        ),
        _ => Finding::ok(Link::Role, format!("`{name}`{corrected}")),
    }
}

/// Returns the name as PostgreSQL cuts it: whole characters only.
fn cut(name: &str) -> &str {
    let mut end = LONGEST_NAME.min(name.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// Judges the membership of the group `name`. `groups` are your groups, by Graph.
pub fn group(name: &str, groups: &Result<Vec<String>, Failure>) -> Finding {
    let groups = match groups {
        Ok(groups) => groups,
        Err(why) => {
            return Finding::warn(
                Link::Group,
                format!(
                    "whether you are a member of `{name}` is not known: {}",
                    why.cause()
                ),
            )
            .remedies(why.hints());
        }
    };
    if groups.iter().any(|group| group == name) {
        return Finding::ok(Link::Group, format!("you are a member of `{name}`"));
    }
    if let Some(group) = groups
        .iter()
        .find(|group| role::differ_by_case_alone(group, name))
    {
        return Finding::fail(
            Link::Group,
            format!(
                "you are a member of `{group}`, not of `{name}`: role names are case-sensitive"
            ),
        )
        .remedy(format!("use `--group '{group}'`"));
    }
    Finding::fail(
        Link::Group,
        format!(
            "you are not a member of `{name}`, directly or through another group ({} other groups)",
            groups.len()
        ),
    )
    // Groups are looked up through az, for its tokens.
    .remedy(format!(
        "ask to be added to the group, since a token only includes the groups of its time; then {}",
        renewal::advice(Some(Method::AzureCli))
    ))
    .remedy(
        "check that the name is the group's display name, exactly as `az ad group list` shows it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Status;

    #[test]
    fn membership_is_by_the_exact_name() {
        let groups = Ok(vec!["Prod DB Readonly".to_owned()]);
        let status = |name| group(name, &groups).status;
        assert_eq!(status("Prod DB Readonly"), Status::Ok);
        assert_eq!(status("prod db readonly"), Status::Fail);
        assert_eq!(status("Prod DB"), Status::Fail);
        let failed = group("x", &Err(Failure::sign_in("no")));
        assert_eq!(failed.status, Status::Warn);
    }

    #[test]
    fn names_are_cut_between_characters() {
        let name = format!("{}ü", "x".repeat(62));
        assert_eq!(cut(&name), "x".repeat(62));
        assert_eq!(cut("ü"), "ü");
    }
}
