//! The role that was named, where it was named, and how its right spelling reaches psql.
//!
//! psql's arguments are forwarded as they are, with one exception: a role that is spelled with
//! backslashes before its spaces, or that lacks its `@servername`.

use std::ffi::{OsStr, OsString};

use crate::entra::role;
use crate::failure::Failure;
use crate::libpq::parameters::Origin;
use crate::system::platform;

use super::{Case, slips};

/// Who to sign in as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum User {
    /// Nobody is named, so the token decides.
    Unnamed,
    Named {
        /// The name as it was given.
        name: OsString,
        place: RoleSource,
    },
}

/// Where a role was named, as far as it matters for passing it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleSource {
    /// `--group`, `group` in the service file, or the variable.
    Group {
        /// Whether a service file names a user too, which libpq would prefer to `PGUSER`.
        service_has_user: bool,
    },
    /// An argument of psql.
    Word {
        /// Its index among the forwarded arguments.
        index: usize,
        /// What precedes the name in that argument.
        prefix: OsString,
    },
    /// A connection string or URI.
    ConnectionString,
    Service,
    /// `PGUSER`.
    Variable,
}

/// How a role reaches psql.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// In `PGUSER`.
    Variable,
    /// In the argument with this index, which is replaced by this one.
    Word(usize, OsString),
    /// In `-U ROLE` before all other arguments, which beats a service file.
    Option,
}

/// The role as the server has it, and how it reaches psql.
#[derive(Debug, PartialEq, Eq)]
pub struct Role {
    /// The name, without any escaping.
    pub name: OsString,
    pub delivery: Delivery,
}

impl User {
    /// Returns whether you typed or stored the role. If so, libpq's rule for the name of the
    /// database holds.
    pub fn is_typed(&self) -> bool {
        *self != Self::Unnamed && !self.is_group()
    }

    pub fn is_group(&self) -> bool {
        matches!(
            self,
            Self::Named {
                place: RoleSource::Group { .. },
                ..
            }
        )
    }

    /// Returns the role to sign in as, and how it reaches psql. `worked_out` returns the name if
    /// nobody is named. `server` is the Single Server whose name is appended.
    ///
    /// In a connection string, a wrong spelling can't be replaced, so it's refused.
    pub fn role(
        &self,
        server: Option<&str>,
        worked_out: impl FnOnce() -> Result<String, Failure>,
    ) -> Result<Role, Failure> {
        let (given, place) = match self {
            Self::Unnamed => (OsString::from(worked_out()?), &RoleSource::Variable),
            Self::Named { name, place } => (name.clone(), place),
        };
        let mut name = role::without_backslashes(&given);
        if let Some(server) = server {
            name = role::of_single_server(&name, server);
        }
        if let Self::Unnamed = self {
            check(&name, Failure::sign_in, "name the role with `-U ROLE`")?;
        }
        let delivery = match place {
            RoleSource::Group {
                service_has_user: true,
            } => Delivery::Option,
            RoleSource::Group { .. } | RoleSource::Variable => Delivery::Variable,
            _ if name == given => Delivery::Variable,
            RoleSource::Word { index, prefix } => {
                let mut word = prefix.clone();
                word.push(&name);
                Delivery::Word(*index, word)
            }
            RoleSource::Service => Delivery::Option,
            RoleSource::ConnectionString => {
                return Err(Failure::usage(format!(
                    "the user `{}` in the connection string is not the name of the role, `{}`",
                    given.display(),
                    name.display()
                ))
                .hint(format!(
                    "remove the user from the connection string and add `-U '{}'`",
                    name.display()
                )));
            }
        };
        Ok(Role { name, delivery })
    }
}

/// Refuses a name that no role can have.
fn check(name: &OsStr, failure: fn(String) -> Failure, remedy: &str) -> Result<(), Failure> {
    if !role::has_control_character(name) {
        return Ok(());
    }
    let cause = format!(
        "the name of the role `{}` contains a control character",
        name.display()
    );
    Err(failure(cause).hint(remedy))
}

/// Reads who is named: by `--group`, on the command line, by the group in the service file, by its
/// user, then by the group's variable, then by `PGUSER`.
pub(super) fn read_name(
    case: &Case<'_>,
    service_group: Option<&OsStr>,
    group_variable: Option<&OsStr>,
) -> Result<User, Failure> {
    let user = given(case, service_group, group_variable)?;
    if let User::Named { name, place } = &user {
        let remedy = match place {
            RoleSource::Group { .. } if case.flags.group.is_some() => "correct `--group`",
            RoleSource::Group { .. } => "correct `ENTRA_PSQL_GROUP`, or unset it",
            RoleSource::Word { .. } => "correct the user on the command line",
            RoleSource::ConnectionString => "correct the user in the connection string",
            RoleSource::Service => "correct `user` in the service file",
            RoleSource::Variable => "correct `PGUSER`, or unset it",
        };
        check(name, Failure::usage, remedy)?;
    }
    Ok(user)
}

fn given(
    case: &Case<'_>,
    service_group: Option<&OsStr>,
    group_variable: Option<&OsStr>,
) -> Result<User, Failure> {
    let given = case.target.user();
    let origin = given.map(|given| given.origin);
    let group = |name: &OsStr| User::Named {
        name: name.to_owned(),
        place: RoleSource::Group {
            service_has_user: origin == Some(Origin::Service),
        },
    };
    if let Some(name) = &case.flags.group {
        // An operand counts even if a connection string beats it.
        if origin.is_some_and(Origin::is_command_line) || case.wanted.user.is_some() {
            let failure = Failure::usage(format!(
                "`--group {}` and the user on the command line exclude each other",
                name.display()
            ));
            return Err(match slips::explain_group(name, case.wanted) {
                Some(hint) => failure.hint(hint),
                None => {
                    failure.hint("leave out the user: members sign in under the name of the group")
                }
            });
        }
        return Ok(group(name));
    }
    if let Some(name) = service_group
        && !origin.is_some_and(Origin::is_command_line)
    {
        return Ok(group(name));
    }
    let variable_group = group_variable.map_or(User::Unnamed, group);
    let Some(given) = given else {
        return Ok(variable_group);
    };
    let place = match given.origin {
        Origin::Environment if variable_group != User::Unnamed || given.value.is_empty() => {
            return Ok(variable_group);
        }
        Origin::Environment | Origin::OlderVariable => RoleSource::Variable,
        Origin::Service => RoleSource::Service,
        Origin::ConnectionString => RoleSource::ConnectionString,
        Origin::Option => match &case.wanted.user {
            Some(user) => RoleSource::Word {
                index: user.word,
                prefix: user.prefix.clone(),
            },
            None => RoleSource::ConnectionString,
        },
    };
    // To libpq, an empty name is that of the operating system's user.
    Ok(User::Named {
        name: platform::os_string(case.target.user_or(case.system_user)),
        place,
    })
}
