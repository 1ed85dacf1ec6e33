//! Who to sign in as: what a token's claims name, and how a role's name is spelled.

use std::ffi::{OsStr, OsString};

use super::token::Token;

/// PostgreSQL truncates role names to this many bytes (`NAMEDATALEN` less one).
pub const LONGEST_NAME: usize = 63;

/// The identity that a token's claims name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The role's name, by default.
    Named(String),
    /// A guest: the token has the address at home, but the role is named after the name in this
    /// tenant.
    Guest { address: String },
    /// A service principal: the role is named after its display name, which no token has.
    ServicePrincipal {
        /// Its application id.
        app_id: String,
    },
    /// The claims name no identity.
    Unnamed,
}

/// Reads the identity from the claims of a version 1.0 token (Entra's "access token claims"
/// reference).
pub fn identity(token: &Token) -> Identity {
    if let Some(name) = token.claim("xms_mirid").and_then(managed_identity) {
        return Identity::Named(name.to_owned());
    }
    if token.claim("idtyp") != Some("app") {
        if let Some(name) = token.claim("upn") {
            return Identity::Named(name.to_owned());
        }
        if let Some(address) = token.claim("unique_name").or_else(|| token.claim("email")) {
            return Identity::Guest {
                address: address.to_owned(),
            };
        }
    }
    match token.claim("appid").or_else(|| token.claim("azp")) {
        Some(app_id) => Identity::ServicePrincipal {
            app_id: app_id.to_owned(),
        },
        None => Identity::Unnamed,
    }
}

/// Returns the name of a managed identity, given the resource that it belongs to: all that follows
/// `providers/NAMESPACE/TYPE/`.
///
/// The identity of a resource inside another one is named after both: that of an App Service slot
/// is `APP/slots/SLOT`.
fn managed_identity(resource: &str) -> Option<&str> {
    const PROVIDERS: &str = "/providers/";
    let resource = resource.trim_end_matches('/');
    // Azure's services differ in the case of these words.
    let at = resource.to_ascii_lowercase().rfind(PROVIDERS);
    let name = at.and_then(|at| resource[at + PROVIDERS.len()..].splitn(3, '/').nth(2));
    name.or_else(|| resource.rsplit('/').next())
        .filter(|name| !name.is_empty())
}

/// Returns `name` without the backslashes before its spaces, which Microsoft's pages recommend.
///
/// They are right in a `key=value` connection string, where libpq removes them, and wrong
/// everywhere else.
pub fn without_backslashes(name: &OsStr) -> OsString {
    let mut plain = OsString::new();
    let mut rest = name;
    while let Some((before, after)) = clap_lex::OsStrExt::split_once(rest, "\\ ") {
        plain.push(before);
        plain.push(" ");
        rest = after;
    }
    plain.push(rest);
    plain
}

/// Returns `name` with `@server` at its end, once: a role of a Single Server whose first label is
/// `server`.
pub fn of_single_server(name: &OsStr, server: &str) -> OsString {
    let ending = format!("@{server}");
    let mut role = name.to_owned();
    if !name.as_encoded_bytes().ends_with(ending.as_bytes()) {
        role.push(ending);
    }
    role
}

/// Returns whether `name` contains a control character. PostgreSQL allows some, but no real role
/// moves the cursor or ends a line, and a variable ends at a NUL.
pub fn has_control_character(name: &OsStr) -> bool {
    name.to_string_lossy().contains(char::is_control)
}

/// Returns the name of the token's owner in the form that they know.
pub fn person(token: &Token) -> Option<&str> {
    ["upn", "unique_name", "preferred_username", "email", "name"]
        .into_iter()
        .find_map(|name| token.claim(name))
}

/// Returns whether two names differ only by case, beyond ASCII too.
pub fn differ_by_case_alone(one: &str, other: &str) -> bool {
    one != other && one.to_lowercase() == other.to_lowercase()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn identify(claims: &str) -> Identity {
        let text = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        identity(&Token::read(text).unwrap())
    }

    #[test]
    fn identities() {
        assert_eq!(
            identify(r#"{"upn":"a@b","unique_name":"a@b","appid":"1"}"#),
            Identity::Named("a@b".into())
        );
        assert_eq!(
            identify(r#"{"unique_name":"x@home","appid":"1"}"#),
            Identity::Guest {
                address: "x@home".into()
            }
        );
        assert_eq!(
            identify(r#"{"appid":"1","idtyp":"app"}"#),
            Identity::ServicePrincipal { app_id: "1".into() }
        );
        assert_eq!(
            identify(
                r#"{"appid":"1","xms_mirid":"/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/orders"}"#
            ),
            Identity::Named("orders".into())
        );
        assert_eq!(identify("{}"), Identity::Unnamed);
    }

    #[test]
    fn managed_identities_are_named_by_all_that_follows_the_type() {
        for (resource, name) in [
            (
                "/subscriptions/s/resourcegroups/g/providers/Microsoft.Web/sites/shop/slots/staging",
                Some("shop/slots/staging"),
            ),
            (
                "/subscriptions/s/resourceGroups/g/Providers/Microsoft.Compute/virtualMachines/vm/",
                Some("vm"),
            ),
            (
                "/subscriptions/s/providers/Microsoft.A/b/c/providers/Microsoft.D/e/f",
                Some("f"),
            ),
            (
                "/subscriptions/s/providers/Microsoft.Web",
                Some("Microsoft.Web"),
            ),
            ("orders", Some("orders")),
            ("/", None),
        ] {
            assert_eq!(managed_identity(resource), name, "{resource}");
        }
    }

    #[test]
    fn spellings() {
        let plain = |name: &str| without_backslashes(name.as_ref());
        assert_eq!(plain(r"Prod\ DB\ Readonly"), "Prod DB Readonly");
        assert_eq!(plain("Prod DB"), "Prod DB");
        assert_eq!(plain(r"a\b\\ c\"), r"a\b\ c\");
        assert_eq!(of_single_server("a@b".as_ref(), "mydb"), "a@b@mydb");
        assert_eq!(of_single_server("a@b@mydb".as_ref(), "mydb"), "a@b@mydb");
        for name in ["a\nb", "a\0", "\u{1b}[2J", "a\u{85}"] {
            assert!(has_control_character(name.as_ref()), "{name:?}");
        }
        assert!(!has_control_character("Größe\u{200d} 名前".as_ref()));
        assert!(differ_by_case_alone("Größe", "GRÖßE"));
        assert!(!differ_by_case_alone("a", "a"));
    }
}
