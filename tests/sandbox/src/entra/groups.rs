//! The groups of the person who asks, as Graph lists them: page by page.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::{GroupList, Request, reply::Reply, resources::error};
use crate::directory::{GROUPS, Identity};

/// Where they are listed.
pub(super) const PATH: &str = "/v1.0/me/transitiveMemberOf/microsoft.graph.group";

const PAGE: usize = 2;

/// Answers the question of `caller`.
pub(super) fn answer(request: &Request, caller: Identity, list: GroupList) -> Reply {
    if list == GroupList::Refused {
        return error(
            StatusCode::FORBIDDEN,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        );
    }
    if !request.is_advanced_query() {
        return error(
            StatusCode::BAD_REQUEST,
            "Request_UnsupportedQuery",
            "The specified cast requires advanced query parameters.",
        );
    }
    let skip = request.parameter("$skiptoken").unwrap_or_default();
    let skip: usize = skip.parse().unwrap_or_default();
    let mut groups = GROUPS
        .iter()
        .filter(|group| group.members.contains(&caller))
        .skip(skip);
    let page: Vec<Value> = groups
        .by_ref()
        .take(PAGE)
        .map(|group| json!({"id": group.oid, "displayName": group.name}))
        .collect();
    let has_more = groups.next().is_some();
    let mut answer = json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#groups(displayName,id)",
        "value": page,
    });
    let (host, skip) = match list {
        GroupList::NextElsewhere => ("graph.microsoft.us", skip + PAGE),
        GroupList::NextForever => (request.host.as_str(), skip),
        GroupList::Pages | GroupList::Refused => (request.host.as_str(), skip + PAGE),
    };
    if has_more {
        answer["@odata.nextLink"] = format!(
            "https://{host}{PATH}?$select=displayName,id&$count=true&$top={PAGE}&$skiptoken={skip}"
        )
        .into();
    }
    Reply::json(&answer)
}
