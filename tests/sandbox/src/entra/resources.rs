//! What the Azure CLI asks for besides tokens: tenants and subscriptions at the Resource Manager,
//! people and applications at Graph.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::{GroupList, Request, groups, reply::Reply};
use crate::{
    directory::{Entry, GROUPS, Identity, Kind, SUBSCRIPTION, TENANT, TENANT_NAME},
    keys::Keys,
};

/// Answers as the Resource Manager.
pub(super) fn manager(request: &Request) -> Reply {
    match request.path.as_str() {
        "/tenants" => Reply::json(&json!({"value": [{
            "id": format!("/tenants/{TENANT}"),
            "tenantId": TENANT,
            "displayName": TENANT_NAME,
            "defaultDomain": "contoso.onmicrosoft.com",
            "countryCode": "US",
            "tenantCategory": "Home",
        }]})),
        "/subscriptions" => Reply::json(&json!({"value": [{
            "id": format!("/subscriptions/{SUBSCRIPTION}"),
            "subscriptionId": SUBSCRIPTION,
            "tenantId": TENANT,
            "displayName": "Contoso Production",
            "state": "Enabled",
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
        }]})),
        _ => Reply::not_found(),
    }
}

/// Answers as Graph.
pub(super) fn graph(request: &Request, keys: &Keys, list: GroupList) -> Reply {
    let caller = request.bearer().and_then(|token| keys.verify(token));
    let Some(caller) =
        caller.and_then(|claims| claims["oid"].as_str().and_then(Identity::from_oid))
    else {
        return error(
            StatusCode::UNAUTHORIZED,
            "InvalidAuthenticationToken",
            "Access token is empty.",
        );
    };
    match request.path.as_str() {
        "/v1.0/me" if caller.is_user() => Reply::json(&user(caller.entry())),
        groups::PATH if caller.is_user() => groups::answer(request, caller, list),
        "/v1.0/me" | groups::PATH => error(
            StatusCode::BAD_REQUEST,
            "BadRequest",
            "/me request is only valid with delegated authentication flow.",
        ),
        "/v1.0/servicePrincipals" => {
            let filter = request.parameter("$filter").unwrap_or_default();
            let found = applications().filter(|entry| {
                // The Azure CLI asks for `servicePrincipalNames/any(c:c eq 'APPID')`.
                entry
                    .app_id
                    .is_some_and(|app_id| filter.contains(&format!("'{app_id}'")))
            });
            Reply::json(&json!({"value": found.map(application).collect::<Vec<_>>()}))
        }
        "/v1.0/directoryObjects/getByIds" => {
            let ids = request.json()["ids"].as_array().into_iter().flatten();
            let found = ids
                .filter_map(|id| GROUPS.iter().find(|group| *id == group.oid))
                .map(|group| {
                    json!({
                        "@odata.type": "#microsoft.graph.group",
                        "id": group.oid,
                        "displayName": group.name,
                    })
                });
            Reply::json(&json!({"value": found.collect::<Vec<_>>()}))
        }
        path => {
            let member = path
                .strip_prefix("/v1.0/users/")
                .and_then(|rest| rest.strip_suffix("/getMemberGroups"));
            if let Some(oid) = member {
                return groups_of(oid);
            }
            let oid = path
                .strip_prefix("/v1.0/servicePrincipals/")
                .unwrap_or_default();
            match applications().find(|entry| entry.oid == oid) {
                Some(entry) => Reply::json(&application(entry)),
                None => missing(oid),
            }
        }
    }
}

/// Returns the ids of a user's groups.
fn groups_of(oid: &str) -> Reply {
    let Some(member) = Identity::from_oid(oid).filter(|member| member.is_user()) else {
        return missing(oid);
    };
    let groups = GROUPS
        .iter()
        .filter(|group| group.members.contains(&member));
    Reply::json(&json!({"value": groups.map(|group| group.oid).collect::<Vec<_>>()}))
}

fn missing(oid: &str) -> Reply {
    error(
        StatusCode::NOT_FOUND,
        "Request_ResourceNotFound",
        &format!(
            "Resource '{oid}' does not exist or one of its queried reference-property objects are not present."
        ),
    )
}

fn applications() -> impl Iterator<Item = &'static Entry> {
    Identity::ALL
        .into_iter()
        .filter(|identity| !identity.is_user())
        .map(Identity::entry)
}

fn user(entry: &Entry) -> Value {
    json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity",
        "displayName": entry.display_name,
        "id": entry.oid,
        "mail": entry.sign_in_name,
        "userPrincipalName": entry.name,
    })
}

fn application(entry: &Entry) -> Value {
    let service = entry.kind == Kind::ServicePrincipal;
    json!({
        "id": entry.oid,
        "appId": entry.app_id,
        "displayName": entry.display_name,
        "appDisplayName": service.then_some(entry.display_name),
        "servicePrincipalNames": [entry.app_id],
        "servicePrincipalType": if service { "Application" } else { "ManagedIdentity" },
        "accountEnabled": true,
    })
}

pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Reply {
    Reply::error(
        status,
        &json!({"error": {"code": code, "message": message}}),
    )
}
