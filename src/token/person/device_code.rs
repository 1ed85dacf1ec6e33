//! Signs in with a code that the person types into a browser anywhere (RFC 8628).

use oauth2::basic::BasicTokenResponse;
use oauth2::{DeviceCodeErrorResponseType, RequestTokenError, StandardDeviceAuthorizationResponse};

use crate::failure::Failure;
use crate::plain_text;
use crate::system::terminal;

use super::Entra;

/// Shows the code, and asks Entra as often as it allows whether it was typed.
pub(super) async fn sign_in(entra: &Entra<'_>) -> Result<BasicTokenResponse, Failure> {
    let carry = |request| entra.carry(request);
    let request = entra
        .client
        .exchange_device_code()
        .add_scopes(entra.scopes())
        .request_async(&carry);
    let shown: StandardDeviceAuthorizationResponse = entra
        .answered(request)
        .await?
        .map_err(|error| entra.failure(&error))?;
    terminal::say(&format!(
        "to sign in, open {} in a browser and enter the code {}",
        plain_text::clean(shown.verification_uri()),
        plain_text::clean(shown.user_code().secret())
    ));
    let request = entra
        .client
        .exchange_device_access_token(&shown)
        .request_async(&carry, tokio::time::sleep, None);
    entra
        .awaited(request, Some(shown.expires_in()))
        .await?
        .map_err(|error| match &error {
            RequestTokenError::ServerResponse(answer) if is_expired(answer.error()) => {
                Failure::sign_in("the code expired before anybody signed in with it")
                    .hint("run it again, and sign in with the new code")
            }
            RequestTokenError::ServerResponse(answer) if is_declined(answer.error()) => {
                Failure::sign_in("the sign-in was declined in the browser")
                    .hint("run it again, and allow it there")
            }
            _ => entra.failure(&error),
        })
}

/// RFC 8628 says `expired_token`; Entra says `bad_verification_code` too, of a code that it no
/// longer knows.
fn is_expired(error: &DeviceCodeErrorResponseType) -> bool {
    ["expired_token", "bad_verification_code"].contains(&error.as_ref())
}

/// RFC 8628 says `access_denied`, Entra `authorization_declined`.
fn is_declined(error: &DeviceCodeErrorResponseType) -> bool {
    ["access_denied", "authorization_declined"].contains(&error.as_ref())
}
