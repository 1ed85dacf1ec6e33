//! How a role and its token reach psql: in environment variables, and in its arguments if a variable
//! would not be used.

use std::ffi::{OsStr, OsString};

use crate::entra::role::{self, Identity, LONGEST_NAME};
use crate::entra::token::Token;
use crate::environment::Environment;
use crate::intent::Plan;
use crate::intent::role::{Delivery, Role};
use crate::intent::tls::{GSSENCMODE, Protection};
use crate::libpq::files::Named;
use crate::plain_text;
use crate::sign_in::signer::SignedIn;
use crate::system::platform;

/// Returns what is worth a warning about the role's name.
pub fn warnings(role: &Role, token: &Token) -> Vec<String> {
    let mut warnings = Vec::new();
    if let (Identity::Named(own), Some(name)) = (role::identity(token), role.name.to_str())
        && role::differ_by_case_alone(&own, name)
    {
        warnings.push(plain_text::clean(&format!(
            "role names are case-sensitive: you named `{name}`, and the token has `{own}`"
        )));
    }
    let length = role.name.len();
    if length > LONGEST_NAME {
        warnings.push(plain_text::clean(&format!(
            "PostgreSQL cuts role names at {LONGEST_NAME} bytes, and `{}` has {length}",
            role.name.display()
        )));
    }
    warnings
}

/// What is set beside the token. None of it is secret.
#[derive(Clone)]
pub struct Settings {
    user: OsString,
    database: Option<OsString>,
    sslmode: OsString,
    sslrootcert: Option<OsString>,
    service_file: Option<OsString>,
}

impl Settings {
    /// Makes the settings for a sign-in by `plan`. `named` are the files that were read, and `roots`
    /// the value for `PGSSLROOTCERT` if none is set.
    pub fn new(
        plan: &Plan,
        signed_in: &SignedIn,
        protection: &Protection,
        named: Named,
        roots: Option<OsString>,
    ) -> Self {
        Self {
            user: signed_in.role.name.clone(),
            database: plan.default_database.then(|| "postgres".into()),
            sslmode: OsString::from(&protection.mode),
            sslrootcert: roots.or(named.roots),
            service_file: named.service,
        }
    }

    /// Returns the variable of each, with its value.
    pub fn variables(&self) -> impl Iterator<Item = (&'static str, &OsStr)> {
        [
            ("PGUSER", Some(self.user.as_os_str())),
            ("PGDATABASE", self.database.as_deref()),
            ("PGSSLMODE", Some(self.sslmode.as_os_str())),
            ("PGSSLROOTCERT", self.sslrootcert.as_deref()),
            ("PGSERVICEFILE", self.service_file.as_deref()),
            ("PGGSSENCMODE", Some(GSSENCMODE.as_ref())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }
}

/// Returns psql's variables: those of `environment`, with the settings and the token.
pub fn variables(environment: &Environment, settings: &Settings, token: &Token) -> Environment {
    let mut variables = environment.clone();
    for (name, value) in settings.variables() {
        variables.set(name, value);
    }
    variables.set("PGUSER", platform::name_for_psql(&settings.user));
    variables.set("PGPASSWORD", token.secret());
    // psql needs only one of them.
    variables.forget_ready_token();
    variables
}

/// Returns psql's arguments, with the role in them if a variable would not be used.
pub fn words(mut words: Vec<OsString>, role: &Role) -> Vec<OsString> {
    match &role.delivery {
        Delivery::Variable => {}
        Delivery::Word(index, word) => words[*index].clone_from(word),
        Delivery::Option => {
            words.splice(0..0, ["-U".into(), platform::name_for_psql(&role.name)]);
        }
    }
    words
}
