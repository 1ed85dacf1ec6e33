//! Writes a report: as text for a person, as JSON for a report of a bug. The one place for each.

use serde_json::{Value, json};

use crate::cli::Format;

use super::finding::{Finding, Report, Status};

/// The report in this format, without a newline at its end.
pub fn written(report: &Report, format: Format) -> String {
    match format {
        Format::Text => text(report),
        Format::Json => format!("{:#}", json(report)),
    }
}

/// A line for each finding, in columns, and its remedies below it.
fn text(report: &Report) -> String {
    let widest = |width: fn(&Finding) -> usize| report.findings.iter().map(width).max();
    let width = widest(|finding| finding.link.name().len()).unwrap_or_default();
    let mut lines = Vec::new();
    for Finding {
        link,
        status,
        found,
        remedies,
    } in &report.findings
    {
        lines.push(format!(
            "{:<4}  {:<width$}  {found}",
            status.word(),
            link.name()
        ));
        let indent = " ".repeat(4 + 2 + width + 2);
        lines.extend(
            remedies
                .iter()
                .map(|remedy| format!("{indent}do: {remedy}")),
        );
    }
    lines.push(String::new());
    lines.push(verdict(report));
    lines.join("\n")
}

fn verdict(report: &Report) -> String {
    let broken = report.broken();
    if report.works() {
        let warned = |finding: &Finding| matches!(finding.status, Status::Warn | Status::Fail);
        return if report.findings.iter().any(warned) {
            "signing in works, with something to look at above".to_owned()
        } else {
            "signing in works".to_owned()
        };
    }
    if broken.is_empty() {
        return "whether signing in works could not be found out".to_owned();
    }
    format!("signing in does not work: {}", broken.join(", "))
}

fn json(report: &Report) -> Value {
    let findings = report.findings.iter().map(|finding| {
        json!({
            "link": finding.link.name(),
            "status": finding.status.word().to_ascii_lowercase(),
            "found": finding.found,
            "remedies": finding.remedies,
        })
    });
    json!({
        "entra-psql": env!("CARGO_PKG_VERSION"),
        "works": report.works(),
        "findings": findings.collect::<Vec<_>>(),
        "variables": report.variables,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Link;

    fn report(sign_in: Finding) -> Report {
        let port = Finding::fail(Link::Port, "closed").remedy("open it");
        Report {
            findings: vec![Finding::ok(Link::Psql, "there"), port, sign_in],
            variables: vec!["PGHOST".to_owned()],
        }
    }

    #[test]
    fn columns_are_aligned_and_remedies_stand_below() {
        let report = report(Finding::unchecked(Link::SignIn, "`port` is broken"));
        assert_eq!(
            written(&report, Format::Text),
            "ok    psql     there\n\
             FAIL  port     closed\n\
             \x20              do: open it\n\
             skip  sign-in  not checked, because `port` is broken\n\
             \n\
             signing in does not work: port"
        );
    }

    #[test]
    fn a_session_is_what_counts() {
        let report = report(Finding::ok(Link::SignIn, "a session"));
        assert!(
            written(&report, Format::Text)
                .ends_with("\nsigning in works, with something to look at above")
        );
        let json: Value = serde_json::from_str(&written(&report, Format::Json)).unwrap();
        assert_eq!(json["works"], true);
        assert_eq!(json["findings"][1]["status"], "fail");
        assert_eq!(json["findings"][1]["remedies"][0], "open it");
        assert_eq!(json["variables"][0], "PGHOST");
    }
}
