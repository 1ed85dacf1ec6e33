//! Reads what azd writes to standard error when it fails: the cause in one line, and the remedy.
//!
//! With JSON as its output format, some versions of azd write a message as a line of JSON
//! (`{"type":"consoleMessage","data":{"message":…}}`), and others as plain text after `ERROR: `.
//! Some put the command to run in backticks.

use serde_json::Value;

use crate::entra::refusal::{self, one_line};
use crate::failure::Failure;

pub fn failure(stderr: &[u8]) -> Failure {
    let text = text(&String::from_utf8_lossy(stderr));
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    // Entra's own text is clearer than what azd wraps around it.
    let entras = lines().find_map(|line| Some(&line[line.find("AADSTS")?..]));
    let cause = entras
        .or_else(|| lines().next())
        .map_or("no reason given", |line| {
            line.strip_prefix("ERROR: ").unwrap_or(line)
        });
    let cause = one_line(cause);
    let is_refusal = entras.is_some() || command(&text).is_some();
    let remedy = match (refusal::remedy_for_person(&cause), command(&text)) {
        (_, Some(command)) => format!("run `{command}`"),
        (Some(remedy), None) => remedy.to_owned(),
        (None, None) => "run `azd auth login`".to_owned(),
    };
    Failure::sign_in(format!(
        "the Azure Developer CLI could not get a token: {cause}"
    ))
    .hint(remedy)
    .shared_if(is_refusal)
}

/// Returns all messages as plain text.
fn text(stderr: &str) -> String {
    let mut messages = String::with_capacity(stderr.len());
    for line in stderr.lines() {
        let read: Option<Value> = serde_json::from_str(line).ok();
        let message = read
            .as_ref()
            .and_then(|read| read["data"]["message"].as_str());
        messages.push_str(message.unwrap_or(line));
        messages.push('\n');
    }
    messages
}

/// Returns the command line that azd recommends.
fn command(text: &str) -> Option<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let mut commands = quoted.filter(|words| words.starts_with("azd auth login"));
    commands.find(|words| !words.contains(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_either_form() {
        let said = "not logged in, run `azd auth login` to login";
        let json = format!(
            r#"{{"type":"consoleMessage","timestamp":"2026-11-20T10:00:00Z","data":{{"message":"\nERROR: {said}\n"}}}}"#
        );
        for stderr in [format!("ERROR: {said}\n"), json] {
            let failure = failure(stderr.as_bytes());
            assert!(failure.cause().ends_with(&format!("a token: {said}")));
            assert_eq!(failure.hints(), ["run `azd auth login`"]);
        }
    }

    #[test]
    fn entras_words_come_first() {
        let failure = failure(
            b"ERROR: fetching token: failed to authenticate:\n(invalid_grant) AADSTS50076: Due to a change. Trace ID: x\n",
        );
        assert!(
            failure
                .cause()
                .ends_with("a token: AADSTS50076: Due to a change")
        );
        assert_eq!(failure.hints(), ["run `azd auth login`"]);
    }
}
