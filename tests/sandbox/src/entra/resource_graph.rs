//! Azure Resource Graph: the servers of all subscriptions, in pages.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::{Request, reply::Reply};
use crate::directory::{HOME_TENANT_OF_GUEST, SUBSCRIPTION, TENANT};

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Graph {
    /// These servers.
    Rows(Vec<Row>),
    /// 403.
    Refuses,
    /// Nothing.
    Silent,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub name: String,
    pub host: String,
    /// The tenant of its subscription and of its tokens.
    pub tenant: &'static str,
    /// The name of its subscription.
    pub subscription: &'static str,
    /// Whether Entra authentication is on.
    pub entra: bool,
}

impl Row {
    /// A server in the first tenant.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            host: format!("{name}.postgres.database.azure.com"),
            tenant: TENANT,
            subscription: "Contoso Production",
            entra: true,
        }
    }
}

impl Default for Graph {
    fn default() -> Self {
        let fabrikam = Row {
            tenant: HOME_TENANT_OF_GUEST,
            subscription: "Fabrikam",
            ..Row::new("otherdb")
        };
        let off = Row {
            entra: false,
            ..Row::new("legacy")
        };
        Self::Rows(vec![Row::new("mydb"), fabrikam, off])
    }
}

pub(super) fn is_asked(request: &Request) -> bool {
    request.path == "/providers/Microsoft.ResourceGraph/resources"
}

pub(super) fn answer(request: &Request, graph: &Graph) -> Reply {
    let Graph::Rows(rows) = graph else {
        return Reply::error(
            StatusCode::FORBIDDEN,
            &json!({"error": {
                "code": "AuthorizationFailed",
                "message": "The client does not have authorization to perform action 'Microsoft.ResourceGraph/resources/read'.",
            }}),
        );
    };
    let options = &request.json()["options"];
    let top = options["$top"].as_u64().unwrap_or(100).min(1000);
    let top = usize::try_from(top).unwrap_or(1000);
    let skipped = options["$skipToken"].as_str();
    let from: usize = skipped.map_or(0, |token| token.parse().unwrap_or(0));
    let page: Vec<Value> = rows.iter().skip(from).take(top).map(row).collect();
    let next = from + page.len();
    let mut answer = json!({
        "totalRecords": rows.len(),
        "count": page.len(),
        "data": page,
        "facets": [],
        "resultTruncated": "false",
    });
    if next < rows.len() {
        answer["$skipToken"] = next.to_string().into();
    }
    Reply::json(&answer)
}

fn row(row: &Row) -> Value {
    json!({
        "id": format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/db/providers/Microsoft.DBforPostgreSQL/flexibleServers/{}", row.name),
        "name": row.name,
        "location": "westeurope",
        "tenantId": row.tenant,
        "subscriptionId": SUBSCRIPTION,
        "subscriptionName": row.subscription,
        "properties": {
            "fullyQualifiedDomainName": row.host,
            "version": "16",
            "state": "Ready",
            "authConfig": {
                "activeDirectoryAuth": if row.entra { "Enabled" } else { "Disabled" },
                "passwordAuth": "Enabled",
                "tenantId": row.tenant,
            },
        },
    })
}
