//! Values of connection parameters, each with the place that it came from.
//!
//! libpq fills them in a fixed order, and the first place that has a value wins: connection string,
//! options of the command line, service file, environment, default (libpq's `conninfo_array_parse`
//! and `conninfo_add_defaults`). An empty value in a connection string or service file is a value.

use std::path::Path;

use crate::environment::Environment;
use crate::psql::command_line::Wanted;

use super::keywords::{self, KEYWORDS, WITHOUT_EFFECT};
use super::{conninfo, uri};

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An option or operand of psql's command line.
    Option,
    /// A connection string or URI in the place of the database name.
    ConnectionString,
    /// The service file.
    Service,
    /// A `PG…` variable.
    Environment,
    /// `PGREQUIRESSL`, the forerunner of `PGSSLMODE`.
    OlderVariable,
}

impl Origin {
    /// Whether it was typed on the command line.
    pub fn is_command_line(self) -> bool {
        matches!(self, Self::Option | Self::ConnectionString)
    }
}

/// A value and where it came from.
#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    /// The value, as bytes in the encoding in which it was given.
    pub value: Vec<u8>,
    pub origin: Origin,
}

/// libpq would refuse to connect, in its own words or near them. The words hold no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibpqError(pub String);

/// The parameters of one connection. It may hold a password, so it has no `Debug`.
pub struct Parameters {
    given: Vec<Option<Given>>,
}

impl Parameters {
    /// No value at all.
    pub fn none() -> Self {
        Self {
            given: KEYWORDS.iter().map(|_| None).collect(),
        }
    }

    /// What the command line gives.
    ///
    /// # Errors
    ///
    /// The connection string is one that libpq does not take.
    pub fn of_command_line(wanted: &Wanted) -> Result<Self, LibpqError> {
        let mut parameters = Self::none();
        let options = [
            ("host", wanted.host.as_deref()),
            ("port", wanted.port.as_deref()),
            (
                "user",
                wanted.user.as_ref().map(|user| user.text.as_os_str()),
            ),
        ];
        for (name, value) in options {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                parameters.put(name, value.as_encoded_bytes(), Origin::Option);
            }
        }
        let database = wanted
            .database
            .as_ref()
            .map_or(&b""[..], |database| database.as_encoded_bytes());
        if uri::is_uri(database) {
            uri::read(database, &mut parameters)?;
        } else if is_connection_string(database) {
            conninfo::read(database, &mut parameters)?;
        } else if !database.is_empty() {
            parameters.put("dbname", database, Origin::Option);
        }
        Ok(parameters)
    }

    /// Fills what is still open from `PG…` variables.
    pub fn fill_from(&mut self, environment: &Environment) {
        for (given, keyword) in self.given.iter_mut().zip(KEYWORDS) {
            if given.is_none()
                && let Some(value) = keyword.variable.and_then(|name| environment.get(name))
            {
                *given = Some(Given {
                    value: value.as_encoded_bytes().to_vec(),
                    origin: Origin::Environment,
                });
            }
        }
        // The forerunner of PGSSLMODE, which libpq still reads.
        if self.get("sslmode").is_none()
            && environment
                .get("PGREQUIRESSL")
                .is_some_and(|value| value.as_encoded_bytes().starts_with(b"1"))
        {
            self.put("sslmode", b"require", Origin::OlderVariable);
        }
    }

    /// A parameter's value and origin. `name` is one of [`KEYWORDS`].
    pub fn get(&self, name: &str) -> Option<&Given> {
        keywords::position(name.as_bytes()).and_then(|at| self.given[at].as_ref())
    }

    /// A parameter's value, which may be empty.
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        self.get(name).map(|given| given.value.as_slice())
    }

    /// A parameter's value where it is not empty.
    pub fn filled(&self, name: &str) -> Option<&[u8]> {
        self.value(name).filter(|value| !value.is_empty())
    }

    /// Stores a value that a connection string gives, over any earlier one.
    ///
    /// `requiressl`, which is gone since libpq 15's documentation but still read, stands for
    /// `sslmode`.
    ///
    /// # Errors
    ///
    /// libpq has no such parameter.
    pub(super) fn store(&mut self, name: &[u8], value: &[u8]) -> Result<(), LibpqError> {
        let (name, value) = match name {
            b"requiressl" if value.starts_with(b"1") => (&b"sslmode"[..], &b"require"[..]),
            b"requiressl" => (&b"sslmode"[..], &b"prefer"[..]),
            _ => (name, value),
        };
        if let Some(at) = known(name)? {
            self.given[at] = Some(Given {
                value: value.to_vec(),
                origin: Origin::ConnectionString,
            });
        }
        Ok(())
    }

    /// Stores a value that a service file gives, where none is there yet.
    ///
    /// # Errors
    ///
    /// libpq has no such parameter.
    pub(super) fn store_if_open(&mut self, name: &[u8], value: &[u8]) -> Result<(), LibpqError> {
        if let Some(at) = known(name)? {
            self.given[at].get_or_insert_with(|| Given {
                value: value.to_vec(),
                origin: Origin::Service,
            });
        }
        Ok(())
    }

    /// Notes the file in which the service was found, unless the connection string names it.
    ///
    /// # Errors
    ///
    /// The connection string names another one: nothing can have libpq read the one that was found.
    pub(super) fn note_service_file(&mut self, file: &Path) -> Result<(), LibpqError> {
        let file = file.as_os_str().as_encoded_bytes();
        match self.value("servicefile") {
            Some(named) if named == file => Ok(()),
            Some(_) => Err(LibpqError(
                "the service is not in the service file that is named".to_owned(),
            )),
            None => {
                self.put("servicefile", file, Origin::Service);
                Ok(())
            }
        }
    }

    fn put(&mut self, name: &str, value: &[u8], origin: Origin) {
        if let Some(at) = keywords::position(name.as_bytes()) {
            self.given[at] = Some(Given {
                value: value.to_vec(),
                origin,
            });
        }
    }
}

/// Whether libpq takes a database's name for a connection string or URI, where it looks into names
/// (`expand_dbname`).
pub fn is_connection_string(name: &[u8]) -> bool {
    uri::is_uri(name) || name.contains(&b'=')
}

/// The place of a parameter; none where it has no effect.
fn known(name: &[u8]) -> Result<Option<usize>, LibpqError> {
    let at = keywords::position(name);
    if at.is_none() && !WITHOUT_EFFECT.contains(&name) {
        return Err(LibpqError(format!(
            "invalid connection option \"{}\"",
            String::from_utf8_lossy(name)
        )));
    }
    Ok(at)
}

/// C's `isspace` in the C locale.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}
