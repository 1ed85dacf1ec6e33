//! What our options come to: those of the command line, those of the variables, and both merged.
//!
//! A flag beats its variable, a variable beats the default. Variables are looked at only where
//! signing in is due, so that they can stay exported.

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

/// What `--auth` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// The method that can be seen.
    Auto,
    /// This method.
    By(Method),
}

/// What `--print-env` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichShell {
    /// The one that called us.
    Calling,
    /// This one.
    This(Shell),
}

/// The option that forbids a token.
const NO_ENTRA: &str = "no-entra";

/// What `--doctor` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a person.
    Text,
    /// For a report of a bug.
    Json,
}

/// How long signing in may take where nobody says otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The same where a person does it: as long as Entra's device codes live.
const TIME_FOR_A_PERSON: Duration = Duration::from_secs(900);

/// Our options, as given in one place (the command line, or the variables).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one for each flag")]
pub struct Options {
    /// `--group`
    pub group: Option<OsString>,
    /// `--auth`
    pub auth: Option<Auth>,
    /// `--tenant`
    pub tenant: Option<String>,
    /// `--client-id`
    pub client_id: Option<String>,
    /// `--subscription`
    pub subscription: Option<String>,
    /// `--cloud`
    pub cloud: Option<cloud::Named>,
    /// `--resource`
    pub resource: Option<String>,
    /// `--psql`
    pub psql: Option<OsString>,
    /// `--timeout`
    pub timeout: Option<Duration>,
    /// `--renew`
    pub renew: Option<Renew>,
    /// `--url`
    pub url: Option<String>,
    /// `--proxy`
    pub proxy: Option<Listen>,
    /// `--drain`
    pub drain: Option<Duration>,
    /// `--print-env`
    pub print_env: Option<WhichShell>,
    /// `--completions`
    pub completions: Option<&'static Script>,
    /// `--doctor`
    pub doctor: Option<Format>,
    /// `--entra`
    pub entra: bool,
    /// `--no-entra`; its variable is read by [`Options::variable_forbids_token`].
    pub no_entra: bool,
    /// `--single-server`
    pub single_server: bool,
    /// `--print-conninfo`
    pub print_conninfo: bool,
    /// `--print-token`
    pub print_token: bool,
    /// `--fresh`
    pub fresh: bool,
    /// `--sign-out`
    pub sign_out: bool,
    /// `--dry-run`
    pub dry_run: bool,
    /// `--entra-verbose`
    pub verbose: bool,
}

impl Options {
    /// Options from our words on the command line.
    ///
    /// # Errors
    ///
    /// A word cannot be read, or its value is wrong, or two contradict each other.
    pub fn of_command_line(own: Vec<OwnWord>) -> Result<Self, Failure> {
        let mut words = Vec::with_capacity(own.len());
        for word in own {
            match word {
                OwnWord::Given(name, value) => words.push(as_word(&name, value.as_deref())),
                OwnWord::Unreadable(why) => return Err(see_help(Failure::usage(why))),
            }
        }
        if words.is_empty() {
            return Ok(Self::default());
        }
        let options = Self::parse(words, |name| format!("`--{name}`"))?;
        options.check()
    }

    /// Options from `ENTRA_PSQL_…` variables. Empty ones are not there.
    ///
    /// # Errors
    ///
    /// A value is wrong, or two contradict each other.
    pub fn of_variables(environment: &Environment) -> Result<Self, Failure> {
        let mut words = Vec::new();
        for option in OPTIONS {
            let Some(variable) = option.variable else {
                continue;
            };
            let Some(value) = environment.get_filled(variable) else {
                continue;
            };
            if option.name == NO_ENTRA {
                continue;
            }
            if option.value != Value::None {
                words.push(as_word(option.name, Some(value)));
            } else if truth(variable, value)? {
                words.push(as_word(option.name, None));
            }
        }
        let named = |name: &str| {
            let option = OPTIONS.iter().find(|option| option.name == name);
            let variable = option.and_then(|option| option.variable);
            format!("`{}`", variable.unwrap_or(name))
        };
        Self::parse(words, named)?.check()
    }

