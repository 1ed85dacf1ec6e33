//! Our settings in a section of the service file: the profile of a server.

use std::ffi::OsString;

use crate::entra::{cloud, role};
use crate::failure::Failure;
use crate::libpq::service;
use crate::libpq::target::Target;
use crate::system::platform;

use super::description::choose_one;
use super::{OPTIONS, Options};

/// A key, and how its value is written.
type Key = (&'static str, fn(&Options) -> Option<String>);

/// What a section may set. Nothing here vouches for a host, or asks for a token.
const KEYS: [Key; 8] = [
    ("tenant", |options| options.tenant.clone()),
    ("subscription", |options| options.subscription.clone()),
    ("client-id", |options| options.client_id.clone()),
    ("auth", |options| Some(options.auth?.name().to_owned())),
    ("cloud", |options| {
        Some(options.cloud.as_ref()?.name().to_owned())
    }),
    ("resource", |options| options.resource.clone()),
    ("group", |options| {
        Some(options.group.as_ref()?.display().to_string())
    }),
    ("renew", |options| Some(options.renew?.name().to_owned())),
];

/// The settings of the section that libpq takes.
#[derive(Default)]
pub struct Profile {
    pub options: Options,
    /// The service file.
    file: String,
    /// The line of each key that is set.
    lines: Vec<(&'static str, usize)>,
}

impl Profile {
    /// Reads our lines of the service of `target`. As for libpq, the first value of a key counts.
    pub fn read(target: &Target) -> Result<Self, Failure> {
        let own_lines = target.parameters().own_lines();
        if own_lines.is_empty() {
            return Ok(Self::default());
        }
        let file = target.parameters().value("servicefile");
        let mut profile = Self {
            file: String::from_utf8_lossy(file.unwrap_or_default()).into_owned(),
            ..Self::default()
        };
        let mut given: Vec<(String, Option<OsString>)> = Vec::new();
        for line in own_lines {
            let place = profile.place(line.number);
            let settings = service::own_settings(line).map_err(|why| {
                Failure::usage(format!("{place} {why}"))
                    .hint("write `#entra-psql KEY=VALUE`, and a value with spaces as `KEY='VALUE'`")
            })?;
            for (name, value) in settings {
                let Some((key, _)) = KEYS.iter().find(|(key, _)| *key == name) else {
                    let keys = KEYS.map(|(key, _)| key);
                    let cause = format!("`{name}` in {place} is not a setting of entra-psql");
                    return Err(Failure::usage(cause).hint(choose_one(&name, &keys)));
                };
                if value.is_empty() {
                    let cause = format!("`{name}` in {place} has no value");
                    return Err(
                        Failure::usage(cause).hint(format!("give `{name}` a value, or remove it"))
                    );
                }
                if profile.line(key).is_none() {
                    profile.lines.push((*key, line.number));
                    given.push((name, Some(platform::os_string(&value))));
                }
            }
        }
        profile.options = Options::parse(&given, |key| profile.call(key))?;
        profile.check_group()?;
        profile.check_resource(target)?;
        Ok(profile)
    }

    /// Refuses a name that no group can have.
    fn check_group(&self) -> Result<(), Failure> {
        match &self.options.group {
            Some(group) if role::has_control_character(group) => {
                let (called, group) = (self.call("group"), group.display());
                let cause = format!("{called}: `{group}` contains a control character");
                Err(Failure::usage(cause).hint("correct the name of the group"))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a resource other than a database's, unless you vouched for every host. Otherwise
    /// anyone who can write the service file could send your token for something else to a server
    /// of their own.
    fn check_resource(&self, target: &Target) -> Result<(), Failure> {
        let mut hosts = target.hosts().iter();
        match &self.options.resource {
            Some(resource)
                if !cloud::is_database_resource(resource)
                    && hosts.any(|host| cloud::of_host(&host.name).is_some()) =>
            {
                let called = self.call("resource");
                let cause =
                    format!("{called}: `{resource}` is not a resource of Azure's databases");
                Err(Failure::usage(cause).hint(
                    "remove it: the name of the server determines the resource; to use this one, add `--resource`",
                ))
            }
            _ => Ok(()),
        }
    }

    /// Says of each setting in `merged` where it comes from, if the section has any settings.
    /// `flags` and `variables` were merged with it.
    pub fn sources(&self, flags: &Options, variables: &Options, merged: &Options) -> Vec<String> {
        if self.lines.is_empty() {
            return Vec::new();
        }
        let settings = KEYS.iter().filter_map(|(key, value)| {
            let source = if value(flags).is_some() {
                format!("`--{key}`")
            } else if let Some(line) = self.line(key) {
                self.place(line)
            } else if value(variables).is_some() {
                let option = OPTIONS.iter().find(|option| option.name == *key);
                format!("`{}`", option?.variable?)
            } else {
                "`--server`".to_owned()
            };
            Some(format!("`{key}` is `{}`, from {source}", value(merged)?))
        });
        settings.collect()
    }

    /// Returns the line that sets `key`.
    fn line(&self, key: &str) -> Option<usize> {
        let (_, line) = self.lines.iter().find(|(known, _)| *known == key)?;
        Some(*line)
    }

    /// Returns how messages call a key.
    fn call(&self, key: &str) -> String {
        match self.line(key) {
            Some(line) => format!("`{key}` in {}", self.place(line)),
            None => format!("`{key}`"),
        }
    }

    fn place(&self, line: usize) -> String {
        format!("line {line} of the service file `{}`", self.file)
    }
}
