//! The decision: become psql at once, sign in first, or refuse. Pure; it reads no file and starts nothing.
//!
//! [`trust`] says which hosts may be sent a token, [`method`] how it is got, [`user`] how the role reaches psql,
//! [`tls`] how the connection is protected. docs/decision.md has the whole of it as tables.

pub mod method;
pub mod tls;
pub mod trust;
pub mod user;

use crate::cli::Options;
use crate::entra::cloud::{self, Cloud, Named};
use crate::entra::token::Token;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::libpq::parameters::Origin;
use crate::libpq::target::Target;
use crate::psql::command_line::Wanted;

use method::Choice;
use trust::Trust;
use user::User;

/// All that a decision is made from.
pub struct Case<'a> {
    /// What the command line says about the connection.
    pub wanted: &'a Wanted,
    /// What libpq would connect to.
    pub target: &'a Target,
    /// Our options on the command line.
    pub flags: &'a Options,
    /// The variables.
    pub environment: &'a Environment,
    /// The operating system's name for us, which is libpq's default user.
    pub system_user: &'a [u8],
    /// Whether the password file has a password for any of the hosts.
    pub passfile_has_password: bool,
}

/// What is to be done.
#[derive(Debug)]
pub enum Decision {
    /// Become psql, untouched, for this reason.
    BecomePsql(&'static str),
    /// Sign in, then become psql.
    SignIn(Box<SignIn>),
}

/// What is needed to sign in.
#[derive(Debug)]
pub struct SignIn {
    /// The first host: its name is what TLS and messages speak of.
    pub host: String,
    /// The cloud whose servers all hosts are, by their names.
    pub cloud: Option<&'static Cloud>,
    /// How the token is got, where options or variables say it; else it is by what there is on this machine.
    pub choice: Option<Choice>,
    /// The resource to ask a token for, where something names it or a cloud that is known here.
    pub resource: Option<String>,
    /// The role, as far as it is named.
    pub user: User,
    /// Whether `PGDATABASE` is to be `postgres`: the role was not typed and no database is named.
    pub default_database: bool,
    /// Our options, flags over variables.
    pub options: Options,
    /// Why a token is due.
    pub reason: &'static str,
}

impl SignIn {
    /// The name of the cloud that the server is in, where it was named or the host says it.
    #[must_use]
    pub fn cloud_name(&self) -> Option<&str> {
        let named = self.options.cloud.as_ref().map(Named::name);
        named.or(self.cloud.map(|cloud| cloud.name))
    }

    /// The cloud that was named, else the servers', where it is known here.
    #[must_use]
    pub fn known_cloud(&self) -> Option<&'static Cloud> {
        cloud::chosen(self.options.cloud.as_ref(), self.cloud)
    }
}

/// Decides.
///
/// # Errors
///
/// The command line contradicts itself, asks for a token where none may go, or names no host; or a
/// variable is wrong.
pub fn decide(case: &Case<'_>) -> Result<Decision, Failure> {
    let asked = case.flags.ask_for_token();
    if case.flags.has("no-entra") {
        return Ok(Decision::BecomePsql("`--no-entra` was given"));
    }
    let trusted_hosts = trust::listed(case.environment);
    let trust = trust::of(case.target, case.flags.has("entra"), &trusted_hosts);
    if !asked && !trust.any() {
        return Ok(Decision::BecomePsql(
            "no host is known to want an Entra token",
        ));
    }
    if let Some(source) = other_password(case) {
        if !asked {
            return Ok(Decision::BecomePsql(source.reason()));
        }
        source.contradiction()?;
    }
    let (host, cloud) = match trust {
        Trust::All { host, cloud } => (host, cloud),
        Trust::None | Trust::Some { .. } | Trust::NoHost => return Err(trust.refusal()),
    };
    let variables = Options::of_variables(case.environment)?;
    if !asked && variables.has("no-entra") {
        return Ok(Decision::BecomePsql("`ENTRA_PSQL_NO_ENTRA` is set"));
    }
    let group_variable = variables.group.clone();
    let options = case.flags.clone().over(variables);
    let user = user::named(case, group_variable.as_deref())?;
    Ok(Decision::SignIn(Box::new(SignIn {
        resource: options.resource.clone().or_else(|| {
            let cloud = cloud::chosen(options.cloud.as_ref(), cloud)?;
            Some(cloud.resource.to_owned())
        }),
        choice: method::named(&options, case.environment),
        default_database: !user.is_typed() && case.target.parameters().filled("dbname").is_none(),
        reason: if asked {
            "a token was asked for"
        } else {
            "the host wants an Entra token"
        },
        host,
        cloud,
        user,
        options,
    })))
}

/// A password that is no token of ours, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OtherPassword {
    Prompt,
    CommandLine,
    Service,
    Variable,
    Passfile,
}

impl OtherPassword {
    fn reason(self) -> &'static str {
        match self {
            Self::Prompt => "`-W` has psql ask for a password",
            Self::CommandLine => "the connection string has a password",
            Self::Service => "the service file has a password",
            Self::Variable => "`PGPASSWORD` holds a password that is no database token",
            Self::Passfile => "the password file has a password for this connection",
        }
    }

    /// Where a token was asked for: what was typed contradicts it, and what is only at hand is overridden,
    /// except in a service file, which libpq puts before the variable that carries the token.
    fn contradiction(self) -> Result<(), Failure> {
        match self {
            Self::Prompt => Err(Failure::usage("`-W` contradicts a request for a token")
                .hint("leave out `-W`, or sign in with the password and `--no-entra`")),
            Self::CommandLine => Err(Failure::usage(
                "the password in the connection string contradicts a request for a token",
            )
            .hint("take the password out, or sign in with it and `--no-entra`")),
            Self::Service => Err(Failure::sign_in(
                "the service file's password would be used in place of the token",
            )
            .hint("take `password` out of the service file, or sign in with it and `--no-entra`")),
            Self::Variable | Self::Passfile => Ok(()),
        }
    }
}

fn other_password(case: &Case<'_>) -> Option<OtherPassword> {
    if case.wanted.asks_password {
        return Some(OtherPassword::Prompt);
    }
    match case.target.password() {
        // An empty password in these still hides the variable, so that psql would ask for one.
        Some(given) if given.origin.is_command_line() => Some(OtherPassword::CommandLine),
        Some(given) if given.origin == Origin::Service => Some(OtherPassword::Service),
        Some(given) if !given.value.is_empty() && !is_database_token(&given.value) => {
            Some(OtherPassword::Variable)
        }
        _ => case
            .passfile_has_password
            .then_some(OtherPassword::Passfile),
    }
}

/// Whether a password is a token that a shell inside psql inherited from us.
fn is_database_token(password: &[u8]) -> bool {
    std::str::from_utf8(password)
        .ok()
        .and_then(|text| Token::read(text.to_owned()).ok())
        .is_some_and(|token| token.is_for_databases())
}

/// Whether signing in may be due at all: a token is asked for, or some host is known to want one.
///
/// Where it is not, nothing that only signing in needs has to be looked at.
#[must_use]
pub fn may_sign_in(target: &Target, flags: &Options, environment: &Environment) -> bool {
    !flags.has("no-entra")
        && (flags.ask_for_token() || trust::of(target, false, &trust::listed(environment)).any())
}
