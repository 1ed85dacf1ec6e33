//! The authority's endpoints: discovery, device code, authorize and token.
//!
//! Device codes, authorization codes and refresh tokens name their identity and are signed, so any
//! Entra with the same keys accepts them.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Behaviour, ExpiresIn, Fault, Refusal, Request, State,
    aadsts::{Circumstances, bad_request, unknown_tenant},
    assertion, people,
    reply::Reply,
};
use crate::{
    clouds,
    directory::{AZURE_CLI_CLIENT_ID, HOME_TENANT_OF_GUEST, Identity, Kind, TENANT, Tenant},
    keys::Keys,
    runtime::lock,
    token::{self, TokenChanges},
};

pub(super) fn answer(request: &Request, state: &State, behaviour: &Behaviour) -> Reply {
    let keys = &state.keys;
    let host = &request.host;
    let (tenant, endpoint) = request
        .path
        .trim_start_matches('/')
        .split_once('/')
        .unwrap_or_default();
    let known = Tenant::find(tenant);
    match endpoint {
        "discovery/instance" => Reply::json(&json!({
            "tenant_discovery_endpoint": format!("https://{host}/{TENANT}/v2.0/.well-known/openid-configuration"),
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        })),
        "v2.0/.well-known/openid-configuration" | ".well-known/openid-configuration"
            if known.is_none() =>
        {
            unknown_tenant("invalid_tenant", tenant)
        }
        "v2.0/.well-known/openid-configuration" | ".well-known/openid-configuration" => {
            let named = if matches!(tenant, "common" | "organizations") {
                "{tenantid}"
            } else {
                known.map_or(TENANT, |tenant| tenant.id)
            };
            let here = format!("https://{host}/{tenant}");
            Reply::json(&json!({
                "issuer": format!("https://{host}/{named}/v2.0"),
                "authorization_endpoint": format!("{here}/oauth2/v2.0/authorize"),
                "token_endpoint": format!("{here}/oauth2/v2.0/token"),
                "device_authorization_endpoint": format!("{here}/oauth2/v2.0/devicecode"),
                "jwks_uri": format!("{here}/discovery/v2.0/keys"),
                "response_types_supported": ["code"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }))
        }
        "discovery/v2.0/keys" => Reply::json(&keys.public_keys()),
        "oauth2/v2.0/devicecode" | "oauth2/v2.0/authorize" | "oauth2/v2.0/token" => {
            match (known, endpoint) {
                (None, _) => unknown_tenant("invalid_request", tenant),
                (_, "oauth2/v2.0/devicecode") => people::device_code(request, keys, behaviour),
                (_, "oauth2/v2.0/authorize") => people::authorize(request, keys, behaviour),
                (Some(tenant), _) => grant(request, tenant, state, behaviour),
            }
        }
        _ => Reply::not_found(),
    }
}

fn grant(
    request: &Request,
    tenant: &'static Tenant,
    state: &State,
    behaviour: &Behaviour,
) -> Reply {
    let keys = &state.keys;
    let client_id = request
        .parameter("client_id")
        .unwrap_or(AZURE_CLI_CLIENT_ID);
    let code_parameter = match request.grant_type() {
        Some("urn:ietf:params:oauth:grant-type:device_code") => Some("device_code"),
        Some("authorization_code") => Some("code"),
        Some("refresh_token") => Some("refresh_token"),
        Some("client_credentials") => None,
        _ => {
            return bad_request(
                70_003,
                "unsupported_grant_type",
                "The app requested an unsupported grant type.",
            );
        }
    };
    let holder = match code_parameter {
        Some(name) => request.parameter(name).and_then(|code| holder(keys, code)),
        None => Identity::from_app_id(client_id)
            .filter(|_| tenant.id == TENANT)
            .map(|identity| (identity, Value::Null)),
    };
    let Some((identity, asked)) = holder else {
        return without_holder(code_parameter.is_some(), client_id, tenant);
    };
    if let Some(reply) = mismatch(request, &asked) {
        return reply;
    }
    // A code is requested with the scope and redeemed without it.
    let resource = request
        .resource()
        .or(asked["resource"].as_str())
        .unwrap_or_default();
    let circumstances = Circumstances {
        user: identity,
        client_id,
        resource,
        tenant,
    };
    if tenant.id != TENANT && identity.entry().kind != Kind::Guest {
        return Refusal::ForeignUser.reply(&circumstances);
    }
    if let Some(Fault::Refuse(refusal)) = behaviour.fault {
        return refusal.reply(&circumstances);
    }
    if code_parameter.is_none()
        && let Err(refusal) = proves_itself(request, state, &circumstances)
    {
        return refusal;
    }
    let shown = code_parameter.and_then(|name| request.parameter(name));
    if let (Some(name), Some(shown)) = (code_parameter, shown)
        && let Some(reply) = people::spent(
            name,
            shown,
            behaviour.person,
            &mut lock(&state.ledger),
            &circumstances,
        )
    {
        return reply;
    }
    if !clouds::knows(&request.host, resource.trim_end_matches('/')) {
        return Refusal::UnknownResource.reply(&circumstances);
    }
    let changes = changes(identity, tenant, behaviour);
    let (token, expires) = token::issue(keys, identity, resource, Some(client_id), &changes);
    let seconds = (expires - token::now()).max(0);
    let mut reply = json!({
        "token_type": "Bearer",
        "scope": format!("{resource}/user_impersonation {resource}/.default"),
        "expires_in": seconds,
        "ext_expires_in": seconds,
        "access_token": token,
    });
    match behaviour.expires_in {
        ExpiresIn::Number => {}
        ExpiresIn::Text => reply["expires_in"] = seconds.to_string().into(),
        ExpiresIn::Missing => {
            reply
                .as_object_mut()
                .map(|reply| reply.remove("expires_in"));
        }
    }
    if code_parameter.is_some() {
        let refresh_token = voucher(keys, identity, None);
        lock(&state.ledger).issue(&refresh_token);
        reply["refresh_token"] = refresh_token.into();
        reply["foci"] = "1".into();
        reply["id_token"] = token::issue_id_token(keys, identity, client_id).into();
        reply["client_info"] = client_info(identity).into();
    }
    Reply::json(&reply)
}

/// The refusal where a code stands for nobody, or the tenant knows no such application.
fn without_holder(has_code: bool, client_id: &str, tenant: &Tenant) -> Reply {
    if has_code {
        return bad_request(
            9_002_313,
            "invalid_grant",
            "Invalid request. Request is malformed or invalid.",
        );
    }
    bad_request(
        700_016,
        "unauthorized_client",
        &format!(
            "Application with identifier '{client_id}' was not found in the directory '{}'.",
            tenant.id
        ),
    )
}

/// How the tokens of a tenant differ from those of the first.
fn changes(identity: Identity, tenant: &Tenant, behaviour: &Behaviour) -> TokenChanges {
    if tenant.id == TENANT {
        return behaviour.tokens.clone();
    }
    TokenChanges::at_home(identity).and(&behaviour.tokens)
}

/// Checks the secret or the assertion of an application; returns the refusal if neither is right.
fn proves_itself(request: &Request, state: &State, of: &Circumstances<'_>) -> Result<(), Reply> {
    match (
        request.parameter("client_secret"),
        request.parameter("client_assertion"),
    ) {
        (Some(secret), _) if of.user.entry().secret == Some(secret) => Ok(()),
        (None, Some(assertion)) => assertion::check(assertion, of.client_id, &request.host, state),
        _ => Err(Refusal::SecretWrong.reply(of)),
    }
}

/// Returns a signed string for an identity and for what was requested: a code is redeemed without a
/// scope, and a browser's only by the program that sent the browser.
pub(super) fn voucher(keys: &Keys, identity: Identity, asked: Option<&Request>) -> String {
    let asked_for = |name: &str| asked.and_then(|request| request.parameter(name));
    keys.sign(&json!({
        "aud": "sandbox",
        // This makes each unique.
        "jti": Uuid::new_v4().to_string(),
        "oid": identity.oid(),
        "resource": asked.and_then(Request::resource),
        "code_challenge": asked_for("code_challenge"),
        "redirect_uri": asked_for("redirect_uri"),
    }))
}

/// Returns whose a voucher is, and everything in it.
fn holder(keys: &Keys, voucher: &str) -> Option<(Identity, Value)> {
    let claims = keys.verify(voucher)?;
    if claims["aud"] != "sandbox" {
        return None;
    }
    let identity = claims["oid"].as_str().and_then(Identity::from_oid)?;
    Some((identity, claims))
}

/// Returns why a code is not for this request, if it isn't: by RFC 7636, and the redirection of RFC
/// 6749.
fn mismatch(request: &Request, voucher: &Value) -> Option<Reply> {
    let challenge = request
        .parameter("code_verifier")
        .map(|verifier| BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())));
    if voucher["code_challenge"].as_str() != challenge.as_deref() {
        return Some(bad_request(
            501_481,
            "invalid_grant",
            "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        ));
    }
    if voucher["redirect_uri"].as_str() != request.parameter("redirect_uri") {
        return Some(bad_request(
            500_112,
            "invalid_grant",
            "The reply address does not match the reply address provided when requesting Authorization code.",
        ));
    }
    None
}

/// Returns an account's home, which MSAL stores it by.
fn client_info(identity: Identity) -> String {
    let home = if identity.entry().kind == Kind::Guest {
        HOME_TENANT_OF_GUEST
    } else {
        TENANT
    };
    let info: Value = json!({"uid": identity.oid(), "utid": home});
    BASE64_URL_SAFE_NO_PAD.encode(info.to_string())
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use hyper::header::LOCATION;

    use super::*;
    use crate::entra::{HttpResponse, request::claims};

    async fn ask(uri: &str, form: &str, state: &State) -> (Option<String>, Value) {
        let (head, ()) = hyper::Request::builder()
            .uri(uri)
            .body(())
            .unwrap()
            .into_parts();
        let request = Request::new("login.microsoftonline.com", &head, form.as_bytes());
        let response = HttpResponse::from(answer(&request, state, &Behaviour::default()));
        let location = response
            .headers()
            .get(LOCATION)
            .map(|value| value.to_str().unwrap().to_owned());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (location, serde_json::from_slice(&body).unwrap_or_default())
    }

    #[tokio::test]
    async fn a_browser_brings_a_code_that_only_its_sender_can_redeem() {
        // The verifier and the challenge of RFC 7636, appendix B.
        let state = State::new();
        let (location, _) = ask(
            "/organizations/oauth2/v2.0/authorize?client_id=x&response_type=code&state=here%26there\
             &redirect_uri=http%3A%2F%2Flocalhost%3A1&code_challenge_method=S256\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
             &scope=openid%20https%3A%2F%2Fossrdbms-aad.database.windows.net%2F.default",
            "",
            &state,
        )
        .await;
        let location = location.unwrap();
        let code = location
            .strip_prefix("http://localhost:1?code=")
            .unwrap()
            .strip_suffix("&state=here%26there");
        let redeem = async |redirect: &str, verifier: &str| {
            let form = format!(
                "grant_type=authorization_code&client_id=x&code={}&redirect_uri={redirect}&code_verifier={verifier}",
                code.unwrap()
            );
            ask("/organizations/oauth2/v2.0/token", &form, &state)
                .await
                .1
        };
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let good = redeem("http://localhost:1", verifier).await;
        let token = claims(good["access_token"].as_str().unwrap()).unwrap();
        assert_eq!(token["aud"], clouds::PUBLIC.resource);
        assert_eq!(token["upn"], "alice@contoso.example");
        assert_eq!(
            redeem("http://localhost:1", verifier).await["error_codes"][0],
            54_005
        );
        assert_eq!(
            redeem("http://localhost:1", "another").await["error_codes"][0],
            501_481
        );
        assert_eq!(
            redeem("http://localhost:2", verifier).await["error_codes"][0],
            500_112
        );
    }
}
