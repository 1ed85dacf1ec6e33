//! Values of connection parameters, and where each came from.
//!
//! libpq fills them in a fixed order, and the first value wins: connection string, options of the
//! command line, service file, environment, default (libpq's `conninfo_array_parse` and
//! `conninfo_add_defaults`). An empty value in a connection string or service file counts.

use std::path::Path;

use crate::environment::Environment;
use crate::psql::command_line::Wanted;

use super::keywords::{self, KEYWORDS, WITHOUT_EFFECT};
use super::{conninfo, uri};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An option or operand of psql's command line.
    Option,
    /// A connection string or URI in the place of the database's name.
    ConnectionString,
    Service,
    /// A `PG…` variable.
    Environment,
    /// `PGREQUIRESSL`, the predecessor of `PGSSLMODE`.
    OlderVariable,
}

impl Origin {
    /// Returns whether it was typed on the command line.
    pub fn is_command_line(self) -> bool {
        matches!(self, Self::Option | Self::ConnectionString)
    }
}

#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    /// The bytes as they were given, in any encoding.
    pub value: Vec<u8>,
    pub origin: Origin,
}

/// Why libpq would refuse to connect, close to its own words, but without any value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibpqError(pub String);

/// A line of the service with settings of ours, which is a comment to libpq.
pub struct OwnLine {
    /// Its number in the file, from 1.
    pub number: usize,
    /// What follows `#entra-psql`.
    pub text: Vec<u8>,
}

/// The parameters of one connection. They may include a password, so there's no `Debug`.
pub struct Parameters {
    given: Vec<Option<Given>>,
    own_lines: Vec<OwnLine>,
}

impl Parameters {
    pub fn none() -> Self {
        Self {
            given: KEYWORDS.iter().map(|_| None).collect(),
            own_lines: Vec::new(),
        }
    }

    /// Reads the parameters that the command line sets.
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

    /// Returns whether the command line names a host or its address.
    pub fn names_host(wanted: &Wanted) -> bool {
        let named = Self::of_command_line(wanted);
        named.is_ok_and(|named| {
            ["host", "hostaddr"]
                .iter()
                .any(|name| named.get(name).is_some())
        })
    }

    /// Fills what is still unset from `PG…` variables.
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
        // libpq still reads the predecessor of PGSSLMODE.
        if self.get("sslmode").is_none()
            && environment
                .get("PGREQUIRESSL")
                .is_some_and(|value| value.as_encoded_bytes().starts_with(b"1"))
        {
            self.put("sslmode", b"require", Origin::OlderVariable);
        }
    }

    /// Returns a parameter's value and origin. `name` is one of [`KEYWORDS`].
    pub fn get(&self, name: &str) -> Option<&Given> {
        keywords::position(name.as_bytes()).and_then(|at| self.given[at].as_ref())
    }

    /// The parameters that have a value, in the order of [`KEYWORDS`].
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Given)> {
        let all = KEYWORDS.iter().zip(&self.given);
        all.filter_map(|(keyword, given)| Some((keyword.name, given.as_ref()?)))
    }

    /// Returns a parameter's value, even an empty one.
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        self.get(name).map(|given| given.value.as_slice())
    }

    /// Returns a parameter's value unless it is empty.
    pub fn filled(&self, name: &str) -> Option<&[u8]> {
        self.value(name).filter(|value| !value.is_empty())
    }

    /// Stores a value of a connection string over any earlier one.
    ///
    /// `requiressl` sets `sslmode`. libpq still reads it, though it's no longer documented since
    /// version 15.
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

    /// Stores a value of a service file, unless there is one already.
    pub(super) fn store_if_open(&mut self, name: &[u8], value: &[u8]) -> Result<(), LibpqError> {
        if let Some(at) = known(name)? {
            self.given[at].get_or_insert_with(|| Given {
                value: value.to_vec(),
                origin: Origin::Service,
            });
        }
        Ok(())
    }

    pub(super) fn note_own_line(&mut self, number: usize, text: &[u8]) {
        self.own_lines.push(OwnLine {
            number,
            text: text.to_vec(),
        });
    }

    /// Returns our lines of the service. They aren't checked yet.
    pub fn own_lines(&self) -> &[OwnLine] {
        &self.own_lines
    }

    /// Notes the file in which the service was found, unless the connection string names it. If it
    /// names another file, nothing could make libpq read the one that was found.
    pub(super) fn note_service_file(&mut self, file: &Path) -> Result<(), LibpqError> {
        let file = file.as_os_str().as_encoded_bytes();
        match self.value("servicefile") {
            Some(named) if named == file => Ok(()),
            Some(_) => Err(LibpqError(
                "the service is not in the service file that `servicefile` names".to_owned(),
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

/// Returns whether libpq takes the name of a database for a connection string or URI, if it expands
/// names (`expand_dbname`).
pub fn is_connection_string(name: &[u8]) -> bool {
    uri::is_uri(name) || name.contains(&b'=')
}

/// Returns the place of a parameter, or nothing if it has no effect.
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
