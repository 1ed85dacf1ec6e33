//! Which values our options accept: each is checked before anything is done with it.

use std::time::Duration;

use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser, ValueParser};

use crate::cli::method::Method;
use crate::entra::cloud::{self, Named};
use crate::shell::Shell;

use super::completions::{SCRIPTS, for_shell};
use super::{Auth, Format, Listen, Renew};

const LONGEST_TIMEOUT: Duration = Duration::from_secs(86_400);

/// Returns the values to choose from for an option; for most options there are none.
pub fn choices(name: &str) -> Vec<&'static str> {
    match name {
        "auth" => std::iter::once("auto").chain(Method::names()).collect(),
        "cloud" => cloud::CLOUDS.iter().map(|cloud| cloud.name).collect(),
        "completions" => SCRIPTS.iter().map(|script| script.shell).collect(),
        "print-env" => Shell::names().collect(),
        "doctor" | "servers" | "whoami" => vec!["text", "json"],
        _ => Vec::new(),
    }
}

pub(super) fn value_parser(name: &str) -> ValueParser {
    let chosen = || PossibleValuesParser::new(choices(name));
    match name {
        "auth" => chosen()
            .map(|name| Method::by_name(&name).map_or(Auth::Auto, Auth::By))
            .into(),
        "completions" => chosen()
            .try_map(|shell| for_shell(&shell).ok_or("is not a shell"))
            .into(),
        "print-env" => chosen()
            .map(|name| Shell::by_name(&name).unwrap_or(Shell::Sh))
            .into(),
        "renew" => ValueParser::new(Renew::read),
        "url" => ValueParser::new(variable_name),
        "drain" => ValueParser::new(seconds_or_none),
        "proxy" => OsStringValueParser::new()
            .try_map(|value| Listen::read(&value))
            .into(),
        "doctor" | "servers" | "whoami" => chosen()
            .map(|name| match name.as_str() {
                "json" => Format::Json,
                _ => Format::Text,
            })
            .into(),
        "server" => ValueParser::new(server),
        "tenant" => ValueParser::new(tenant),
        "client-id" => ValueParser::new(client_id),
        "subscription" => ValueParser::new(subscription),
        "cloud" => ValueParser::new(cloud),
        "resource" => ValueParser::new(resource),
        "timeout" => ValueParser::new(seconds),
        _ => OsStringValueParser::new()
            .try_map(|value| {
                let filled = (!value.is_empty()).then_some(value);
                filled.ok_or("must not be empty")
            })
            .into(),
    }
}

/// Returns whether an option's value has to be UTF-8. Names of roles and files need not be.
pub(super) fn is_text(name: &str) -> bool {
    !matches!(name, "group" | "psql")
}

/// Checks a tenant's id or domain.
pub fn tenant(text: &str) -> Result<String, String> {
    identifier(text, "is not the id or domain of a tenant")
}

/// Checks the client id of an application or a managed identity.
pub fn client_id(text: &str) -> Result<String, String> {
    identifier(text, "is not a client id")
}

/// Accepts what az accepts in ids and domains, and nothing that a shell or cmd.exe would interpret.
fn identifier(text: &str, complaint: &str) -> Result<String, String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    if text.is_empty() || text.starts_with('-') || !text.bytes().all(fits) {
        return Err(complaint.to_owned());
    }
    Ok(text.to_owned())
}

/// Checks the name or host of a server, which is only compared.
fn server(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("must not be empty".to_owned());
    }
    Ok(text.to_owned())
}

/// Checks a subscription's id or name. Names may have spaces, but nothing that a shell or cmd.exe
/// would interpret.
fn subscription(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_alphanumeric() || " ._-()@+,:#/".contains(c);
    if text.is_empty() || text.starts_with('-') || !text.chars().all(fits) {
        return Err(
            "is not the id of a subscription, nor a name that can be passed to az".to_owned(),
        );
    }
    Ok(text.to_owned())
}

/// Accepts the known clouds, and any name under which az may have registered another.
fn cloud(text: &str) -> Result<Named, String> {
    match cloud::by_name(text) {
        Some(cloud) => Ok(Named::Known(cloud)),
        None => identifier(text, "is not the name of a cloud").map(Named::Other),
    }
}

/// Checks a resource's URI: `https://`, a name, and perhaps a path.
pub fn resource(text: &str) -> Result<String, String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/');
    match text.strip_prefix("https://") {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && rest.bytes().all(fits) => {
            Ok(text.to_owned())
        }
        _ => Err("is not a resource that starts with `https://`".to_owned()),
    }
}

/// Reads the name of an environment variable.
fn variable_name(text: &str) -> Result<String, String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if text.is_empty() || text.as_bytes()[0].is_ascii_digit() || !text.bytes().all(fits) {
        return Err("can't be the name of an environment variable".to_owned());
    }
    Ok(text.to_owned())
}

/// Reads a number of seconds, which may be 0.
fn seconds_or_none(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    seconds(text)
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|duration| !duration.is_zero() && *duration <= LONGEST_TIMEOUT)
        .ok_or_else(|| {
            let most = LONGEST_TIMEOUT.as_secs();
            format!("is not a number of seconds greater than 0 and at most {most}")
        })
}
