//! What the report looks like: as text for a person, as JSON for a program.

use serde_json::{Map, Value, json};

use crate::plain_text::clean;

use super::identity::Report;

/// The width of the column with the labels.
const LABEL: usize = 9;

/// Returns the lines for a person.
pub fn text(report: &Report) -> String {
    let role = match &report.role {
        Ok(name) => name.clone(),
        Err(why) => format!("not known: {why}"),
    };
    let unknown = || "not in the token".to_owned();
    let method = match report.choice.because {
        Some(because) => format!("{}: {because}", report.choice.method.name()),
        None => format!("{}: you chose it", report.choice.method.name()),
    };
    let mut lines = vec![line("role", &role), line("kind", report.kind.name())];
    let names = report.names.iter();
    lines.extend(names.map(|(claim, name)| line("claim", &format!("{claim}={name}"))));
    lines.extend([
        line(
            "object id",
            &report.object_id.clone().unwrap_or_else(unknown),
        ),
        line("tenant", &report.tenant.clone().unwrap_or_else(unknown)),
        line("method", &method),
        line("token", &format!("{} left", minutes(report.minutes_left))),
    ]);
    match &report.groups {
        Err(why) => lines.push(line("groups", &format!("not known: {why}"))),
        Ok(groups) if groups.names.is_empty() => lines.push(line("groups", "none")),
        Ok(groups) => {
            let names = groups.names.iter();
            lines.extend(names.map(|name| line("group", name)));
            if groups.is_cut {
                lines.push(line("groups", "there are more"));
            }
        }
    }
    lines.join("\n")
}

/// Returns the document for a program.
pub fn json(report: &Report) -> Value {
    let names = report.names.iter();
    let names: Map<String, Value> = names
        .map(|(claim, name)| ((*claim).to_owned(), name.as_str().into()))
        .collect();
    let (role, groups) = (report.role.as_ref(), report.groups.as_ref());
    json!({
        "role": role.ok(),
        "role_unknown": role.err(),
        "kind": report.kind.name(),
        "claims": names,
        "object_id": report.object_id,
        "tenant": report.tenant,
        "method": report.choice.method.name(),
        "chosen_because": report.choice.because,
        "minutes_left": report.minutes_left,
        "groups": groups.ok().map(|groups| &groups.names),
        "groups_cut": groups.is_ok_and(|groups| groups.is_cut),
        "groups_unknown": groups.err(),
    })
}

fn line(label: &str, value: &str) -> String {
    format!("{label:<LABEL$}  {}", clean(value))
}

fn minutes(count: u64) -> String {
    match count {
        1 => "1 minute".to_owned(),
        count => format!("{count} minutes"),
    }
}
