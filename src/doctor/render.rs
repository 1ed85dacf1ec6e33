//! What a report looks like: as text for a person, as JSON for a report of a bug.

use serde_json::{Value, json};

use crate::system::colour;

use super::finding::{Finding, Report, Status};

/// The width of the column with the status.
const STATUS: usize = 4;

/// The width of the column with the link's name.
const LINK: usize = 9;

/// Returns the lines for a finding: in columns, and its remedies below it.
pub fn line(finding: &Finding, has_colour: bool) -> String {
    let Finding {
        link,
        status,
        found,
        remedies,
    } = finding;
    let word = format!("{:<STATUS$}", status.word());
    let style = match status {
        Status::Ok => Some(colour::GOOD),
        Status::Warn => Some(colour::WORRYING),
        Status::Fail => Some(colour::BAD),
        Status::Skip => None,
    };
    let word = match style {
        Some(style) => colour::paint(&word, style, has_colour),
        None => word,
    };
    let mut lines = vec![format!("{word}  {:<LINK$}  {found}", link.name())];
    let indent = " ".repeat(STATUS + 2 + LINK + 2);
    let remedies = remedies.iter();
    lines.extend(remedies.map(|remedy| format!("{indent}do: {remedy}")));
    lines.join("\n")
}

/// Returns the last line for a person.
pub fn verdict(report: &Report) -> String {
    let broken = report.broken();
    if report.works() {
        let warned = |finding: &Finding| matches!(finding.status, Status::Warn | Status::Fail);
        return if report.findings.iter().any(warned) {
            "signing in works; see the warnings above".to_owned()
        } else {
            "signing in works".to_owned()
        };
    }
    if broken.is_empty() {
        return "signing in was not checked".to_owned();
    }
    format!("signing in does not work: {}", broken.join(", "))
}

/// Returns the document for a report of a bug.
pub fn json(report: &Report) -> Value {
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
        let longest = Link::ALL.iter().map(|link| link.name().len()).max();
        assert_eq!(longest, Some(LINK));
        let report = report(Finding::unchecked(Link::SignIn, "`port` failed"));
        let lines = report.findings.iter().map(|finding| line(finding, false));
        assert_eq!(
            lines.collect::<Vec<_>>().join("\n"),
            "ok    psql       there\n\
             FAIL  port       closed\n\
             \x20                do: open it\n\
             skip  sign-in    not checked: `port` failed"
        );
        assert_eq!(verdict(&report), "signing in does not work: port");
    }

    #[test]
    fn only_the_word_is_coloured() {
        let coloured = line(&Finding::warn(Link::Tls, "x").remedy("y"), true);
        let plain = line(&Finding::warn(Link::Tls, "x").remedy("y"), false);
        let (word, rest) = coloured.split_once("  ").unwrap();
        assert_eq!(format!("warn  {rest}"), plain);
        assert!(
            word.starts_with('\u{1b}') && word.contains("warn"),
            "{word:?}"
        );
        let skipped = Finding::skip(Link::Tls, "x");
        assert_eq!(line(&skipped, true), line(&skipped, false));
    }

    #[test]
    fn a_session_is_what_counts() {
        let report = report(Finding::ok(Link::SignIn, "a session"));
        assert_eq!(verdict(&report), "signing in works; see the warnings above");
        let json = json(&report);
        assert_eq!(json["works"], true);
        assert_eq!(json["findings"][1]["status"], "fail");
        assert_eq!(json["findings"][1]["remedies"][0], "open it");
        assert_eq!(json["variables"][0], "PGHOST");
    }
}
