//! Lists the groups of the person who is signed in to az, from Microsoft Graph, page by page.

use std::ffi::OsString;

use serde_json::Value;

use crate::entra::cloud;
use crate::failure::Failure;

use super::{AzureCli, active_cloud, not_an_answer};

/// The groups that you are in, directly or not. Graph casts only with `$count` and the header
/// `ConsistencyLevel`.
const PATH: &str =
    "/v1.0/me/transitiveMemberOf/microsoft.graph.group?$select=displayName,id&$count=true&$top=999";

/// No more pages are asked for: each takes az a second.
const MOST_PAGES: usize = 5;

const WHAT: &str = "list your groups in Microsoft Graph";

/// The groups that Graph named.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// Their display names, sorted.
    pub names: Vec<String>,
    /// Whether there are more.
    pub is_cut: bool,
}

impl AzureCli<'_> {
    /// Lists the groups in the tenant with this id. `az rest` asks in the tenant of az's account,
    /// whatever the options name.
    pub fn groups(&self, tenant: Option<&str>) -> Result<Groups, Failure> {
        if self.options.tenant.is_some() || self.options.subscription.is_some() {
            let words = ["account", "show"].map(OsString::from);
            let account = self.run_for_json("report your account", &words)?;
            let own = account["tenantId"].as_str().unwrap_or_default();
            if tenant != Some(own) {
                let cause =
                    format!("the Azure CLI asks Microsoft Graph only in the tenant `{own}`");
                return Err(Failure::sign_in(cause));
            }
        }
        let name = active_cloud::name(&self.environment);
        let Some(cloud) = cloud::by_name(&name) else {
            let cause = format!("the Microsoft Graph of the cloud `{name}` is unknown");
            return Err(Failure::sign_in(cause));
        };
        let mut names = Vec::new();
        let mut next = Some(format!("{}{PATH}", cloud.graph));
        for _ in 0..MOST_PAGES {
            let Some(url) = next else {
                break;
            };
            let words = ["rest", "--method", "get", "--url", &url];
            let header = ["--headers", "ConsistencyLevel=eventual"];
            let words: Vec<_> = words.into_iter().chain(header).map(Into::into).collect();
            let page = self.run_for_json(WHAT, &words)?;
            next = read(&page, cloud.graph, &mut names)?;
        }
        names.sort_unstable();
        names.dedup();
        Ok(Groups {
            names,
            is_cut: next.is_some(),
        })
    }
}

/// Adds the names on a page, and returns the address of the next one.
fn read(page: &Value, graph: &str, names: &mut Vec<String>) -> Result<Option<String>, Failure> {
    let groups = page["value"]
        .as_array()
        .ok_or_else(|| not_an_answer(WHAT))?;
    let found = groups
        .iter()
        .filter_map(|group| group["displayName"].as_str());
    names.extend(found.map(str::to_owned));
    match page["@odata.nextLink"].as_str() {
        Some(link) if !is_in_graph(link, graph) => Err(Failure::sign_in(
            "Microsoft Graph named an address elsewhere for the rest of your groups",
        )),
        link => Ok(link.map(str::to_owned)),
    }
}

/// Returns whether a link stays in this Graph. az sends its token there.
fn is_in_graph(link: &str, graph: &str) -> bool {
    let rest = link.strip_prefix(graph);
    rest.is_some_and(|rest| rest.starts_with("/v1.0/"))
        && link
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const GRAPH: &str = "https://graph.microsoft.com";

    #[test]
    fn the_next_page_is_in_graph() {
        for (link, is_followed) in [
            (
                "https://graph.microsoft.com/v1.0/me/x?$skiptoken=a%20b",
                true,
            ),
            ("https://graph.microsoft.com.example/v1.0/me", false),
            ("https://graph.microsoft.com@example.com/v1.0/", false),
            ("https://example.com/v1.0/me", false),
            ("http://graph.microsoft.com/v1.0/me", false),
            ("https://graph.microsoft.com/v1.0/me x", false),
            ("https://graph.microsoft.com/v1.0/\"&calc", false),
            ("", false),
        ] {
            let page = json!({"value": [], "@odata.nextLink": link});
            let next = read(&page, GRAPH, &mut Vec::new());
            assert_eq!(next.ok().flatten().is_some(), is_followed, "{link}");
        }
    }

    #[test]
    fn groups_without_a_name_are_left_out() {
        let page = json!({"value": [{"displayName": "b"}, {"displayName": null}, {"id": "1"}]});
        let mut names = Vec::new();
        assert!(read(&page, GRAPH, &mut names).is_ok_and(|next| next.is_none()));
        assert_eq!(names, ["b"]);
        assert!(read(&json!({"error": 1}), GRAPH, &mut names).is_err());
    }
}
