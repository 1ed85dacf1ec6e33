//! The role that was named, where it was named, and how the right spelling of it reaches psql.
//!
//! psql's words are forwarded as they are. The one exception is a role that its reader would get
//! wrong: spelled with backslashes before its spaces, or in want of `@servername`.

use std::ffi::{OsStr, OsString};

use crate::entra::role;
use crate::failure::Failure;
use crate::libpq::parameters::Origin;
use crate::system::platform;

use super::Case;

/// Who to sign in as, as far as the person said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum User {
    /// Nobody is named: the token says it.
    Unnamed,
    /// Somebody is.
    Named {
        /// The name as it was given.
        name: OsString,
        /// Where.
        place: RoleSource,
    },
}

/// Where a role was named, as far as that matters for handing it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleSource {
    /// `--group` or its variable.
    Group {
        /// Whether a service file names a user too, which libpq would put before `PGUSER`.
        service_has_user: bool,
    },
    /// A word of psql's command line.
    Word {
        /// Its index among the forwarded words.
        index: usize,
        /// What stands before the name in that word.
        prefix: OsString,
    },
    /// A connection string or URI.
    ConnectionString,
    /// The service file.
    Service,
    /// `PGUSER`.
    Variable,
}

/// How a role reaches psql.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// In `PGUSER`, beside what is there already.
    Variable,
    /// In the word with this index, which becomes this.
    Word(usize, OsString),
    /// In `-U ROLE` before all other words, where it beats a service file.
    Option,
}

/// The role as the server knows it, and how it reaches psql.
#[derive(Debug, PartialEq, Eq)]
pub struct Role {
    /// The name, without any escaping.
    pub name: OsString,
    /// How it reaches psql.
    pub delivery: Delivery,
}

impl User {
    /// Whether the person typed or stored the role, so that libpq's rule for the database's name
    /// holds.
    pub fn is_typed(&self) -> bool {
        match self {
            Self::Unnamed => false,
            Self::Named { place, .. } => !matches!(place, RoleSource::Group { .. }),
        }
    }

    /// The role to sign in as, and how it reaches psql. `worked_out` gives the name where nobody is
    /// named; `server` is the Single Server whose name is to be appended.
    ///
    /// # Errors
    ///
    /// The name has a control character in it, or is in a connection string, where it cannot be put
    /// right from outside.
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
                    "the role in the connection string reaches the server as `{}`",
                    given.display()
                ))
                .hint(format!(
                    "take the user out of the connection string and add `-U '{}'`",
                    name.display()
                )));
            }
        };
        Ok(Role { name, delivery })
    }
}

/// Refuses a name that no role has.
fn check(name: &OsStr, failure: fn(String) -> Failure, remedy: &str) -> Result<(), Failure> {
    if !role::has_control_character(name) {
        return Ok(());
    }
    let cause = format!(
        "the role's name `{}` has a control character in it",
        name.display()
    );
    Err(failure(cause).hint(remedy))
}

/// Reads who is named: `--group`, then libpq's order, then the group's variable, then `PGUSER`.
///
/// # Errors
///
/// `--group` stands beside another user on the command line, or the name is no role's.
pub(super) fn read_name(case: &Case<'_>, group_variable: Option<&OsStr>) -> Result<User, Failure> {
    let user = given(case, group_variable)?;
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

fn given(case: &Case<'_>, group_variable: Option<&OsStr>) -> Result<User, Failure> {
    let given = case.target.user();
    let origin = given.map(|given| given.origin);
    let group = |name: &OsStr| User::Named {
        name: name.to_owned(),
        place: RoleSource::Group {
            service_has_user: origin == Some(Origin::Service),
        },
    };
    if let Some(name) = &case.flags.group {
        // An operand counts even where a connection string beats it.
        if origin.is_some_and(Origin::is_command_line) || case.wanted.user.is_some() {
            return Err(
                Failure::usage("`--group` excludes any other user on the command line")
                    .hint("leave out the user: a member signs in under the group's own name"),
            );
        }
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
    // Named but empty, the user is the operating system's: libpq's own default.
    Ok(User::Named {
        name: platform::os_string(case.target.user_or(case.system_user)),
        place,
    })
}
