//! The decision: run psql at once, sign in first, or refuse. Only [`evidence`] does I/O: it gathers
//! the facts.
//!
//! [`trust`] decides which hosts may be sent a token, [`method`] how to get it, [`role`] how the
//! role reaches psql, and [`tls`] how the connection is protected. [`slips`] explains common
//! mistakes. docs/decision.md shows all of it in tables.

pub mod command_line;
pub mod evidence;
pub mod method;
mod password;
pub mod purpose;
pub mod role;
pub mod slips;
pub mod tls;
pub mod trust;

use std::time::{Duration, SystemTime};

use crate::cli::method::Method;
use crate::cli::{CACHE, Options, Profile};
use crate::entra::cloud::{self, Cloud, Named};
use crate::entra::role::{Identity, identity};
use crate::entra::token::Token;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::libpq::target::Target;
use crate::psql::command_line::Wanted;

use method::Choice;
use password::{OtherPassword, inherited_token, other_password};
use role::User;
use trust::Trust;

/// How long an inherited token must still last: until psql has connected.
const TIME_TO_CONNECT: Duration = Duration::from_secs(60);

const NOT_KNOWN: &str = "no host is known to use Entra authentication";

/// All that a decision is made from.
pub struct Case<'a> {
    pub wanted: &'a Wanted,
    /// What libpq would connect to.
    pub target: &'a Target,
    /// Our options on the command line.
    pub flags: &'a Options,
    pub environment: &'a Environment,
    /// The operating system's user, which is libpq's default.
    pub system_user: &'a [u8],
    /// Whether the password file has a password for any of the hosts.
    pub passfile_has_password: bool,
    /// Tells whether an inherited token has expired.
    pub now: SystemTime,
}

#[derive(Debug)]
pub enum Decision {
    /// Run psql without a token.
    BecomePsql(WithoutToken),
    /// Sign in, then run psql.
    SignIn(Box<Plan>),
}

/// Why there is no token, and what that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WithoutToken {
    pub reason: &'static str,
    /// Whether `PGPASSWORD` is removed: it holds an old token of ours, which libpq would send
    /// instead of the password that is meant.
    pub drops_password: bool,
}

impl Decision {
    /// Returns the decision to run psql with everything as it is.
    fn untouched(reason: &'static str) -> Self {
        Self::BecomePsql(WithoutToken {
            reason,
            drops_password: false,
        })
    }
}

/// What is needed to sign in.
#[derive(Debug)]
pub struct Plan {
    /// The first host, which TLS and messages name.
    pub host: String,
    /// The cloud that all hosts belong to, by their names.
    pub cloud: Option<&'static Cloud>,
    /// The method, if options or variables settle it. Otherwise this machine does.
    pub choice: Option<Choice>,
    /// Whether tokens and sign-ins may be kept.
    pub keeps_token: bool,
    /// Whether the token is the one in `PGPASSWORD`.
    pub uses_password: bool,
    /// The resource of the token, if it or a known cloud is named.
    pub resource: Option<String>,
    pub user: User,
    /// Whether `PGDATABASE` becomes `postgres`: the role was not typed and no database is named.
    pub default_database: bool,
    /// Our options: flags, then the service file, then variables.
    pub options: Options,
    /// Where each setting comes from, if the service file has any.
    pub sources: Vec<String>,
    /// Why a token is due.
    pub reason: &'static str,
}

impl Plan {
    /// Plans how to sign in without a server, in the cloud that the options name or the public one.
    pub fn without_server(flags: &Options, environment: &Environment) -> Result<Self, Failure> {
        let options = flags.clone().merge(Options::of_variables(environment)?);
        Ok(Self {
            host: String::new(),
            cloud: None,
            choice: method::choose(&options, environment),
            keeps_token: keeps_token(environment),
            uses_password: false,
            resource: resource(&options, Some(cloud::PUBLIC)),
            user: User::Unnamed,
            default_database: false,
            options,
            sources: Vec::new(),
            reason: "a token was asked for",
        })
    }

    /// Returns the name of the server's cloud, if it was named or the host shows it.
    pub fn cloud_name(&self) -> Option<&str> {
        let named = self.options.cloud.as_ref().map(Named::name);
        named.or(self.cloud.map(|cloud| cloud.name))
    }

    /// Returns the cloud that was named, or else the servers' cloud, if it is known here.
    pub fn known_cloud(&self) -> Option<&'static Cloud> {
        cloud::chosen(self.options.cloud.as_ref(), self.cloud)
    }
}

