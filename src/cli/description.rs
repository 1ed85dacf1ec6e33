//! The description from which clap parses our options and writes our help, and its errors in our
//! words.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};

use crate::failure::Failure;

use super::table::{OPTIONS, OwnOption, Value};
use super::values;

/// The description from which clap parses and help is written.
pub fn command() -> Command {
    Command::new("entra-psql")
        .version(env!("CARGO_PKG_VERSION"))
        .about("psql that signs in to Azure Database for PostgreSQL with Microsoft Entra ID")
        .override_usage("entra-psql [PSQL OPTIONS]... [OPTIONS]... [DBNAME [USERNAME]]")
        .after_help(AFTER_HELP)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(OPTIONS.iter().map(argument))
}

const AFTER_HELP: &str = "\
Everything else is psql's own and reaches it untouched. A token is fetched only for servers
named NAME.postgres.database.azure.com (or the like in another Azure cloud), where no other
password is at hand; for all others entra-psql is psql.";

fn argument(option: &OwnOption) -> Arg {
    let mut arg = Arg::new(option.name).long(option.name).help(option.help);
    if let Some(variable) = option.variable {
        arg = arg.help(format!("{} [{variable}]", option.help));
    }
    let valued = |arg: Arg, value| {
        arg.value_name(value)
            .action(ArgAction::Set)
            .value_parser(values::value_parser(option.name))
    };
    let arg = match option.value {
        Value::None => arg.action(ArgAction::SetTrue),
        // A program never comes here: the reader has taken it and all that follows.
        Value::Required(value) | Value::Program(value) => valued(arg, value),
        Value::Optional(value) => valued(arg, value).num_args(0..=1).require_equals(true),
    };
    arg.overrides_with(option.name)
}

pub(super) fn see_help(failure: Failure) -> Failure {
    failure.hint("see `entra-psql --help`")
}

/// Turns clap's error into one line.
pub(super) fn explain(error: &clap::Error, named: impl Fn(&str) -> String) -> Failure {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    };
    // clap says `--auth <METHOD>` and `--print-env[=<SHELL>]`.
    let argument = context(ContextKind::InvalidArg);
    let name = argument.split([' ', '[']).next().unwrap_or_default();
    let name = named(name.trim_start_matches('-'));
    let value = context(ContextKind::InvalidValue);
    let source = std::error::Error::source(error).map(ToString::to_string);
    let cause = match (error.kind(), source) {
        (ErrorKind::InvalidUtf8, _) => "a value is not valid UTF-8".to_owned(),
        (_, Some(why)) if value.is_empty() => format!("{name} {why}"),
        (_, Some(why)) => format!("{name}: `{value}` {why}"),
        (_, None) if value.is_empty() => format!("{name} needs a value"),
        (_, None) => format!(
            "{name}: `{value}` is none of {}",
            context(ContextKind::ValidValue)
        ),
    };
    see_help(Failure::usage(cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_takes_the_table() {
        command().debug_assert();
    }
}
