//! What the values of our options may be: each is checked before anything is done with it.

use std::time::Duration;

use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser, ValueParser};

use crate::cli::method::Method;
use crate::entra::cloud::{self, Named};
use crate::shell::Shell;

use super::completions::{self, Script};
use super::{Auth, Format, Listen, Renew};

pub(super) fn value_parser(name: &str) -> ValueParser {
    match name {
        "auth" => PossibleValuesParser::new(std::iter::once("auto").chain(Method::names()))
            .map(|name| Method::by_name(&name).map_or(Auth::Auto, Auth::By))
            .into(),
        "completions" => ValueParser::new(script),
        "tenant" => ValueParser::new(tenant),
        "client-id" => ValueParser::new(client_id),
        "subscription" => ValueParser::new(subscription),
        "cloud" => ValueParser::new(cloud),
        "resource" => ValueParser::new(resource),
        "print-env" => PossibleValuesParser::new(Shell::names())
            .map(|name| Shell::by_name(&name).unwrap_or(Shell::Sh))
            .into(),
        "timeout" => ValueParser::new(seconds),
        "renew" => ValueParser::new(Renew::read),
        "url" => ValueParser::new(variable_name),
        "drain" => ValueParser::new(seconds_or_none),
        "proxy" => OsStringValueParser::new()
            .try_map(|value| Listen::read(&value))
            .into(),
        "doctor" => PossibleValuesParser::new(["text", "json"])
            .map(|name| match name.as_str() {
                "json" => Format::Json,
                _ => Format::Text,
            })
            .into(),
        _ => OsStringValueParser::new()
            .try_map(|value| {
                let filled = (!value.is_empty()).then_some(value);
                filled.ok_or("must not be empty")
            })
            .into(),
    }
}

/// A tenant's id or domain.
///
/// # Errors
///
/// It is none.
pub fn tenant(text: &str) -> Result<String, String> {
    identifier(text, "is no tenant's id or domain")
}

/// The client id of an application or a managed identity.
///
/// # Errors
///
/// It is none.
pub fn client_id(text: &str) -> Result<String, String> {
    identifier(text, "is no client id")
}

/// What ids and domains are made of: what az takes, and nothing that a shell or cmd.exe would look
/// at.
fn identifier(text: &str, complaint: &str) -> Result<String, String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    if text.is_empty() || text.starts_with('-') || !text.bytes().all(fits) {
        return Err(complaint.to_owned());
    }
    Ok(text.to_owned())
}

/// A subscription's id or name. Names may hold spaces, but nothing that a shell or cmd.exe would
/// look at.
fn subscription(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_alphanumeric() || " ._-()@+,:#/".contains(c);
    if text.is_empty() || text.starts_with('-') || !text.chars().all(fits) {
        return Err("is no subscription's id, nor a name that can be passed on safely".to_owned());
    }
    Ok(text.to_owned())
}

/// A cloud that is known here, or whatever az may have a cloud registered as.
fn cloud(text: &str) -> Result<Named, String> {
    match cloud::by_name(text) {
        Some(cloud) => Ok(Named::Known(cloud)),
        None => identifier(text, "is no cloud's name").map(Named::Other),
    }
}

fn script(text: &str) -> Result<&'static Script, String> {
    completions::for_shell(text).ok_or_else(|| {
        let shells: Vec<_> = completions::SCRIPTS
            .iter()
            .map(|script| script.shell)
            .collect();
        format!("is none of {}", shells.join(", "))
    })
}

/// A resource's URI: `https://`, a name, and perhaps a path.
///
/// # Errors
///
/// It is none.
pub fn resource(text: &str) -> Result<String, String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/');
    match text.strip_prefix("https://") {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && rest.bytes().all(fits) => {
            Ok(text.to_owned())
        }
        _ => Err("is no `https://` resource".to_owned()),
    }
}

/// The name of an environment variable.
fn variable_name(text: &str) -> Result<String, String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if text.is_empty() || text.as_bytes()[0].is_ascii_digit() || !text.bytes().all(fits) {
        return Err("can't be the name of an environment variable".to_owned());
    }
    Ok(text.to_owned())
}

/// A number of seconds, or 0 for none at all.
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
        .filter(|duration| !duration.is_zero() && duration.as_secs() <= 86_400)
        .ok_or_else(|| "is no number of seconds above 0".to_owned())
}
