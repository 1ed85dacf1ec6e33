//! The refusals of the token endpoint: codes, and texts in the form of the real service's.
//!
//! The codes are documented at
//! <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>.

use hyper::StatusCode;
use serde_json::json;
use time::{Duration, OffsetDateTime, UtcDateTime, macros::format_description};
use uuid::Uuid;

use super::reply::Reply;
use crate::directory::{Identity, TENANT, Tenant};

/// Why a token request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// 700082: the refresh token was not used for too long.
    Inactive,
    /// 70043: a policy requires people to sign in more often.
    SignInFrequency,
    /// 50173: the password was changed.
    Revoked,
    /// 50076: a second factor is required.
    MfaRequired,
    /// 50079: a second factor is required, and none is registered.
    MfaEnrollment,
    /// 53003: a Conditional Access policy forbids it.
    ConditionalAccess,
    /// 65001: no one has consented to the application.
    Consent,
    /// 500011: the tenant does not know the resource.
    UnknownResource,
    /// 50020: the user is not in this tenant.
    ForeignUser,
    /// 7000222: the client secret has expired.
    SecretExpired,
    /// 7000215: the client secret is wrong.
    SecretWrong,
}

/// What a text may name.
#[derive(Debug)]
pub(super) struct Circumstances<'a> {
    pub(super) user: Identity,
    pub(super) client_id: &'a str,
    pub(super) resource: &'a str,
    /// The tenant that was asked.
    pub(super) tenant: &'static Tenant,
}

impl Refusal {
    pub const ALL: [Self; 11] = [
        Self::Inactive,
        Self::SignInFrequency,
        Self::Revoked,
        Self::MfaRequired,
        Self::MfaEnrollment,
        Self::ConditionalAccess,
        Self::Consent,
        Self::UnknownResource,
        Self::ForeignUser,
        Self::SecretExpired,
        Self::SecretWrong,
    ];

    /// Returns the number after `AADSTS`.
    pub fn code(self) -> u32 {
        match self {
            Self::Inactive => 700_082,
            Self::SignInFrequency => 70_043,
            Self::Revoked => 50_173,
            Self::MfaRequired => 50_076,
            Self::MfaEnrollment => 50_079,
            Self::ConditionalAccess => 53_003,
            Self::Consent => 65_001,
            Self::UnknownResource => 500_011,
            Self::ForeignUser => 50_020,
            Self::SecretExpired => 7_000_222,
            Self::SecretWrong => 7_000_215,
        }
    }

    /// Returns the OAuth error and Entra's more specific one, which decides what MSAL does next.
    fn errors(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Inactive | Self::Revoked => ("invalid_grant", Some("bad_token")),
            Self::SignInFrequency => ("invalid_grant", Some("token_expired")),
            Self::MfaRequired | Self::MfaEnrollment => ("invalid_grant", Some("basic_action")),
            Self::ConditionalAccess => ("invalid_grant", Some("message_only")),
            Self::Consent => ("invalid_grant", Some("consent_required")),
            Self::UnknownResource => ("invalid_resource", None),
            Self::ForeignUser => ("invalid_grant", None),
            Self::SecretExpired | Self::SecretWrong => ("invalid_client", None),
        }
    }

    fn text(self, of: &Circumstances<'_>) -> String {
        let app = of.client_id;
        let resource = of.resource;
        let tenant = of.tenant.name;
        let issued = timestamp(OffsetDateTime::now_utc() - Duration::days(91)).replace(' ', "T");
        match self {
            Self::Inactive => format!(
                "The refresh token has expired due to inactivity. The token was issued on {issued} and was inactive for 90.00:00:00."
            ),
            Self::SignInFrequency => format!(
                "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access. The token was issued on {issued} and the maximum allowed lifetime for this request is 43200."
            ),
            Self::Revoked => format!(
                "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password. The grant was issued on '{issued}' and the TokensValidFrom date (before which tokens are not valid) for this user is '{}'.",
                timestamp(OffsetDateTime::now_utc() - Duration::days(1)).replace(' ', "T"),
            ),
            Self::MfaRequired => format!(
                "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '{resource}'."
            ),
            Self::MfaEnrollment => format!(
                "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '{resource}'."
            ),
            Self::ConditionalAccess => {
                "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance."
                    .to_owned()
            }
            Self::Consent => format!(
                "The user or administrator has not consented to use the application with ID '{app}' named 'Microsoft Azure CLI'. Send an interactive authorization request for this user and resource."
            ),
            Self::UnknownResource => format!(
                "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant."
            ),
            Self::ForeignUser => format!(
                "User account '{}' from identity provider 'https://sts.windows.net/{TENANT}/' does not exist in tenant '{tenant}' and cannot access the application '{app}'(Microsoft Azure CLI) in that tenant. The account needs to be added as an external user in the tenant first. Sign out and sign in again with a different Azure Active Directory user account.",
                of.user.entry().sign_in_name,
            ),
            Self::SecretExpired => format!(
                "The provided client secret keys for app '{app}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds."
            ),
            Self::SecretWrong => format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{app}'."
            ),
        }
    }

    /// Returns the whole answer.
    pub(super) fn reply(self, of: &Circumstances<'_>) -> Reply {
        let (error, finer) = self.errors();
        let status = if error == "invalid_client" {
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::BAD_REQUEST
        };
        let mut body = refusal(self.code(), error, &self.text(of));
        if let Some(finer) = finer {
            body["suberror"] = finer.into();
        }
        Reply::error(status, &body)
    }
}

/// A refusal because of the request itself, however Entra behaves.
pub(super) fn bad_request(code: u32, error: &str, text: &str) -> Reply {
    Reply::error(StatusCode::BAD_REQUEST, &refusal(code, error, text))
}

/// The refusal where there is no such tenant.
pub(super) fn unknown_tenant(error: &str, tenant: &str) -> Reply {
    bad_request(
        90_002,
        error,
        &format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."
        ),
    )
}

/// The refusal of an application that does not authenticate.
pub(super) fn invalid_client(code: u32, text: &str) -> Reply {
    Reply::error(
        StatusCode::UNAUTHORIZED,
        &refusal(code, "invalid_client", text),
    )
}

fn refusal(code: u32, error: &str, text: &str) -> serde_json::Value {
    let (trace, correlation) = (Uuid::new_v4(), Uuid::new_v4());
    let time = timestamp(OffsetDateTime::now_utc());
    json!({
        "error": error,
        "error_description":
            format!("AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {time}"),
        "error_codes": [code],
        "timestamp": time,
        "trace_id": trace.to_string(),
        "correlation_id": correlation.to_string(),
        "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
    })
}

/// Writes a time as Entra does.
fn timestamp(time: OffsetDateTime) -> String {
    UtcDateTime::from(time)
        .format(format_description!(
            "[year]-[month]-[day] [hour]:[minute]:[second]Z"
        ))
        .expect("every part of the format is known")
}
