//! How people sign in: the page that a browser opens, and device codes.

use serde_json::json;

use super::{
    Behaviour, Person, Refusal, Request,
    aadsts::{Circumstances, bad_request},
    ledger::Ledger,
    reply::Reply,
    sign_in::voucher,
};
use crate::keys::Keys;

/// Returns a code that no one has to type: it is already approved, unless the person is slow.
pub(super) fn device_code(request: &Request, keys: &Keys, behaviour: &Behaviour) -> Reply {
    let page = format!("https://{}/device", request.host);
    Reply::json(&json!({
        "user_code": "SANDBOX42",
        "device_code": voucher(keys, behaviour.identity, Some(request)),
        "verification_uri": page,
        "expires_in": 900,
        "interval": 1,
        "message":
            format!("To sign in, use a web browser to open the page {page} and enter the code SANDBOX42 to authenticate."),
    }))
}

/// Redirects a browser back at once, with a code. Like Entra, it redirects only to the client's own
/// address. Unlike Entra, it requires PKCE with SHA-256.
pub(super) fn authorize(request: &Request, keys: &Keys, behaviour: &Behaviour) -> Reply {
    let Some(redirect) = request.parameter("redirect_uri") else {
        return bad_request(
            900_144,
            "invalid_request",
            "The request body must contain the following parameter: 'redirect_uri'.",
        );
    };
    if !is_loopback(redirect) {
        return bad_request(
            50_011,
            "invalid_request",
            &format!(
                "The redirect URI '{redirect}' specified in the request does not match the redirect URIs configured for the application."
            ),
        );
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    if behaviour.person == Person::Declines {
        query.append_pair("error", "access_denied");
        query.append_pair(
            "error_description",
            "AADSTS65004: User declined to consent to access the app.",
        );
    } else if request.parameter("response_type") != Some("code")
        || request.parameter("code_challenge_method") != Some("S256")
        || request.parameter("code_challenge").is_none()
    {
        query.append_pair("error", "invalid_request");
        query.append_pair(
            "error_description",
            "AADSTS9002325: Proof Key for Code Exchange is required for cross-origin authorization code redemption.",
        );
    } else {
        query.append_pair("code", &voucher(keys, behaviour.identity, Some(request)));
    }
    if let Some(state) = request.parameter("state") {
        query.append_pair("state", state);
    }
    // A browser adds the path that such an address lacks.
    Reply::redirect(format!("{redirect}?{}", query.finish()))
}

/// Whether an address is exactly `http://localhost` with any port, as native clients register it.
fn is_loopback(redirect: &str) -> bool {
    let port = redirect.strip_prefix("http://localhost:");
    port.is_some_and(|port| port.parse::<u16>().is_ok())
}

/// Returns why there is no token for a device code, yet or ever.
fn unapproved(person: Person, polls: u32) -> Option<Reply> {
    let (code, error, text) = match person {
        Person::TakesPolls(needed) if polls <= needed => (
            70_016,
            "authorization_pending",
            "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        ),
        Person::IsNotToBeHurried if polls == 1 => (
            70_016,
            "slow_down",
            "OAuth 2.0 device flow error. Too many requests. Poll less often.",
        ),
        Person::Declines => (
            70_018,
            "authorization_declined",
            "The end user denied the authorization request.",
        ),
        Person::LetsItExpire => (
            70_020,
            "expired_token",
            "The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
        ),
        Person::ComesTooLate => (
            70_019,
            "bad_verification_code",
            "The device code is not known.",
        ),
        Person::SignsIn | Person::TakesPolls(_) | Person::IsNotToBeHurried => return None,
    };
    Some(bad_request(code, error, text))
}

/// Returns why a genuine code or refresh token is refused.
pub(super) fn spent(
    name: &str,
    shown: &str,
    person: Person,
    ledger: &mut Ledger,
    circumstances: &Circumstances<'_>,
) -> Option<Reply> {
    match name {
        "device_code" => unapproved(person, ledger.poll(shown)),
        "code" if !ledger.redeem(shown) => Some(bad_request(
            54_005,
            "invalid_grant",
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
        )),
        "refresh_token" if ledger.is_revoked(shown) => Some(Refusal::Revoked.reply(circumstances)),
        _ => None,
    }
}
