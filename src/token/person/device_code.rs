//! Signs in with a code that the person enters in a browser anywhere (RFC 8628).

use oauth2::basic::BasicTokenResponse;
use oauth2::{DeviceCodeErrorResponseType, RequestTokenError, StandardDeviceAuthorizationResponse};

use crate::failure::Failure;
use crate::plain_text;
use crate::system::terminal;

use super::Entra;

/// Shows the code, and polls Entra as often as it allows.
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
                Failure::sign_in("the device code expired before you signed in")
                    .hint("run the command again and enter the new code")
            }
            RequestTokenError::ServerResponse(answer) if is_declined(answer.error()) => {
                Failure::sign_in("the sign-in was declined in the browser")
                    .hint("run the command again and accept the sign-in in the browser")
            }
            _ => entra.failure(&error),
        })
}

/// RFC 8628 has `expired_token`. Entra also returns `bad_verification_code` for an old code.
fn is_expired(error: &DeviceCodeErrorResponseType) -> bool {
    ["expired_token", "bad_verification_code"].contains(&error.as_ref())
}

/// RFC 8628 has `access_denied`, Entra `authorization_declined`.
fn is_declined(error: &DeviceCodeErrorResponseType) -> bool {
    ["access_denied", "authorization_declined"].contains(&error.as_ref())
}
