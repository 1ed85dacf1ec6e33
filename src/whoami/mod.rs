//! `--whoami`: signs in as a launch would, and reports who the token is for. It needs no server.

mod identity;
mod render;

use crate::cli::Format;
use crate::cli::method::Method;
use crate::entra::token::Token;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::intent::Plan;
use crate::sign_in::groups;
use crate::sign_in::signer::Signer;
use crate::system::deadline::Deadline;
use crate::system::private_directory::PrivateDirectory;
use crate::system::terminal;
use crate::token::azure_cli::{self, AzureCli, Groups};
use crate::token::lock::FetchLock;
use crate::token::ready;

use identity::{Kind, Report};

/// Signs in as `plan` requires, and prints who that is.
pub fn report(plan: &Plan, format: Format, environment: &Environment) -> Result<i32, Failure> {
    ready::hide_descriptor(environment);
    let directory = PrivateDirectory::open_or_warn();
    let directory = directory.as_ref();
    let identified = Signer::new(plan, environment, directory)?.identify()?;
    let asked = Asked {
        plan,
        environment,
        directory,
    };
    let groups = asked.groups(identified.choice.method, &identified.token);
    if let (Some(directory), Ok(groups)) = (directory.filter(|_| plan.keeps_token), &groups) {
        groups::keep(directory, &groups.names);
    }
    let report = Report::new(&identified, groups);
    terminal::print(&match format {
        Format::Text => render::text(&report),
        Format::Json => format!("{:#}", render::json(&report)),
    })
}

/// What the question about the groups needs.
struct Asked<'a> {
    plan: &'a Plan,
    environment: &'a Environment,
    directory: Option<&'a PrivateDirectory>,
}

impl Asked<'_> {
    /// Returns the groups that Graph names, or why it wasn't or couldn't be asked.
    fn groups(&self, method: Method, token: &Token) -> Result<Groups, String> {
        if !matches!(Kind::of(token), Kind::User | Kind::Guest) {
            return Err("Microsoft Graph lists them only for people".to_owned());
        }
        if method != Method::AzureCli {
            return Err("only the Azure CLI can ask Microsoft Graph for them".to_owned());
        }
        self.ask_graph(token)
            .map_err(|failure| failure.cause().to_owned())
    }

    fn ask_graph(&self, token: &Token) -> Result<Groups, Failure> {
        let options = &self.plan.options;
        let deadline = Deadline::after(options.time_for_signing_in(Some(Method::AzureCli)));
        let az = AzureCli::find(self.environment, options, deadline)?;
        let _lock = FetchLock::acquire(self.directory, azure_cli::LOCK, deadline);
        az.groups(token.claim("tid"))
    }
}