/// Decides, or refuses a command line that contradicts itself, asks for a token that may not be
/// sent, or names no host.
pub fn decide(case: &Case<'_>) -> Result<Decision, Failure> {
    let asked = case.flags.ask_for_token();
    if case.flags.no_entra {
        return Ok(Decision::untouched("`--no-entra` was given"));
    }
    let trusted_hosts = trust::listed(case.environment);
    let trust = trust::judge(case.target, case.flags.entra, &trusted_hosts);
    if !asked && !trust.any() {
        return Ok(Decision::untouched(NOT_KNOWN));
    }
    let forbidden = Options::variable_forbids_token(case.environment);
    if !asked && forbidden == Ok(true) {
        return Ok(Decision::untouched("`ENTRA_PSQL_NO_ENTRA` is set"));
    }
    let inherited = inherited_token(case);
    if let Some(source) = other_password(case, inherited.as_ref()) {
        if !asked {
            return Ok(Decision::untouched(source.reason()));
        }
        source.contradiction()?;
    }
    let plan = plan(case, trust, forbidden, inherited.as_ref());
    if !asked && case.passfile_has_password && !plan.as_ref().is_ok_and(|plan| plan.uses_password) {
        return Ok(Decision::BecomePsql(WithoutToken {
            reason: OtherPassword::Passfile.reason(),
            drops_password: inherited.is_some(),
        }));
    }
    Ok(Decision::SignIn(Box::new(plan?)))
}

/// Plans how to sign in.
fn plan(
    case: &Case<'_>,
    trust: Trust,
    forbidden: Result<bool, Failure>,
    inherited: Option<&Token>,
) -> Result<Plan, Failure> {
    let (host, cloud) = match trust {
        Trust::All { host, cloud } => (host, cloud),
        Trust::None | Trust::Some { .. } | Trust::NoHost => return Err(trust.refusal(case.target)),
    };
    let profile = Profile::read(case.target)?;
    let variables = Options::of_variables(case.environment)?;
    let asked = case.flags.ask_for_token();
    if !asked {
        forbidden?;
    }
    let user = role::read_name(
        case,
        profile.options.group.as_deref(),
        variables.group.as_deref(),
    )?;
    let for_server = case.flags.clone().merge(profile.options.clone());
    let says_how = for_server.say_how_to_sign_in();
    let mut options = for_server.merge(variables.clone());
    if !options.names_account() {
        options.tenant = options.server_tenant.take();
    }
    options.group = options.group.filter(|_| user.is_group());
    let resource = resource(&options, cloud);
    let uses_password = inherited.is_some_and(|token| {
        !says_how
            // One token from outside can't be renewed.
            && case.flags.proxy.is_none()
            && !options.renews()
            && token
                .check(resource.as_deref(), case.now + TIME_TO_CONNECT)
                .is_ok()
            && options
                .tenant
                .as_deref()
                .is_none_or(|tenant| token.is_of_tenant(tenant))
            && (user != User::Unnamed || matches!(identity(token), Identity::Named(_)))
    });
    Ok(Plan {
        sources: profile.sources(case.flags, &variables, &options),
        resource,
        choice: if uses_password {
            Some(Choice {
                method: Method::Env,
                because: Some("`PGPASSWORD` holds a token for this server"),
            })
        } else {
            method::choose(&options, case.environment)
        },
        keeps_token: keeps_token(case.environment),
        uses_password,
        default_database: !user.is_typed() && case.target.parameters().filled("dbname").is_none(),
        reason: if asked {
            "a token was asked for"
        } else {
            "the server uses Entra authentication"
        },
        host,
        cloud,
        user,
        options,
    })
}

/// Returns the resource to get a token for: the one that is named, or that of the cloud. `cloud` is
/// the server's own.
fn resource(options: &Options, cloud: Option<&'static Cloud>) -> Option<String> {
    options.resource.clone().or_else(|| {
        let cloud = cloud::chosen(options.cloud.as_ref(), cloud)?;
        Some(cloud.resource.to_owned())
    })
}

/// Returns whether tokens may be cached: not in CI, and not if `ENTRA_PSQL_CACHE` is set to
/// anything but `on`. Someone who sets it wants less to be kept.
pub fn keeps_token(environment: &Environment) -> bool {
    let set = environment.get_filled(CACHE);
    set.is_none_or(|value| value == "on") && environment.get_filled("CI").is_none()
}
