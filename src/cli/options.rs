//! Our options as given on the command line, as given in variables, and both merged.
//!
//! A flag beats a setting in the service file, which beats a variable, which beats the default.
//! Settings and variables are read only if signing in is due, so variables can stay exported.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use crate::cli::method::Method;
use crate::entra::cloud;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::psql::command_line::OwnWord;
use crate::shell::Shell;

use super::completions::Script;
use super::description::{command, explain, see_help};
use super::listen::Listen;
use super::renew::Renew;
use super::table::{OPTIONS, Value};
use super::values;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// The method that suits this machine.
    Auto,
    By(Method),
}

impl Auth {
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::By(method) => method.name(),
        }
    }
}

/// The shell of `--print-env`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichShell {
    /// The one that called us.
    Calling,
    This(Shell),
}

const NO_ENTRA: &str = "no-entra";

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    /// For programs and bug reports.
    Json,
}

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Entra's device codes last this long.
const TIME_FOR_A_PERSON: Duration = Duration::from_secs(900);

/// Our options, as given in one place: on the command line, or in variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one for each flag")]
pub struct Options {
    pub group: Option<OsString>,
    pub auth: Option<Auth>,
    pub tenant: Option<String>,
    pub client_id: Option<String>,
    pub subscription: Option<String>,
    pub cloud: Option<cloud::Named>,
    pub resource: Option<String>,
    pub psql: Option<OsString>,
    pub timeout: Option<Duration>,
    pub renew: Option<Renew>,
    pub url: Option<String>,
    pub proxy: Option<Listen>,
    pub drain: Option<Duration>,
    pub print_env: Option<WhichShell>,
    pub completions: Option<&'static Script>,
    pub no_descriptions: bool,
    pub doctor: Option<Format>,
    pub whoami: Option<Format>,
    pub server: Option<String>,
    /// The tenant of that server, which counts if nothing else names an account.
    pub server_tenant: Option<String>,
    pub servers: Option<Format>,
    pub entra: bool,
    /// Only as a flag: [`Options::variable_forbids_token`] reads its variable.
    pub no_entra: bool,
    pub single_server: bool,
    pub print_conninfo: bool,
    pub print_token: bool,
    pub fresh: bool,
    pub sign_out: bool,
    pub dry_run: bool,
    pub verbose: bool,
}

impl Options {
    /// Reads our arguments on the command line.
    pub fn of_command_line(own: Vec<OwnWord>) -> Result<Self, Failure> {
        let mut given = Vec::with_capacity(own.len());
        for word in own {
            match word {
                OwnWord::Given(name, value) => given.push((name, value)),
                OwnWord::Unreadable(why) => return Err(see_help(Failure::usage(why))),
            }
        }
        if given.is_empty() {
            return Ok(Self::default());
        }
        let called = |name: &str| format!("`--{name}`");
        let options = Self::parse(&given, called)?;
        options.check_alone(given.iter().map(|(name, _)| name), called)?;
        Ok(options)
    }

    /// Reads the `ENTRA_PSQL_…` variables. An empty one counts as unset.
    pub fn of_variables(environment: &Environment) -> Result<Self, Failure> {
        let mut given = Vec::new();
        for option in OPTIONS {
            let Some(variable) = option.variable.filter(|_| option.name != NO_ENTRA) else {
                continue;
            };
            let Some(value) = environment.get_filled(variable) else {
                continue;
            };
            if option.value != Value::None {
                given.push((option.name.to_owned(), Some(value.to_owned())));
            } else if truth(variable, value)? {
                given.push((option.name.to_owned(), None));
            }
        }
        Self::parse(&given, |name| {
            let option = OPTIONS.iter().find(|option| option.name == name);
            let variable = option.and_then(|option| option.variable);
            format!("`{}`", variable.unwrap_or(name))
        })
    }

