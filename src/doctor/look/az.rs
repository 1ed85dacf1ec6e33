//! What the Azure CLI is: where, which version, and who is signed in to it. It is asked nothing
//! that reaches the network.

use std::path::PathBuf;

use crate::cli::Options;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::system::deadline::Deadline;
use crate::token::azure_cli::{Account, AzureCli};

/// What was seen of az.
#[derive(Debug)]
pub struct Az {
    /// Where it is.
    pub program: PathBuf,
    pub version: Result<String, Failure>,
    /// Who is signed in.
    pub account: Result<Account, Failure>,
}

/// Looks at az, and at the account that `options` choose.
///
/// # Errors
///
/// There is none.
pub fn look(
    options: &Options,
    environment: &Environment,
    deadline: Deadline,
) -> Result<Az, Failure> {
    // Neither question touches az's token cache, so that there is no turn to wait for.
    let az = AzureCli::find(environment, options, deadline)?;
    Ok(Az {
        program: az.program().to_owned(),
        account: az.account(),
        version: az.version(),
    })
}
