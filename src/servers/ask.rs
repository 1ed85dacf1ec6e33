//! Asks Azure Resource Graph for the servers in all subscriptions, page by page.

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::token::azure_cli::AzureCli;

use super::server::Server;

const PATH: &str = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01";

const QUERY: &str = "resources | where type =~ 'microsoft.dbforpostgresql/flexibleservers' | join kind=leftouter (resourcecontainers | where type =~ 'microsoft.resources/subscriptions' | project subscriptionId, subscriptionName=name) on subscriptionId | project id, name, location, tenantId, subscriptionId, subscriptionName, properties | order by id asc";

/// The most rows that Resource Graph puts on a page.
const ROWS: u32 = 1000;

/// More than anyone has servers for.
const MOST_PAGES: usize = 50;

const WHAT: &str = "list your servers";

/// Returns the servers, sorted by name.
pub fn ask(az: &AzureCli<'_>) -> Result<Vec<Server>, Failure> {
    let mut servers = Vec::new();
    let mut next: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let mut options = json!({"resultFormat": "objectArray", "$top": ROWS});
        if let Some(next) = next {
            options["$skipToken"] = next.into();
        }
        let answer = az.post(WHAT, PATH, &json!({"query": QUERY, "options": options}))?;
        let rows = answer["data"]
            .as_array()
            .ok_or_else(|| unreadable("data"))?;
        servers.extend(rows.iter().filter_map(Server::in_row));
        next = next_page(&answer)?;
        if next.is_none() {
            servers.sort_by(|one: &Server, other| one.sort_key().cmp(&other.sort_key()));
            return Ok(servers);
        }
    }
    Err(Failure::sign_in(format!(
        "the Azure CLI could not {WHAT}: the list has more than {MOST_PAGES} pages"
    ))
    .hint("name the server with `-h HOST`"))
}

/// Returns what asks for the next page. It becomes part of an argument of az.
fn next_page(answer: &Value) -> Result<Option<String>, Failure> {
    match &answer["$skipToken"] {
        Value::Null => Ok(None),
        Value::String(token) if token.is_empty() => Ok(None),
        Value::String(token) if is_token(token) => Ok(Some(token.clone())),
        _ => Err(unreadable("$skipToken")),
    }
}

fn is_token(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"+/=-_.".contains(&b);
    text.len() <= 8192 && text.bytes().all(fits)
}

fn unreadable(field: &str) -> Failure {
    Failure::sign_in(format!(
        "the Azure CLI could not {WHAT}: `{field}` in the answer isn't as documented"
    ))
    .hint("name the server with `-h HOST`")
}
