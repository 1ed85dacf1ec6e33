//! What `--dry-run` and `--entra-verbose` report of a decision. Secrets are hidden.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::time::SystemTime;

use crate::cli::method::Method;
use crate::entra::cloud;
use crate::entra::token::Token;
use crate::handover::launch::Launch;
use crate::intent::Plan;
use crate::plain_text;
use crate::sign_in::signer::SignedIn;

/// Describes why there is no token.
pub fn no_token(reason: &str) -> String {
    format!("no access token: {reason}")
}

/// Describes where a token comes from, and what is set beside it.
pub fn signed_in<'a>(
    plan: &Plan,
    settings: impl IntoIterator<Item = (&'static str, &'a OsStr)>,
    signed_in: &SignedIn,
) -> String {
    let SignedIn { token, choice, .. } = signed_in;
    let mut lines = vec![format!(
        "access token from {} for {}: {} ({})",
        choice.method.source(),
        plan.resource.as_deref().unwrap_or(match choice.method {
            Method::AzureCli => "the databases of az's active cloud",
            Method::Env => "databases",
            Method::Azd | Method::Workload(_) | Method::Person(_) => cloud::PUBLIC.resource,
        }),
        plan.reason,
        plain_text::clean(&plan.host)
    )];
    lines.extend(choice.explained());
    lines.extend(plan.sources.iter().map(|source| plain_text::clean(source)));
    lines.extend(settings.into_iter().map(setting));
    lines.push(format!(
        "PGPASSWORD=(hidden: {} bytes, {} minutes left)",
        token.secret().len(),
        minutes_left(token)
    ));
    lines.join("\n")
}

/// Returns how many whole minutes a token has left.
pub fn minutes_left(token: &Token) -> u64 {
    let left = token.expires().duration_since(SystemTime::now());
    left.unwrap_or_default().as_secs() / 60
}

/// Describes the settings, a line for each.
pub fn settings<'a>(settings: impl IntoIterator<Item = (&'static str, &'a OsStr)>) -> String {
    let lines: Vec<_> = settings.into_iter().map(setting).collect();
    lines.join("\n")
}

fn setting((name, value): (&str, &OsStr)) -> String {
    format!("{name}={}", quoted(value))
}

/// Describes a program that is about to run, and `about` its connection.
pub fn launch(launch: &Launch, about: &str) -> String {
    format!("{}\n{about}", command_line(launch))
}

/// Returns the program and its arguments as a shell reads them. A connection string with a secret is
/// hidden.
fn command_line(launch: &Launch) -> String {
    let mut line = quoted(launch.program.as_os_str());
    for word in &launch.words {
        line.push(' ');
        if holds_secret(word) {
            line.push_str("'(hidden: a connection string with a password)'");
        } else {
            line.push_str(&quoted(word));
        }
    }
    line
}

/// Whether an argument may hold a secret: psql's own options about a password hold none.
fn holds_secret(word: &OsStr) -> bool {
    let word = word.to_string_lossy();
    !matches!(&*word, "--password" | "--no-password") && plain_text::may_hold_secret(&word)
}

/// Returns a word in one line as a shell reads it, without secrets.
fn quoted(word: &OsStr) -> String {
    let word = plain_text::without_secrets(&word.to_string_lossy());
    if word.contains(plain_text::is_invisible) {
        escaped(&word)
    } else {
        shell_escape::escape(word.into()).into_owned()
    }
}

/// Returns a word in the quotes in which POSIX shells read escapes, with its invisible characters
/// escaped.
fn escaped(word: &str) -> String {
    let mut text = "$'".to_owned();
    for c in word.chars() {
        match c {
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\'' | '\\' => text.extend(['\\', c]),
            c if plain_text::is_invisible(c) => {
                let code = u32::from(c);
                // Writing to a string cannot fail.
                let _ = match code {
                    0..=0xffff => write!(text, "\\u{code:04x}"),
                    _ => write!(text, "\\U{code:08x}"),
                };
            }
            c => text.push(c),
        }
    }
    text.push('\'');
    text
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn words_are_shown_in_one_line_and_as_they_are() {
        assert_eq!(quoted("a b".as_ref()), "'a b'");
        assert_eq!(
            quoted("it's\n\t\\ \u{1b}[2J\u{202e}\u{e0001}".as_ref()),
            r"$'it\'s\n\t\\ \u001b[2J\u202e\U000e0001'"
        );
        assert_eq!(quoted("a=eyJ0.eyJ1.x".as_ref()), "'a=(hidden)'");
    }
}
