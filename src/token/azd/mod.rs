//! Gets tokens through the Azure Developer CLI, which keeps a sign-in of its own, apart from the
//! Azure CLI's.
//!
//! It is called as the Azure CLI is: directly, with fixed words and validated values, before the
//! deadline. What it answers is known from its source: `cli/azd/cmd/auth_token.go` and
//! `cli/azd/pkg/auth` in the repository `Azure/azure-dev`. [`error`] reads its errors.

pub mod error;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::Value;

use crate::entra::token::{Token, Unusable};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::intent::Plan;
use crate::system::deadline::Deadline;
use crate::token::tool::{Presence, Tool};
use crate::token::{CacheKey, LEAST_LIFE};

/// The tool.
pub const TOOL: Tool = Tool {
    command: "azd",
    installed: r"Azure Dev CLI\azd.exe",
    name: "the Azure Developer CLI",
    configuration: ("AZD_CONFIG_DIR", ".azd"),
    profile: "auth.json",
    reinstall: "install the Azure Developer CLI anew",
};

/// The files that say what state it is in: who is signed in, and how it signs in.
const STATE: [&str; 2] = [TOOL.profile, "config.json"];

/// What its token of `resource` for `plan` is kept under.
pub fn cache_key(plan: &Plan, resource: &str, environment: &Environment) -> CacheKey {
    let configuration = TOOL.configuration(environment);
    let asked = (resource, &plan.options.tenant, configuration);
    CacheKey {
        identity: format!("azd {asked:?}"),
        state: format!("{:016x}", TOOL.state(&STATE, environment)),
        least_life: LEAST_LIFE,
    }
}

/// How much of it there is here.
pub fn presence(environment: &Environment) -> Presence {
    TOOL.presence(environment, |known| {
        known["auth"]["account"]["currentUser"].is_object()
    })
}

/// The installed Azure Developer CLI, to be asked before the deadline.
pub struct Azd {
    program: PathBuf,
    environment: Environment,
    tenant: Option<String>,
    deadline: Deadline,
}

impl Azd {
    /// Finds azd, to be asked for tokens of `tenant`, or else of the one that it is signed in to.
    ///
    /// # Errors
    ///
    /// There is no azd on `PATH`.
    pub fn find(
        environment: &Environment,
        tenant: Option<&str>,
        deadline: Deadline,
    ) -> Result<Self, Failure> {
        let program = TOOL.find(environment).ok_or_else(|| {
            Failure::sign_in("the Azure Developer CLI, `azd`, was not found on `PATH`").hint(
                "install the Azure Developer CLI, then sign in with `azd auth login`; or choose another `--auth METHOD`",
            )
        })?;
        let mut environment = environment.without_secrets();
        environment.set("AZURE_DEV_COLLECT_TELEMETRY", "no");
        environment.set("AZD_SKIP_UPDATE_CHECK", "true");
        Ok(Self {
            program,
            environment,
            tenant: tenant.map(str::to_owned),
            deadline,
        })
    }

    /// Gets a token for `resource`, and looks at it.
    ///
    /// # Errors
    ///
    /// azd refuses, cannot be run, is too slow, or answers with something else than the token asked
    /// for.
    pub fn token(&self, resource: &str) -> Result<Token, Failure> {
        let scope = format!("{resource}/.default");
        let mut words = vec!["auth", "token", "--output", "json", "--no-prompt"];
        words.extend(["--scope", &scope]);
        if let Some(tenant) = &self.tenant {
            words.extend(["--tenant-id", tenant]);
        }
        let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
        let answer = TOOL.run(&self.program, &words, &self.environment, self.deadline)?;
        if !answer.status.success() {
            return Err(error::failure(&answer.stderr));
        }
        token_in(&answer.stdout, resource, SystemTime::now())
    }
}

/// Returns the token in azd's answer, if it is one for `resource` that is good `now`.
///
/// # Errors
///
/// The answer is something else.
pub fn token_in(stdout: &[u8], resource: &str, now: SystemTime) -> Result<Token, Failure> {
    let mut answer: Value = serde_json::from_slice(stdout).map_err(|_| not_an_answer())?;
    let Some(Value::String(secret)) = answer.get_mut("token").map(Value::take) else {
        return Err(not_an_answer());
    };
    Token::checked(secret, Some(resource), now).map_err(|why| unusable(&why, resource))
}

fn not_an_answer() -> Failure {
    Failure::sign_in(
        "the Azure Developer CLI was asked for a token and answered with something else",
    )
    .hint("does `azd auth token --output json` work by itself? if not, install the Azure Developer CLI anew")
}

fn unusable(why: &Unusable, resource: &str) -> Failure {
    match why {
        Unusable::NotAToken => not_an_answer(),
        Unusable::WrongAudience(_) => Failure::sign_in(why.cause(Some(resource)))
            .hint("is azd in the cloud of the server? see `azd config get cloud`"),
        Unusable::Expired(_) => Failure::sign_in(why.cause(Some(resource)))
            .hint("is this machine's clock right? if so, sign in again with `azd auth login`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_another_form_is_no_token() {
        for stdout in ["[]", "\"x\"", "1", "null", "{}", "{\"token\":[]}", ""] {
            let read = token_in(stdout.as_bytes(), "https://r", SystemTime::now());
            assert_eq!(read.err(), Some(not_an_answer()), "{stdout}");
        }
    }
}
