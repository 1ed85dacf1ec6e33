//! Signs in with a browser on this machine: an authorization code with PKCE (RFC 7636), which the
//! browser brings to a listener on the loopback address (RFC 8252).
//!
//! The address is an argument of the browser, which others on this machine may read. It holds a
//! challenge and a state, and neither redeems a code: the verifier stays here.

use std::borrow::Cow;
use std::ffi::OsStr;

use oauth2::basic::BasicTokenResponse;
use oauth2::{AuthorizationCode, CsrfToken, PkceCodeChallenge, RedirectUrl};

use crate::failure::Failure;
use crate::system::terminal;

use super::Entra;
use super::listener::{Answer, Listener};
use super::opener;

/// Sends the person to Entra, waits for the browser, and redeems the code.
pub(super) async fn sign_in(
    entra: &Entra<'_>,
    command: Option<&OsStr>,
) -> Result<BasicTokenResponse, Failure> {
    let no_listener = |why: &dyn std::error::Error| {
        Failure::sign_in(format!(
            "the browser's answer cannot be received on this machine: {why}"
        ))
        .hint("use `--auth device-code`")
    };
    let listener = Listener::open().await.map_err(|why| no_listener(&why))?;
    let redirect = RedirectUrl::new(format!("http://localhost:{}", listener.port()))
        .map_err(|why| no_listener(&why))?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (address, state) = entra
        .client
        .authorize_url(CsrfToken::new_random)
        .set_redirect_uri(Cow::Borrowed(&redirect))
        .set_pkce_challenge(challenge)
        .add_scopes(entra.scopes())
        // People with several accounts choose one, instead of getting the last.
        .add_extra_param("prompt", "select_account")
        .url();
    terminal::say(&format!(
        "continue in your browser; if none opens, open this address in one on this machine:\n{address}"
    ));
    opener::open(address.as_str(), command);
    let code = match entra.awaited(listener.answer(&state), None).await? {
        Answer::Code(code) => AuthorizationCode::new(code),
        Answer::Refused(why) => return Err(entra.request_error().refused(&why)),
    };
    let carry = |request| entra.carry(request);
    let request = entra
        .client
        .exchange_code(code)
        .set_redirect_uri(Cow::Borrowed(&redirect))
        .set_pkce_verifier(verifier)
        .request_async(&carry);
    entra
        .answered(request)
        .await?
        .map_err(|error| entra.failure(&error))
}
