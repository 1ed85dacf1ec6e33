//! The servers that you may see: `--servers` lists them, and `--server` connects to one by name.
//!
//! [`ask`] asks Azure Resource Graph, [`kept`] keeps the answer for a day, [`server`] reads it,
//! [`table`] formats it and [`choose`] finds a name in it.

mod ask;
mod choose;
mod kept;
mod server;
mod table;

use std::time::SystemTime;

use crate::cli::method::Method;
use crate::cli::{Format, Options};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::intent::method::{self, Choice};
use crate::libpq::parameters::Parameters;
use crate::psql::command_line::{CommandLine, Outcome};
use crate::system::deadline::Deadline;
use crate::system::private_directory::PrivateDirectory;
use crate::system::terminal;
use crate::token::azd;
use crate::token::azure_cli::{self, AzureCli};
use crate::token::lock::FetchLock;
use crate::token::tool::Presence;

pub use kept::forget;
use server::Server;

/// Prints the list.
pub fn list(format: Format, flags: &Options, environment: &Environment) -> Result<i32, Failure> {
    terminal::check_output()?;
    let (servers, _) = List::open(flags, environment)?.servers()?;
    match format {
        Format::Json => terminal::print(server::as_json(&servers)),
        Format::Text if servers.is_empty() => {
            terminal::say("no servers: the identity of the Azure CLI can see none");
            Ok(0)
        }
        Format::Text => terminal::print(table::table(&servers, terminal::width().unwrap_or(80))),
    }
}

/// Puts the host of the server `name` on the command line, as if `-h` had been typed.
pub fn put_host(
    name: &str,
    flags: &mut Options,
    line: &mut CommandLine,
    environment: &Environment,
) -> Result<(), Failure> {
    let Outcome::Connects(wanted) = &line.outcome else {
        return Ok(());
    };
    if Parameters::names_host(wanted) {
        return Err(
            Failure::usage("`--server` and another host exclude each other")
                .hint("leave out `--server`, or the host in `-h` or the connection string"),
        );
    }
    let server = find(name, flags, environment)?;
    line.put_host(&server.host);
    flags.server_tenant = server.tenant;
    Ok(())
}

/// Returns the server of this name. A list that was kept is asked for again if it isn't there.
fn find(name: &str, flags: &Options, environment: &Environment) -> Result<Server, Failure> {
    let list = List::open(flags, environment)?;
    let (mut servers, is_kept) = list.servers()?;
    if is_kept && !choose::is_there(name, &servers) {
        servers = list.ask()?;
    }
    choose::choose(name, servers)
}

/// The list of this identity, kept or asked for.
struct List<'a> {
    options: Options,
    environment: &'a Environment,
    directory: Option<PrivateDirectory>,
    deadline: Deadline,
}

impl<'a> List<'a> {
    fn open(flags: &Options, environment: &'a Environment) -> Result<Self, Failure> {
        let options = flags.clone().merge(Options::of_variables(environment)?);
        check_method(&options, environment)?;
        let keeps = crate::intent::keeps_token(environment);
        Ok(Self {
            deadline: Deadline::after(options.time_for_signing_in(Some(Method::AzureCli))),
            options,
            environment,
            directory: keeps.then(PrivateDirectory::open_or_warn).flatten(),
        })
    }

    /// Returns the servers, and whether they were kept.
    fn servers(&self) -> Result<(Vec<Server>, bool), Failure> {
        let key = azure_cli::key_of_servers(self.environment);
        let directory = self.directory.as_ref().filter(|_| !self.options.fresh);
        match directory.and_then(|directory| kept::recall(directory, &key, SystemTime::now())) {
            Some(servers) => Ok((servers, true)),
            None => Ok((self.ask()?, false)),
        }
    }

    fn ask(&self) -> Result<Vec<Server>, Failure> {
        let key = azure_cli::key_of_servers(self.environment);
        let az = AzureCli::find(self.environment, &self.options, self.deadline)?;
        let _lock = FetchLock::acquire(self.directory.as_ref(), azure_cli::LOCK, self.deadline);
        let servers = ask::ask(&az)?;
        // az may have been signed in to as someone else meanwhile.
        if let Some(directory) = &self.directory
            && key.state == azure_cli::key_of_servers(self.environment).state
        {
            kept::keep(directory, &key, &servers, SystemTime::now());
        }
        Ok(servers)
    }
}

/// Refuses any method but az, which alone may ask for the list.
fn check_method(options: &Options, environment: &Environment) -> Result<(), Failure> {
    let choice = method::choose(options, environment).or_else(|| {
        let is_azd = azure_cli::presence(environment) != Presence::SignedIn
            && azd::presence(environment) == Presence::SignedIn;
        is_azd.then_some(Choice {
            method: Method::Azd,
            because: Some("you are signed in to `azd` but not to `az`"),
        })
    });
    let Some(choice) = choice.filter(|choice| choice.method != Method::AzureCli) else {
        return Ok(());
    };
    let failure = Failure::usage(format!(
        "the list of servers needs the Azure CLI, not `--auth {}`",
        choice.method.name()
    ))
    .hint("add `--auth azure-cli`, or name the server with `-h HOST`");
    Err(match choice.explained() {
        Some(why) => failure.noting(&why),
        None => failure,
    })
}
