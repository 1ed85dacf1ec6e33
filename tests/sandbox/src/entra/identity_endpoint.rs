//! The managed identity endpoints, of App Service and of a virtual machine (IMDS).
//!
//! A request with a client id gets a token of that user-assigned identity. Any other request gets a
//! token of the machine's own identity.

use hyper::StatusCode;
use serde_json::json;

use super::{
    Behaviour, Fault, IDENTITY_HEADER, IDENTITY_HEADER_OF_SLOT, Request, aadsts::Circumstances,
    reply::Reply,
};
use crate::{
    clouds,
    directory::{Identity, TENANTS},
    keys::Keys,
    token,
};

pub(super) fn answer(request: &Request, keys: &Keys, behaviour: &Behaviour) -> Reply {
    match request.path.as_str() {
        "/msi/token" if !has_header(request) => Reply::error(
            StatusCode::UNAUTHORIZED,
            &json!({"statusCode": 401, "message": "The identity header is missing or wrong."}),
        ),
        "/metadata/identity/oauth2/token" if !request.has_metadata_header() => Reply::error(
            StatusCode::BAD_REQUEST,
            &json!({"error": "invalid_request", "error_description": "Required metadata header not specified"}),
        ),
        _ if request.is_for_managed_identity() => issue(request, keys, behaviour),
        _ => Reply::not_found(),
    }
}

fn has_header(request: &Request) -> bool {
    let known = [IDENTITY_HEADER, IDENTITY_HEADER_OF_SLOT];
    request
        .identity_header()
        .is_some_and(|header| known.contains(&header))
}

fn issue(request: &Request, keys: &Keys, behaviour: &Behaviour) -> Reply {
    let identity = match request.parameter("client_id") {
        None if request.identity_header() == Some(IDENTITY_HEADER_OF_SLOT) => {
            Some(Identity::ShopStaging)
        }
        None => Some(Identity::BuildVm),
        Some(client_id) => {
            Identity::from_app_id(client_id).filter(|identity| identity.is_managed())
        }
    };
    let Some(identity) = identity else {
        return Reply::error(
            StatusCode::BAD_REQUEST,
            &json!({"error": "invalid_request", "error_description": "Identity not found"}),
        );
    };
    let resource = request.parameter("resource").unwrap_or_default();
    let client_id = identity.entry().app_id.unwrap_or_default();
    if let Some(Fault::Refuse(refusal)) = behaviour.fault {
        return refusal.reply(&Circumstances {
            user: identity,
            client_id,
            resource,
            tenant: &TENANTS[0],
        });
    }
    if !clouds::knows(&request.host, resource.trim_end_matches('/')) {
        return Reply::error(
            StatusCode::BAD_REQUEST,
            &json!({
                "error": "invalid_resource",
                "error_description": format!("AADSTS500011: The resource principal named {resource} was not found."),
            }),
        );
    }
    let (access_token, expires) = token::issue(keys, identity, resource, None, &behaviour.tokens);
    // Both services write their numbers as strings.
    Reply::json(&json!({
        "access_token": access_token,
        "client_id": client_id,
        "expires_in": (expires - token::now()).max(0).to_string(),
        "expires_on": expires.to_string(),
        "resource": resource,
        "token_type": "Bearer",
    }))
}
