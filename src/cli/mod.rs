//! Our own command line: `table.rs` lists it, `description.rs` tells clap of it, [`values`] checks what is given, and this
//! file holds what it comes to.
//!
//! A flag beats its variable, a variable beats the default. Variables are looked at only where signing in
//! is due, so that they can stay exported.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use clap::ArgMatches;

use crate::doctor::render::Format;
use crate::entra::cloud;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::method::Method;
use crate::psql::command_line::OwnWord;
use crate::shell::Shell;

use completions::Script;
pub use description::command;
use description::{explain, see_help};
pub use table::{CACHE, OPTIONS, OwnOption, TRUSTED_HOSTS, Value, is_own};

pub mod completions;
mod description;
mod table;
pub mod values;

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

/// How long signing in may take where nobody says otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The same where a person does it: as long as Entra's device codes live.
const TIME_FOR_A_PERSON: Duration = Duration::from_secs(900);

/// Our options, as given in one place (the command line, or the variables).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// `--print-env`
    pub print_env: Option<WhichShell>,
    /// `--completions`
    pub completions: Option<&'static Script>,
    /// `--doctor`
    pub doctor: Option<Format>,
    /// The flags that were given, by name.
    flags: Vec<&'static str>,
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

    /// Whether `ENTRA_PSQL_NO_ENTRA` forbids a token. It is read apart from the other variables, since it holds even if one of
    /// them is wrong or contradicts it.
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

    /// These options, and where they say nothing, the `others`.
    ///
    /// What excludes each other is taken from one place alone: a flag silences the variables it contradicts.
    #[must_use]
    pub fn over(mut self, others: Self) -> Self {
        if self.tenant.is_none() && self.subscription.is_none() {
            self.tenant = others.tenant;
            self.subscription = others.subscription;
        }
        if self.cloud.is_none() && self.resource.is_none() {
            self.cloud = others.cloud;
            self.resource = others.resource;
        }
        self.group = self.group.or(others.group);
        self.auth = self.auth.or(others.auth);
        self.client_id = self.client_id.or(others.client_id);
        self.psql = self.psql.or(others.psql);
        self.timeout = self.timeout.or(others.timeout);
        self.flags.extend(others.flags);
        self
    }

    /// Whether the flag `name` was given.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.flags.contains(&name)
    }

    /// Whether they say how a token is to be got, so that one which is there already is not what they ask for.
    #[must_use]
    pub fn say_how_to_sign_in(&self) -> bool {
        let named = [&self.tenant, &self.subscription, &self.client_id];
        self.auth.is_some() || self.has("fresh") || named.iter().any(|value| value.is_some())
    }

    /// Whether a token is asked for.
    #[must_use]
    pub fn ask_for_token(&self) -> bool {
        self.has("entra") || self.group.is_some() || self.auth.is_some()
    }

    /// How long signing in may take, by this method where one was named.
    #[must_use]
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
            print_env: matches.contains_id("print-env").then(|| {
                let named = matches.get_one("print-env").copied();
                named.map_or(WhichShell::Calling, WhichShell::This)
            }),
            completions: matches.get_one("completions").copied(),
            doctor: matches.contains_id("doctor").then(|| {
                let named = matches.get_one("doctor").copied();
                named.unwrap_or(Format::Text)
            }),
            flags: given_flags(&matches),
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
        if self.has(NO_ENTRA) && self.ask_for_token() {
            return Err(
                Failure::usage("`--no-entra` contradicts a request for a token")
                    .hint("leave out `--no-entra`, or all of `--entra`, `--group` and `--auth`"),
            );
        }
        Ok(self)
    }
}

fn given_flags(matches: &ArgMatches) -> Vec<&'static str> {
    OPTIONS
        .iter()
        .filter(|option| option.value == Value::None && matches.get_flag(option.name))
        .map(|option| option.name)
        .collect()
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
mod tests {
    use super::*;
    use crate::method::PersonMethod;
    use crate::psql::options;

    fn parse(words: &[&str]) -> Result<Options, String> {
        let own = words
            .iter()
            .map(|word| match word.split_once('=') {
                Some((name, value)) => OwnWord::Given(name.to_owned(), Some(value.into())),
                None => OwnWord::Given((*word).to_owned(), None),
            })
            .collect();
        Options::of_command_line(own).map_err(|failure| failure.to_string())
    }

    fn variables(variables: &[(&str, &str)]) -> Result<Options, String> {
        let environment = variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Options::of_variables(&environment).map_err(|failure| failure.to_string())
    }

