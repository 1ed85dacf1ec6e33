//! A command-line tool that a person signs in to, and that gets tokens for them: the Azure CLI, or
//! the Azure Developer CLI.

use std::ffi::OsString;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::system::deadline::Deadline;
use crate::system::ownership;
use crate::system::plain_file;
use crate::system::platform;
use crate::system::process::{self, Answer, NoAnswer};
use crate::system::threads;
use crate::system::waiting::Waiting;
use crate::token::CacheKey;

/// More than any configuration file of a tool, in bytes: a profile lists every subscription.
pub const LONGEST_FILE: u64 = 16 * 1024 * 1024;

/// Whether a tool is installed and signed in to, as its files show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Missing,
    Installed,
    SignedIn,
}

/// What differs between the tools.
#[derive(Debug)]
pub struct Tool {
    pub command: &'static str,
    /// Its path below a folder for programs on Windows.
    pub installed: &'static str,
    /// Its name with the article.
    pub name: &'static str,
    /// The variable that names its configuration directory, and the default in the home directory.
    pub configuration: (&'static str, &'static str),
    /// The JSON file there that shows who is signed in.
    pub profile: &'static str,
    /// The files there, and the variables, that change with its state: who is signed in, how, and
    /// to which cloud.
    pub state: (&'static [&'static str], &'static [&'static str]),
    /// The least life of its token in our cache; see [`CacheKey`].
    pub least_life: Duration,
    /// The hint if it is found but doesn't run.
    pub reinstall: &'static str,
}

impl Tool {
    /// Returns its path: on `PATH`, else where its installers put it.
    pub fn find(&self, environment: &Environment) -> Option<PathBuf> {
        let on_path = which::which_in(self.command, environment.get("PATH"), ".").ok();
        on_path.or_else(|| {
            let mut places = self.well_known(environment).into_iter();
            places.find(|place| ownership::is_protected(place))
        })
    }

    /// Returns where installers put it. Programs that no shell starts, such as pgAdmin, lack these
    /// directories on their `PATH`.
    #[cfg(unix)]
    fn well_known(&self, _environment: &Environment) -> Vec<PathBuf> {
        // pip, pipx and uv use the first; az's install script the second.
        let own = platform::own_directory().into_iter();
        let own = own.flat_map(|home| [home.join(".local/bin"), home.join("bin")]);
        let all = [
            "/usr/local/bin",
            "/opt/homebrew/bin",
            "/home/linuxbrew/.linuxbrew/bin",
            "/opt/az/bin",
            "/snap/bin",
        ];
        own.chain(all.map(PathBuf::from))
            .map(|directory| directory.join(self.command))
            .collect()
    }

    /// Returns where installers put it. Shells that were open before the installation lack it on
    /// their `PATH`.
    #[cfg(windows)]
    fn well_known(&self, environment: &Environment) -> Vec<PathBuf> {
        let folders = platform::program_folders(environment);
        let places = folders.iter().map(|folder| folder.join(self.installed));
        places.collect()
    }

    /// Returns its presence without running it. `has_account` reads its profile.
    pub fn presence(
        &self,
        environment: &Environment,
        has_account: impl FnOnce(&Value) -> bool,
    ) -> Presence {
        if self.find(environment).is_none() {
            return Presence::Missing;
        }
        let profile = || {
            let file = self.configuration(environment)?.join(self.profile);
            let text = plain_file::read(&file, LONGEST_FILE).ok()?;
            // az writes a byte order mark.
            let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
            serde_json::from_slice(text).ok()
        };
        match profile() {
            Some(profile) if has_account(&profile) => Presence::SignedIn,
            _ => Presence::Installed,
        }
    }

    pub fn configuration(&self, environment: &Environment) -> Option<PathBuf> {
        let (variable, name) = self.configuration;
        match environment.get_filled(variable) {
            Some(directory) => std::path::absolute(directory).ok(),
            None => Some(platform::own_directory()?.join(name)),
        }
    }

    /// Returns the key for a token of this tool's that was `asked` for.
    pub fn cache_key(&self, asked: impl fmt::Debug, environment: &Environment) -> CacheKey {
        let configuration = self.configuration(environment);
        let (files, variables) = self.state;
        let mut hasher = DefaultHasher::new();
        for name in files {
            let bytes = configuration
                .as_ref()
                .and_then(|directory| plain_file::read(&directory.join(name), LONGEST_FILE).ok());
            bytes.map(|bytes| bytes.to_vec()).hash(&mut hasher);
        }
        let variables: Vec<_> = variables.iter().map(|name| environment.get(name)).collect();
        CacheKey {
            identity: format!("{} {asked:?} {configuration:?}", self.command),
            state: format!("{:016x} {variables:?}", hasher.finish()),
            least_life: self.least_life,
        }
    }

    pub fn run(
        &self,
        program: &Path,
        words: &[OsString],
        environment: &Environment,
        deadline: Deadline,
    ) -> Result<Answer, Failure> {
        let name = self.name;
        let _waiting = Waiting::begin(name);
        process::run(program, words, environment, deadline).map_err(|why| match why {
            NoAnswer::TimedOut => {
                Failure::sign_in(format!("timed out after {deadline} waiting for {name}"))
                    .hint("check that you can reach `login.microsoftonline.com`, or allow more time with `--timeout SECONDS`")
            }
            NoAnswer::NotStarted(error) => {
                let shown = program.display();
                let hint = match error.kind() {
                    // The system is out of processes.
                    io::ErrorKind::WouldBlock => threads::REMEDY,
                    _ => self.reinstall,
                };
                Failure::sign_in(format!("{name} at `{shown}` cannot be run: {error}")).hint(hint)
            }
        })
    }
}
