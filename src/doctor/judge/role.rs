//! Judges the role's name against what the token says, and the membership of a group.

use crate::cli::method::Method;
use crate::doctor::finding::{Finding, Link};
use crate::entra::role::{self, Identity, LONGEST_NAME};
use crate::failure::Failure;
use crate::intent::Plan;
use crate::intent::role::{RoleSource, User};
use crate::sign_in::signer::SignedIn;

use super::renewal;

/// Whether the role was named as a group.
pub fn is_group(plan: &Plan) -> bool {
    matches!(
        &plan.user,
        User::Named {
            place: RoleSource::Group { .. },
            ..
        }
    )
}

/// The role that was asked for, or worked out.
pub fn judge(plan: &Plan, signed_in: &SignedIn) -> Finding {
    let name = signed_in.role.name.to_string_lossy();
    let identity = role::identity(&signed_in.token);
    let mut finding = spelling(plan, &name, &identity);
    if name.len() > LONGEST_NAME {
        finding = Finding::warn(
            Link::Role,
            format!("{}; PostgreSQL cuts names at {LONGEST_NAME} bytes, and it has {}", finding.found, name.len()),
        )
        .remedies(&finding.remedies)
        .remedy(format!(
            "have the role made under a shorter name, with `pgaadauth_create_principal_with_oid`; cut, it is `{}`",
            cut(&name)
        ));
    }
    if name.trim() != name {
        finding = Finding::warn(
            Link::Role,
            format!("{}; there is a space at its end", finding.found),
        )
        .remedies(&finding.remedies)
        .remedy(format!("is it `{}`?", name.trim()));
    }
    finding
}

fn spelling(plan: &Plan, name: &str, identity: &Identity) -> Finding {
    let User::Named { name: given, .. } = &plan.user else {
        return Finding::ok(
            Link::Role,
            format!("`{name}`, the name of the token's identity"),
        );
    };
    let mended = if role::without_backslashes(given) == *given {
        ""
    } else {
        " (without the backslashes before its spaces)"
    };
    if is_group(plan) {
        return Finding::ok(Link::Role, format!("`{name}`{mended}, as a group"));
    }
    let warn = |why: String| Finding::warn(Link::Role, format!("`{name}`{mended}: {why}"));
    match identity {
        Identity::Named(own) if own == name => {
            Finding::ok(Link::Role, format!("`{name}`, the name of the token's identity"))
        }
        Identity::Named(own) if role::differ_by_case_alone(own, name) => {
            warn(format!("roles are case-sensitive, and the token says `{own}`"))
                .remedy(format!("ask for `{own}`, or name nobody"))
        }
        Identity::Guest { address } if role::differ_by_case_alone(address, name) || address == name => {
            warn("that is a guest's address at home".to_owned()).remedy(
                "a guest's role is by default named as this tenant names the guest, `NAME_DOMAIN#EXT#@TENANT`: name nobody to have it looked up",
            )
        }
        Identity::ServicePrincipal { app_id } if app_id.eq_ignore_ascii_case(name) => {
            warn("that is the application's id".to_owned())
                .remedy("an application's role is by default named after its display name")
        }
        Identity::Named(own) => Finding::ok(
            Link::Role,
            format!("`{name}`{mended}, which is not the token's own `{own}`: right for a group, or a role mapped by hand"),
        ),
        _ => Finding::ok(Link::Role, format!("`{name}`{mended}")),
    }
}

/// The name as PostgreSQL would cut it: whole characters only.
fn cut(name: &str) -> &str {
    let mut end = LONGEST_NAME.min(name.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// The membership of the group `name`. `groups` are those that the signed-in user is in, by Graph.
pub fn group(name: &str, groups: &Result<Vec<String>, Failure>) -> Finding {
    let groups = match groups {
        Ok(groups) => groups,
        Err(why) => {
            return Finding::warn(
                Link::Group,
                format!("membership could not be looked up: {}", why.cause()),
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
        return Finding::fail(Link::Group, format!("you are a member of `{group}`, and `{name}` was asked for: roles are case-sensitive"))
            .remedy(format!("ask for `--group '{group}'`"));
    }
    Finding::fail(
        Link::Group,
        format!(
            "you are not a member of `{name}`, nor of a group in it ({} other groups)",
            groups.len()
        ),
    )
    // Groups are looked up through az, for its tokens.
    .remedy(format!(
        "have yourself added to the group, since a token knows the groups of its time; then {}",
        renewal::advice(Some(Method::AzureCli))
    ))
    .remedy("is the name the group's display name, exactly as `az ad group list` has it?")
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