    #[test]
    fn no_option_of_ours_is_psqls_or_an_abbreviation_of_one() {
        for (n, own) in OPTIONS.iter().enumerate() {
            for psql in options::OPTIONS {
                assert!(!psql.long.starts_with(own.name), "--{}", own.name);
            }
            for other in &OPTIONS[n + 1..] {
                assert_ne!(own.name, other.name);
                assert!(own.variable.is_none() || own.variable != other.variable);
            }
            let variable = own.variable.unwrap_or("ENTRA_PSQL_");
            assert!(variable.starts_with("ENTRA_PSQL_"), "{variable}");
        }
    }

    #[test]
    fn values() {
        let options = parse(&[
            "group=G H",
            "timeout=1.5",
            "auth=azure-cli",
            "entra",
            "entra",
            "timeout=2",
        ]);
        let options = options.unwrap();
        assert_eq!(options.group.as_deref(), Some("G H".as_ref()));
        let time = |options: &Options, method| options.time_for_signing_in(method).as_secs();
        let by_browser = Some(Method::Person(PersonMethod::Browser));
        assert_eq!(time(&options, by_browser), 2);
        assert_eq!(time(&Options::default(), by_browser), 900);
        assert_eq!(time(&Options::default(), Some(Method::AzureCli)), 30);
        assert_eq!(options.auth, Some(Auth::By(Method::AzureCli)));
        assert!(options.has("entra") && options.ask_for_token());
        assert!(!Options::default().ask_for_token());
    }

    #[test]
    fn wrong_values_are_named() {
        for (word, said) in [
            (
                "timeout=0",
                "`--timeout`: `0` is no number of seconds above 0",
            ),
            (
                "timeout=x",
                "`--timeout`: `x` is no number of seconds above 0",
            ),
            ("auth=magic", "`--auth`: `magic` is none of auto, azure-cli"),
            (
                "completions=tcsh",
                "`--completions`: `tcsh` is none of bash, zsh, fish, powershell, elvish",
            ),
            (
                "tenant=a b",
                "`--tenant`: `a b` is no tenant's id or domain",
            ),
            ("tenant=-x", "`--tenant`: `-x` is no tenant's id or domain"),
            ("client-id=a b", "`--client-id`: `a b` is no client id"),
            ("subscription=%PATH%", "is no subscription's id"),
            ("resource=http://x", "is no `https://` resource"),
            ("cloud=No where", "`--cloud`: `No where` is no cloud's name"),
            ("group=", "`--group` must not be empty"),
        ] {
            let failure = parse(&[word]).unwrap_err();
            assert!(failure.starts_with("entra-psql: error: "), "{failure}");
            assert!(failure.contains(said), "{failure}");
            assert!(
                failure.ends_with("\nentra-psql: hint: see `entra-psql --help`"),
                "{failure}"
            );
        }
    }

    #[test]
    fn contradictions() {
        assert!(parse(&["tenant=a", "subscription=b"]).is_err());
        assert!(parse(&["cloud=AzureCloud", "resource=https://x"]).is_err());
        assert!(parse(&["no-entra", "group=b"]).is_err());
    }

    #[test]
    fn a_flag_beats_its_variable_and_silences_what_it_contradicts() {
        let options = variables(&[
            ("ENTRA_PSQL_GROUP", "env"),
            ("ENTRA_PSQL_TENANT", "env"),
            ("ENTRA_PSQL_SINGLE_SERVER", "yes"),
            ("ENTRA_PSQL_TIMEOUT", ""),
            ("ENTRA_PSQL_DRY_RUN", "0"),
        ])
        .unwrap();
        assert!(options.has("single-server") && !options.has("dry-run"));
        let both = parse(&["group=flag", "subscription=flag"])
            .unwrap()
            .over(options);
        assert_eq!(both.group.as_deref(), Some("flag".as_ref()));
        assert_eq!(
            (both.tenant, both.subscription),
            (None, Some("flag".to_owned()))
        );
        let forbids = |value: &str| {
            let environment = [("ENTRA_PSQL_NO_ENTRA".into(), value.into())];
            Options::variable_forbids_token(&environment.into_iter().collect())
        };
        assert_eq!(
            (forbids("on"), forbids("0"), forbids("")),
            (Ok(true), Ok(false), Ok(false))
        );
        assert!(forbids("maybe").is_err());
        let wrong = variables(&[("ENTRA_PSQL_TIMEOUT", "soon")]).unwrap_err();
        assert!(
            wrong.contains("`ENTRA_PSQL_TIMEOUT`: `soon` is no number"),
            "{wrong}"
        );
    }
}
