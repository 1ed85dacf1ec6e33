//! Signs in: a token, the role it is for, and the variables that take both to psql.

use std::ffi::OsString;

use crate::azure_cli::AzureCli;
use crate::cli::Method;
use crate::deadline::Deadline;
use crate::decision::SignIn;
use crate::decision::tls::Protection;
use crate::decision::user::{Delivery, Role, User};
use crate::entra::role::{self, Identity, LONGEST_NAME};
use crate::entra::token::Token;
use crate::environment::Environment;
use crate::failure::Failure;

/// A role and the token to sign in as it.
pub struct SignedIn {
    /// The role.
    pub role: Role,
    /// The token.
    pub token: Token,
}

/// Gets the token, and works the role out where nobody named it.
///
/// # Errors
///
/// The token cannot be got, or nothing says who the role is.
pub fn sign_in(plan: &SignIn, environment: &Environment) -> Result<SignedIn, Failure> {
    let deadline = Deadline::after(plan.options.time_for_signing_in());
    match plan.options.auth.unwrap_or(Method::Auto) {
        // The one method that there is, so far, is also what `auto` comes to.
        Method::Auto | Method::AzureCli => {
            let az = AzureCli::find(environment, &plan.options, deadline)?;
            let token = az.token(plan.resource.as_deref())?;
            let server = single_server(plan);
            let role = plan.user.role(server, || name_of(&token, &az))?;
            Ok(SignedIn { role, token })
        }
    }
}

/// The Single Server whose name the role ends in: the host's first label.
fn single_server(plan: &SignIn) -> Option<&str> {
    let label = plan.host.split('.').next()?;
    plan.options.has("single-server").then_some(label)
}

/// The role's name by the token, and where that does not say, by Graph.
fn name_of(token: &Token, az: &AzureCli<'_>) -> Result<String, Failure> {
    let oid = token.claim("oid");
    let (found, whose) = match role::identity(token) {
        Identity::Named(name) => return Ok(name),
        Identity::Guest { address } => (
            az.signed_in_user(oid),
            format!("`{address}`, a guest of this tenant,"),
        ),
        Identity::ServicePrincipal { app_id } => (
            az.service_principal(&app_id, oid),
            format!("the service principal `{app_id}`"),
        ),
        Identity::Unnamed => {
            return Err(Failure::sign_in("the token does not say whose it is")
                .hint("say who to sign in as: `-U ROLE`"));
        }
    };
    found.map_err(|why| {
        Failure::sign_in(format!(
            "the role of {whose} is not in the token, and {}",
            why.cause()
        ))
        .hint("say who to sign in as: `-U ROLE`")
    })
}

/// What is worth a warning about the role's name.
#[must_use]
pub fn warnings(role: &Role, token: &Token) -> Vec<String> {
    let mut warnings = Vec::new();
    if let (Identity::Named(own), Some(name)) = (role::identity(token), role.name.to_str())
        && role::differ_by_case_alone(&own, name)
    {
        warnings.push(format!(
            "roles are case-sensitive: you asked for `{name}`, and the token says `{own}`"
        ));
    }
    let length = role.name.len();
    if length > LONGEST_NAME {
        warnings.push(format!(
            "PostgreSQL cuts role names at {LONGEST_NAME} bytes, and `{}` has {length}",
            role.name.display()
        ));
    }
    warnings
}

/// psql's variables: those of `environment` with the token, the role and the protection put in.
#[must_use]
pub fn variables(
    environment: &Environment,
    plan: &SignIn,
    signed_in: &SignedIn,
    protection: &Protection,
) -> Environment {
    let mut variables = environment.clone();
    for (name, value) in settings(plan, signed_in, protection) {
        variables.set(name, value);
    }
    variables.set("PGPASSWORD", signed_in.token.secret());
    variables
}

/// The variables that are set beside the token, none of them secret.
#[must_use]
pub fn settings(
    plan: &SignIn,
    signed_in: &SignedIn,
    protection: &Protection,
) -> Vec<(&'static str, OsString)> {
    let settings = [
        ("PGUSER", Some(signed_in.role.name.clone())),
        (
            "PGDATABASE",
            plan.default_database.then(|| "postgres".into()),
        ),
        ("PGSSLMODE", protection.mode.map(OsString::from)),
        ("PGSSLROOTCERT", protection.roots.clone()),
        ("PGGSSENCMODE", protection.gss.map(OsString::from)),
    ];
    settings
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// psql's words, with the role where a variable would not reach.
#[must_use]
pub fn words(mut words: Vec<OsString>, role: &Role) -> Vec<OsString> {
    match &role.delivery {
        Delivery::Variable => {}
        Delivery::Word(index, word) => words[*index].clone_from(word),
        Delivery::Option => {
            words.splice(0..0, ["-U".into(), role.name.clone()]);
        }
    }
    words
}

/// Whether nobody named the role.
#[must_use]
pub fn worked_out(user: &User) -> bool {
    *user == User::Unnamed
}