    /// Returns whether `ENTRA_PSQL_NO_ENTRA` forbids a token. It's read apart from the other
    /// variables, because it holds even if one of them is wrong or contradicts it.
    pub fn variable_forbids_token(environment: &Environment) -> Result<bool, Failure> {
        let option = OPTIONS.iter().find(|option| option.name == NO_ENTRA);
        let Some(variable) = option.and_then(|option| option.variable) else {
            return Ok(false);
        };
        let value = environment.get_filled(variable);
        value.map_or(Ok(false), |value| truth(variable, value))
    }

    /// Returns these options, completed from `variables` or from the settings in a service file.
    ///
    /// An option silences those that it contradicts.
    pub fn merge(self, variables: Self) -> Self {
        let (account, place) = (self.names_account(), self.names_place());
        let unless = |is_silenced: bool, value: Option<String>| value.filter(|_| !is_silenced);
        Self {
            tenant: self.tenant.or(unless(account, variables.tenant)),
            subscription: self
                .subscription
                .or(unless(account, variables.subscription)),
            cloud: self.cloud.or(variables.cloud.filter(|_| !place)),
            resource: self.resource.or(unless(place, variables.resource)),
            group: self.group.or(variables.group),
            auth: self.auth.or(variables.auth),
            client_id: self.client_id.or(variables.client_id),
            psql: self.psql.or(variables.psql),
            timeout: self.timeout.or(variables.timeout),
            single_server: self.single_server || variables.single_server,
            fresh: self.fresh || variables.fresh,
            dry_run: self.dry_run || variables.dry_run,
            verbose: self.verbose || variables.verbose,
            renew: self.renew.or(variables.renew),
            drain: self.drain.or(variables.drain),
            // The others have no variables.
            ..self
        }
    }

    pub fn names_account(&self) -> bool {
        self.tenant.is_some() || self.subscription.is_some()
    }

    fn names_place(&self) -> bool {
        self.cloud.is_some() || self.resource.is_some()
    }

    /// Returns whether they say how to get a token. Then an inherited one isn't what they ask for.
    pub fn say_how_to_sign_in(&self) -> bool {
        let named = [&self.tenant, &self.subscription, &self.client_id];
        self.auth.is_some() || self.fresh || named.iter().any(|value| value.is_some())
    }

    /// Returns whether later connections sign in again. A dry run opens none.
    pub fn renews(&self) -> bool {
        matches!(self.renew, Some(Renew::On | Renew::Tcp)) && !self.dry_run
    }

    pub fn ask_for_token(&self) -> bool {
        self.entra || self.group.is_some() || self.auth.is_some()
    }

    /// Returns how long signing in by this method may take.
    pub fn time_for_signing_in(&self, method: Option<Method>) -> Duration {
        self.timeout.unwrap_or(match method {
            Some(Method::Person(_)) => TIME_FOR_A_PERSON,
            _ => DEFAULT_TIMEOUT,
        })
    }

