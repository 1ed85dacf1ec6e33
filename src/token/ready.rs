//! Takes a ready access token from a variable, a file that a variable names, or an open file
//! descriptor.
//!
//! The descriptor is closed afterwards, so psql doesn't inherit it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

use zeroize::Zeroizing;

use crate::entra::token::{Token, Unusable};
use crate::environment::{Environment, READY_TOKEN};
use crate::failure::Failure;
use crate::libpq::connection::PASSWORD;
use crate::system::deadline::Deadline;
use crate::system::waiting::Waiting;

const TOKEN: &str = READY_TOKEN[0];
const FILE: &str = READY_TOKEN[1];
const DESCRIPTOR: &str = READY_TOKEN[2];

/// More than any token, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// Reads and checks the token. Without a `resource`, any database's token will do.
pub fn token(
    environment: &Environment,
    resource: Option<&str>,
    deadline: Deadline,
) -> Result<Token, Failure> {
    let given: Vec<_> = READY_TOKEN
        .into_iter()
        .filter_map(|name| Some((name, environment.get_filled(name)?)))
        .collect();
    let (name, text) = match given[..] {
        [] => {
            return Err(Failure::sign_in(format!(
                "`{TOKEN}` is not set, and `--auth env` requires it"
            ))
            .hint(format!(
                "set `{TOKEN}` to an access token for the database, or `{FILE}` or `{DESCRIPTOR}` to where it is"
            )));
        }
        [(TOKEN, value)] => (TOKEN, value.to_str().map(str::to_owned)),
        [(FILE, path)] => {
            let path = path.to_owned();
            let cause = format!("the token file `{}` cannot be read", path.display());
            let open = move || read_to_end(File::open(Path::new(&path))?);
            (FILE, Some(in_time(open, FILE, &cause, deadline)?))
        }
        [(name, value)] => {
            let number = value.to_str().and_then(|text| text.parse().ok());
            let number = number.filter(|number| *number > 2).ok_or_else(|| {
                Failure::usage(format!(
                    "`{name}` is not the number of a file descriptor greater than 2"
                ))
                .hint(format!(
                    "open the token's file on that descriptor: `{name}=3 entra-psql … 3< FILE`"
                ))
            })?;
            let cause = format!("file descriptor {number} cannot be read");
            let read = move || descriptor::read(number);
            (name, Some(in_time(read, name, &cause, deadline)?))
        }
        [(one, _), (other, _), ..] => {
            return Err(
                Failure::usage(format!("`{one}` and `{other}` are both set"))
                    .hint("unset one of them"),
            );
        }
    };
    checked(text, name, resource)
}

/// Takes the token that is in `PGPASSWORD` already.
pub fn inherited(environment: &Environment, resource: Option<&str>) -> Result<Token, Failure> {
    let text = environment.get(PASSWORD).and_then(OsStr::to_str);
    checked(text.map(str::to_owned), PASSWORD, resource)
}

/// Hides the descriptor of a ready token from every program that is started, psql among them. It
/// stays open for [`token`], which may not be asked: another method may have been chosen.
pub fn hide_descriptor(environment: &Environment) {
    let value = environment.get_filled(DESCRIPTOR);
    let number = value.and_then(|value| value.to_str()?.parse().ok());
    if let Some(number) = number.filter(|number| *number > 2) {
        descriptor::hide(number);
    }
}

fn checked(text: Option<String>, name: &str, resource: Option<&str>) -> Result<Token, Failure> {
    let text = text.map(Zeroizing::new);
    let read = || {
        let text = text.as_deref().ok_or(Unusable::NotAToken)?;
        Token::checked(text.trim().to_owned(), resource, SystemTime::now())
    };
    read().map_err(|why| {
        let cause = why.predicate(resource);
        let preposition = match name {
            FILE | DESCRIPTOR => "from",
            _ => "in",
        };
        Failure::sign_in(format!("the access token {preposition} `{name}` {cause}"))
            .hint("get a new token for this server's resource, or choose another method with `--auth METHOD`")
    })
}

/// Runs `read` until the deadline: the writer of a pipe may keep it open.
fn in_time(
    read: impl FnOnce() -> io::Result<String> + Send + 'static,
    name: &str,
    cause: &str,
    deadline: Deadline,
) -> Result<String, Failure> {
    let _waiting = Waiting::begin(&format!("the token from `{name}`"));
    let why = match deadline.wait_for(read) {
        Ok(Ok(text)) => return Ok(text),
        Ok(Err(why)) | Err(why) => why,
    };
    Err(Failure::sign_in(format!("{cause}: {why}")).hint(format!(
        "set `{name}` to where the token is, and make sure that you may read it"
    )))
}

fn read_to_end(from: impl Read) -> io::Result<String> {
    let mut text = String::new();
    from.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(unix)]
mod descriptor {
    //! Reads an inherited descriptor to its end, and closes it.

    use std::fs::File;
    use std::io;
    use std::os::fd::{BorrowedFd, RawFd};

    use nix::fcntl::{FcntlArg, FdFlag, fcntl};

    /// Has it closed in every program that takes our place or is started.
    pub fn hide(number: RawFd) {
        #[expect(unsafe_code, reason = "a descriptor that came by its number")]
        // SAFETY: it is used for one call, which checks that it is open, and which does nothing to
        // a descriptor of our own: those are closed in other programs already.
        let given = unsafe { BorrowedFd::borrow_raw(number) };
        // What is not open needs no hiding.
        let _ = fcntl(given, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
    }

    pub fn read(number: RawFd) -> io::Result<String> {
        #[expect(unsafe_code, reason = "a descriptor that came by its number")]
        // SAFETY: nothing of ours has opened or closes it. It is used for one call, which checks
        // that it is open.
        let given = unsafe { BorrowedFd::borrow_raw(number) };
        let copy = File::from(given.try_clone_to_owned()?);
        nix::unistd::close(number)?;
        super::read_to_end(copy)
    }
}

#[cfg(not(unix))]
mod descriptor {
    //! Only Unix passes descriptors.

    use std::io;

    pub fn hide(_number: i32) {}

    pub fn read(_number: i32) -> io::Result<String> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "this system can't pass file descriptors",
        ))
    }
}
