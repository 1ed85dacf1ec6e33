//! Describes our options to clap, and puts clap's errors into our words.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};

use crate::failure::Failure;

use super::nearest::{nearest, or_list};
use super::table::{OPTIONS, OwnOption, Value};
use super::values;

/// Returns the description that clap parses by.
pub(super) fn command() -> Command {
    Command::new("entra-psql")
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(OPTIONS.iter().map(argument))
}

fn argument(option: &OwnOption) -> Arg {
    let arg = Arg::new(option.name).long(option.name);
    let valued = |arg: Arg, value| {
        arg.value_name(value)
            .action(ArgAction::Set)
            .value_parser(values::value_parser(option.name))
    };
    let arg = match option.value {
        Value::None => arg.action(ArgAction::SetTrue),
        // `--exec` never gets here: the reader consumes it and all that follows.
        Value::Required(value) | Value::Program(value) => valued(arg, value),
        Value::Optional(value) => valued(arg, value).num_args(0..=1).require_equals(true),
    };
    arg.overrides_with(option.name)
}

pub(super) fn see_help(failure: Failure) -> Failure {
    failure.hint("see `entra-psql --help`")
}

/// Puts clap's error into our words. `called` says how an option was given: as `--NAME`, or as a
/// variable.
pub(super) fn explain(error: &clap::Error, called: impl Fn(&str) -> String) -> Failure {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    // clap writes `--auth <METHOD>` and `--print-env[=<SHELL>]`.
    let argument = context(ContextKind::InvalidArg);
    let name = argument.split([' ', '[']).next().unwrap_or_default();
    let name = called(name.trim_start_matches('-'));
    let value = context(ContextKind::InvalidValue);
    if let Some(ContextValue::Strings(choices)) = error.get(ContextKind::ValidValue)
        && error.kind() == ErrorKind::InvalidValue
        && !value.is_empty()
    {
        return unknown_value(&name, &value, choices);
    }
    let source = std::error::Error::source(error).map(ToString::to_string);
    see_help(Failure::usage(match source {
        Some(why) if value.is_empty() => format!("{name} {why}"),
        Some(why) => format!("{name}: `{value}` {why}"),
        None => format!("{name} requires a value"),
    }))
}

fn unknown_value(name: &str, value: &str, choices: &[String]) -> Failure {
    let choices: Vec<&str> = choices.iter().map(String::as_str).collect();
    Failure::usage(format!("{name} doesn't accept `{value}`")).hint(choose_one(value, &choices))
}

/// Returns the hint to use one of `choices` in place of `given`.
pub(super) fn choose_one(given: &str, choices: &[&str]) -> String {
    let near = nearest(given, choices.iter().copied());
    let question = if near.is_empty() {
        String::new()
    } else {
        format!("did you mean {}? ", or_list(&near))
    };
    format!("{question}use one of {}", choices.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_takes_the_table() {
        command().debug_assert();
    }
}