    /// Parses the options that were given; `called` says how, as for [`explain`].
    pub(super) fn parse(
        given: &[(String, Option<OsString>)],
        called: impl Fn(&str) -> String,
    ) -> Result<Self, Failure> {
        for (name, value) in given {
            let is_text = value.as_ref().is_none_or(|value| value.to_str().is_some());
            if !is_text && values::is_text(name) {
                let cause = format!("the value of {} is not valid UTF-8", called(name));
                return Err(see_help(Failure::usage(cause)));
            }
        }
        let words = given
            .iter()
            .map(|(name, value)| as_word(name, value.as_deref()));
        let matches = command()
            .no_binary_name(true)
            .try_get_matches_from(words)
            .map_err(|error| explain(&error, &called))?;
        let format = |name: &str| {
            matches.contains_id(name).then(|| {
                let named = matches.get_one(name).copied();
                named.unwrap_or(Format::Text)
            })
        };
        let options = Self {
            group: matches.get_one("group").cloned(),
            auth: matches.get_one("auth").copied(),
            tenant: matches.get_one("tenant").cloned(),
            client_id: matches.get_one("client-id").cloned(),
            subscription: matches.get_one("subscription").cloned(),
            cloud: matches.get_one("cloud").cloned(),
            resource: matches.get_one("resource").cloned(),
            psql: matches.get_one("psql").cloned(),
            timeout: matches.get_one("timeout").copied(),
            drain: matches.get_one("drain").copied(),
            renew: matches.contains_id("renew").then(|| {
                let named = matches.get_one("renew").copied();
                named.unwrap_or(Renew::On)
            }),
            url: matches.contains_id("url").then(|| {
                let named = matches.get_one("url").cloned();
                named.unwrap_or_else(|| "DATABASE_URL".to_owned())
            }),
            proxy: matches.contains_id("proxy").then(|| {
                let named = matches.get_one("proxy").cloned();
                named.unwrap_or(Listen::Anywhere)
            }),
            print_env: matches.contains_id("print-env").then(|| {
                let named = matches.get_one("print-env").copied();
                named.map_or(WhichShell::Calling, WhichShell::This)
            }),
            completions: matches.get_one("completions").copied(),
            no_descriptions: matches.get_flag("no-descriptions"),
            doctor: format("doctor"),
            whoami: format("whoami"),
            server: matches.get_one("server").cloned(),
            server_tenant: None,
            servers: format("servers"),
            entra: matches.get_flag("entra"),
            no_entra: matches.get_flag(NO_ENTRA),
            single_server: matches.get_flag("single-server"),
            print_conninfo: matches.get_flag("print-conninfo"),
            print_token: matches.get_flag("print-token"),
            fresh: matches.get_flag("fresh"),
            sign_out: matches.get_flag("sign-out"),
            dry_run: matches.get_flag("dry-run"),
            verbose: matches.get_flag("entra-verbose"),
        };
        options.check(called)
    }

    fn check(self, called: impl Fn(&str) -> String) -> Result<Self, Failure> {
        let exclude = |one: &str, other: &str| {
            let cause = format!("{} and {} exclude each other", called(one), called(other));
            Failure::usage(cause)
        };
        if self.tenant.is_some() && self.subscription.is_some() {
            return Err(exclude("tenant", "subscription").hint(format!(
                "use only {}: a subscription belongs to one tenant",
                called("subscription")
            )));
        }
        if self.cloud.is_some() && self.resource.is_some() {
            return Err(exclude("cloud", "resource").hint(format!(
                "use only {}: a cloud determines the resource",
                called("cloud")
            )));
        }
        let asks = [
            ("entra", self.entra),
            ("group", self.group.is_some()),
            ("auth", self.auth.is_some()),
        ];
        if self.no_entra
            && let Some((asked, _)) = asks.into_iter().find(|(_, is_given)| *is_given)
        {
            return Err(exclude(NO_ENTRA, asked).hint(format!(
                "leave out one of them: {} asks for a token",
                called(asked)
            )));
        }
        if self.no_descriptions && self.completions.is_none() {
            return Err(Failure::usage("`--no-descriptions` needs `--completions`")
                .hint("leave out `--no-descriptions`, or add `--completions SHELL`"));
        }
        Ok(self)
    }
}

fn as_word(name: &str, value: Option<&OsStr>) -> OsString {
    let mut word = OsString::from(format!("--{name}"));
    if let Some(value) = value {
        word.push("=");
        word.push(value);
    }
    word
}

/// Reads the variable of a flag.
fn truth(variable: &str, value: &OsStr) -> Result<bool, Failure> {
    match value.to_string_lossy().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        other => Err(
            Failure::usage(format!("`{variable}`: `{other}` is neither on nor off"))
                .hint(format!("set `{variable}` to 1 or 0, or unset it")),
        ),
    }
}

mod alone;
#[cfg(test)]
mod tests;
