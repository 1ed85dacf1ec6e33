//! Gets tokens through the Azure Developer CLI, whose sign-in is apart from the Azure CLI's.
//!
//! It is called as the Azure CLI is: directly, with fixed words and validated values, before the
//! deadline. Its answers are known from its source: `cli/azd/cmd/auth_token.go` and
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

pub const TOOL: Tool = Tool {
    command: "azd",
    installed: r"Azure Dev CLI\azd.exe",
    name: "the Azure Developer CLI",
    configuration: ("AZD_CONFIG_DIR", ".azd"),
    profile: "auth.json",
    state: (&["auth.json", "config.json"], &[]),
    least_life: LEAST_LIFE,
    reinstall: "reinstall the Azure Developer CLI",
};

pub fn cache_key(plan: &Plan, resource: &str, environment: &Environment) -> CacheKey {
    TOOL.cache_key((resource, &plan.options.tenant), environment)
}

pub fn presence(environment: &Environment) -> Presence {
    TOOL.presence(environment, |known| {
        known["auth"]["account"]["currentUser"].is_object()
    })
}

pub struct Azd {
    program: PathBuf,
    environment: Environment,
    tenant: Option<String>,
    deadline: Deadline,
}

impl Azd {
    /// Finds azd. Without a `tenant` it uses the one that it is signed in to.
    pub fn find(
        environment: &Environment,
        tenant: Option<&str>,
        deadline: Deadline,
    ) -> Result<Self, Failure> {
        let program = TOOL.find(environment).ok_or_else(|| {
            Failure::sign_in("the Azure Developer CLI (`azd`) was not found on `PATH`").hint(
                "install the Azure Developer CLI and run `azd auth login`, or choose another method with `--auth METHOD`",
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

    /// Gets and checks a token for `resource`.
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

/// Returns the token in azd's answer, if it is for `resource` and valid `now`.
pub fn token_in(stdout: &[u8], resource: &str, now: SystemTime) -> Result<Token, Failure> {
    let mut answer: Value = serde_json::from_slice(stdout).map_err(|_| not_an_answer())?;
    let Some(Value::String(secret)) = answer.get_mut("token").map(Value::take) else {
        return Err(not_an_answer());
    };
    Token::checked(secret, Some(resource), now).map_err(|why| unusable(&why, resource))
}

fn not_an_answer() -> Failure {
    Failure::sign_in(
        "the Azure Developer CLI could not get a token: its answer isn't the expected JSON",
    )
    .hint(
        "run `azd auth token --output json`; if that fails too, reinstall the Azure Developer CLI",
    )
}

fn unusable(why: &Unusable, resource: &str) -> Failure {
    match why {
        Unusable::NotAToken => not_an_answer(),
        Unusable::WrongAudience(_) => Failure::sign_in(why.cause(Some(resource)))
            .hint("check with `azd config get cloud` that the Azure Developer CLI uses the server's cloud"),
        Unusable::Expired(_) => Failure::sign_in(why.cause(Some(resource)))
            .hint("check this machine's clock; if it is right, run `azd auth login`"),
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
