//! One server, as Azure Resource Graph describes it and as it is kept.

use serde_json::{Value, json};

use crate::cli::values;
use crate::entra::cloud;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub name: String,
    pub host: String,
    pub region: String,
    pub version: String,
    pub state: String,
    /// Whether Entra authentication is on, if Azure says.
    pub entra: Option<bool>,
    /// The tenant that it takes tokens of.
    pub tenant: Option<String>,
    /// The name of its subscription, or the id of one without a name.
    pub subscription: String,
    pub subscription_id: String,
}

impl Server {
    /// Reads a row of the answer. One without a name or with no host name has nothing to offer.
    pub fn in_row(row: &Value) -> Option<Self> {
        let properties = &row["properties"];
        let authentication = &properties["authConfig"];
        let subscription_id = text(&row["subscriptionId"]);
        let named = text(&row["subscriptionName"]);
        Self {
            name: text(&row["name"]),
            host: text(&properties["fullyQualifiedDomainName"]),
            region: text(&row["location"]),
            version: text(&properties["version"]),
            state: text(&properties["state"]),
            entra: authentication["activeDirectoryAuth"]
                .as_str()
                .map(|set| set.eq_ignore_ascii_case("enabled")),
            tenant: tenant(&authentication["tenantId"]).or_else(|| tenant(&row["tenantId"])),
            subscription: if named.is_empty() {
                subscription_id.clone()
            } else {
                named
            },
            subscription_id,
        }
        .checked()
    }

    /// Reads what [`Server::as_json`] wrote.
    pub fn kept(value: &Value) -> Option<Self> {
        Self {
            name: text(&value["name"]),
            host: text(&value["host"]),
            region: text(&value["region"]),
            version: text(&value["version"]),
            state: text(&value["state"]),
            entra: value["entra"].as_bool(),
            tenant: tenant(&value["tenant"]),
            subscription: text(&value["subscription"]),
            subscription_id: text(&value["subscriptionId"]),
        }
        .checked()
    }

    fn checked(self) -> Option<Self> {
        let is_host = cloud::is_name(self.host.as_bytes());
        (is_host && !self.name.is_empty()).then_some(self)
    }

    pub fn as_json(&self) -> Value {
        json!({
            "name": self.name,
            "host": self.host,
            "region": self.region,
            "version": self.version,
            "state": self.state,
            "entra": self.entra,
            "tenant": self.tenant,
            "subscription": self.subscription,
            "subscriptionId": self.subscription_id,
        })
    }

    pub fn sort_key(&self) -> (String, &str) {
        (self.name.to_lowercase(), &self.host)
    }
}

/// Returns the list as `--servers=json` prints it.
pub fn as_json(servers: &[Server]) -> String {
    let all: Vec<Value> = servers.iter().map(Server::as_json).collect();
    format!("{:#}", Value::Array(all))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Returns a tenant that can be passed to az.
fn tenant(value: &Value) -> Option<String> {
    values::tenant(value.as_str()?).ok()
}
