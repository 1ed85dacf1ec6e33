//! A whole connection, for a program that doesn't read psql's command line: in libpq's variables,
//! or in a connection string.
//!
//! It holds what libpq would have resolved. It names no service, because the values of a service
//! beat variables. They are included instead.

use std::ffi::{OsStr, OsString};

use crate::environment::Environment;
use crate::system::platform;

use super::conninfo;
use super::keywords::{self, KEYWORDS, SECRETS};
use super::target::Target;

pub const PASSWORD: &str = "PGPASSWORD";

/// Parameters without a variable that a connection doesn't need: how soon a dead peer is noticed,
/// and the name of the program, which sets its own.
const DISPENSABLE: [&str; 6] = [
    "fallback_application_name",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
];

/// A connection's parameters. They may include a password, so there's no `Debug`.
pub struct Connection {
    /// In the order of [`KEYWORDS`].
    values: Vec<Option<OsString>>,
}

impl Connection {
    pub fn new(target: &Target) -> Self {
        let value = |name: &str| {
            let given = target.parameters().value(name)?;
            (!is_resolved(name)).then(|| platform::os_string(given))
        };
        Self {
            values: KEYWORDS.iter().map(|keyword| value(keyword.name)).collect(),
        }
    }

    /// Sets the parameter with this `variable`, unless that is about a service.
    pub fn put(&mut self, variable: &str, value: impl Into<OsString>) {
        self.replace(variable, Some(value.into()));
    }

    /// Returns the name of the database. By libpq's rule it's the user's, if only a user is given.
    pub fn database(&self) -> Option<&OsStr> {
        let filled = |name: &str| {
            let at = keywords::position(name.as_bytes())?;
            let value = self.values[at].as_deref()?;
            (!value.is_empty()).then_some(value)
        };
        filled("dbname").or_else(|| filled("user"))
    }

    pub fn forget_password(&mut self) {
        self.replace(PASSWORD, None);
    }

    fn replace(&mut self, variable: &str, value: Option<OsString>) {
        let known = KEYWORDS
            .iter()
            .position(|keyword| keyword.variable == Some(variable) && !is_resolved(keyword.name));
        if let Some(at) = known {
            self.values[at] = value;
        }
    }

    /// Returns the given parameters that have no variable: those that matter, and those that don't.
    pub fn without_variable(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        let given = KEYWORDS.iter().zip(&self.values);
        given
            .filter(|(keyword, value)| keyword.variable.is_none() && value.is_some())
            .map(|(keyword, _)| keyword.name)
            .partition(|name| !DISPENSABLE.contains(name))
    }

    /// Returns every variable of libpq. One without a value must not be set.
    pub fn variables(&self) -> impl Iterator<Item = (&'static str, Option<&OsStr>)> {
        KEYWORDS
            .iter()
            .zip(&self.values)
            .filter_map(|(keyword, value)| Some((keyword.variable?, value.as_deref())))
    }

    /// Returns `environment` with the connection in it, and nothing that would lead elsewhere.
    pub fn in_environment(&self, environment: &Environment) -> Environment {
        let mut environment = environment.clone();
        for (name, value) in self.variables() {
            match value {
                Some(value) => environment.set(name, value),
                None => environment.remove(name),
            }
        }
        environment
    }

    /// Returns the names of the secrets that [`Connection::conninfo`] leaves out, other than the
    /// password.
    pub fn secrets_beside_password(&self) -> Vec<&'static str> {
        let given = KEYWORDS.iter().zip(&self.values);
        given
            .filter(|(keyword, value)| value.is_some() && SECRETS.contains(&keyword.name))
            .map(|(keyword, _)| keyword.name)
            .filter(|name| *name != "password")
            .collect()
    }

    /// Returns the connection as a connection string of one line, without its secrets. An error is
    /// the name of a parameter that has a line break in it.
    pub fn conninfo(&self) -> Result<Vec<u8>, &'static str> {
        let mut text = Vec::new();
        for (keyword, value) in KEYWORDS.iter().zip(&self.values) {
            let is_secret = SECRETS.contains(&keyword.name);
            let Some(value) = value.as_deref().filter(|_| !is_secret) else {
                continue;
            };
            let value = value.as_encoded_bytes();
            if value.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
                return Err(keyword.name);
            }
            if !text.is_empty() {
                text.push(b' ');
            }
            text.extend(keyword.name.as_bytes());
            text.push(b'=');
            text.extend(conninfo::escaped(value));
        }
        Ok(text)
    }
}

/// Returns whether a parameter is about a service, whose values are included already.
fn is_resolved(name: &str) -> bool {
    matches!(name, "service" | "servicefile")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::libpq::parameters::Parameters;
    use crate::psql::command_line::Wanted;

    fn target(database: &str, variables: &[(&str, &str)]) -> Target {
        let wanted = Wanted {
            database: Some(database.into()),
            ..Wanted::default()
        };
        let mut parameters = Parameters::of_command_line(&wanted).unwrap();
        let variables: Environment = variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        parameters.fill_from(&variables);
        Target::settle(parameters).unwrap()
    }

    #[test]
    fn variables_hold_what_was_resolved_and_no_service() {
        let inherited = [
            ("PGSERVICE", "s"),
            ("PGSERVICEFILE", "f"),
            ("PGHOST", "elsewhere"),
            ("PGPORT", "1"),
            ("HOME", "h"),
        ];
        let connection = Connection::new(&target("host=x hostaddr='' dbname='a=b'", &inherited));
        let environment = inherited.map(|(name, value)| (name.into(), value.into()));
        let after = connection.in_environment(&environment.into_iter().collect());
        let shown: Vec<_> = after
            .iter()
            .map(|(name, value)| format!("{}={}", name.display(), value.display()))
            .collect();
        assert_eq!(
            shown,
            [
                "HOME=h",
                "PGDATABASE=a=b",
                "PGHOST=x",
                "PGHOSTADDR=",
                "PGPORT=1"
            ]
        );
    }

    #[test]
    fn parameters_without_a_variable_are_named() {
        let connection = Connection::new(&target("host=x keepalives=0 replication=true", &[]));
        assert_eq!(
            connection.without_variable(),
            (vec!["replication"], vec!["keepalives"])
        );
    }

    #[test]
    fn a_connection_string_is_read_back_as_it_was() {
        let names = [r"Prod DB\Readonly", "it's", "", "a=b", "tab\tand é"];
        for name in names {
            let mut connection = Connection::new(&target("host=x password=hidden", &[]));
            connection.put("PGUSER", name);
            let text = String::from_utf8(connection.conninfo().unwrap()).unwrap();
            assert!(!text.contains("hidden"));
            let again = target(&text, &[]);
            let user = again.user().map(|user| user.value.clone());
            assert_eq!(user.as_deref(), Some(name.as_bytes()), "{text}");
        }
        let secrets = "sslpassword=a scram_client_key=b scram_server_key=c oauth_client_secret=d";
        let connection = Connection::new(&target(&format!("host=x password=e {secrets}"), &[]));
        assert_eq!(connection.conninfo(), Ok(b"host=x".to_vec()));
        assert_eq!(connection.secrets_beside_password(), SECRETS[1..]);
        let mut connection = Connection::new(&target("host=x", &[]));
        connection.put("PGUSER", "a\nb");
        assert_eq!(connection.conninfo(), Err("user"));
    }
}