    /// Whether `ENTRA_PSQL_NO_ENTRA` forbids a token. It is read apart from the other variables,
    /// since it holds even if one of them is wrong or contradicts it.
    ///
    /// # Errors
    ///
    /// Its value is neither on nor off.
    pub fn variable_forbids_token(environment: &Environment) -> Result<bool, Failure> {
        let option = OPTIONS.iter().find(|option| option.name == NO_ENTRA);
        let Some(variable) = option.and_then(|option| option.variable) else {
            return Ok(false);
        };
        let value = environment.get_filled(variable);
        value.map_or(Ok(false), |value| truth(variable, value))
    }

    /// Returns these options, and where they say nothing, those of the `variables`.
    ///
    /// Options that exclude each other are taken from one place alone: a flag silences the
    /// variables that it contradicts.
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
            // These have no variables.
            proxy: self.proxy,
            url: self.url,
            print_env: self.print_env,
            print_conninfo: self.print_conninfo,
            print_token: self.print_token,
            completions: self.completions,
            doctor: self.doctor,
            entra: self.entra,
            no_entra: self.no_entra,
            sign_out: self.sign_out,
        }
    }

    fn names_account(&self) -> bool {
        self.tenant.is_some() || self.subscription.is_some()
    }

    fn names_place(&self) -> bool {
        self.cloud.is_some() || self.resource.is_some()
    }

    /// Whether they say how a token is to be got, so that one which is there already is not what
    /// they ask for.
    pub fn say_how_to_sign_in(&self) -> bool {
        let named = [&self.tenant, &self.subscription, &self.client_id];
        self.auth.is_some() || self.fresh || named.iter().any(|value| value.is_some())
    }

    /// Whether later connections sign in again. A dry run opens none.
    pub fn renews(&self) -> bool {
        matches!(self.renew, Some(Renew::On | Renew::Tcp)) && !self.dry_run && cfg!(unix)
    }

    /// Whether a token is asked for.
    pub fn ask_for_token(&self) -> bool {
        self.entra || self.group.is_some() || self.auth.is_some()
    }

    /// How long signing in may take, by this method where one was named.
    pub fn time_for_signing_in(&self, method: Option<Method>) -> Duration {
        self.timeout.unwrap_or(match method {
            Some(Method::Person(_)) => TIME_FOR_A_PERSON,
            _ => DEFAULT_TIMEOUT,
        })
    }

    /// `named` says how an option is called where it was given.
    fn parse(words: Vec<OsString>, named: impl Fn(&str) -> String) -> Result<Self, Failure> {
        let matches = command()
            .no_binary_name(true)
            .try_get_matches_from(words)
            .map_err(|error| explain(&error, named))?;
        Ok(Self {
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
            doctor: matches.contains_id("doctor").then(|| {
                let named = matches.get_one("doctor").copied();
                named.unwrap_or(Format::Text)
            }),
            entra: matches.get_flag("entra"),
            no_entra: matches.get_flag(NO_ENTRA),
            single_server: matches.get_flag("single-server"),
            print_conninfo: matches.get_flag("print-conninfo"),
            print_token: matches.get_flag("print-token"),
            fresh: matches.get_flag("fresh"),
            sign_out: matches.get_flag("sign-out"),
            dry_run: matches.get_flag("dry-run"),
            verbose: matches.get_flag("entra-verbose"),
        })
    }

    fn check(self) -> Result<Self, Failure> {
        if self.tenant.is_some() && self.subscription.is_some() {
            return Err(
                Failure::usage("a tenant and a subscription exclude each other")
                    .hint("a subscription belongs to one tenant: give `--subscription` alone"),
            );
        }
        if self.cloud.is_some() && self.resource.is_some() {
            return Err(Failure::usage("a cloud and a resource exclude each other")
                .hint("a cloud names its resource: give one of `--cloud` and `--resource`"));
        }
        if self.no_entra && self.ask_for_token() {
            return Err(
                Failure::usage("`--no-entra` contradicts a request for a token")
                    .hint("leave out `--no-entra`, or all of `--entra`, `--group` and `--auth`"),
            );
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

/// A flag's variable: on, or off.
fn truth(variable: &str, value: &OsStr) -> Result<bool, Failure> {
    match value.to_string_lossy().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(
            Failure::usage(format!("`{variable}` is neither on nor off"))
                .hint(format!("set `{variable}` to 1 or 0, or unset it")),
        ),
    }
}

#[cfg(test)]
mod tests;
