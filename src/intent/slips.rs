//! Common slips on the command line, each told in one line. psql still decides.
//!
//! A line that psql accepts and that does something must never be called a slip. So each is looked
//! for only where the line is about to fail, or where a token is due and the name is absurd.

use std::ffi::OsStr;

use crate::cli;
use crate::cli::nearest::{nearest, or_list};
use crate::cli::values;
use crate::entra::cloud::{self, Named};
use crate::failure::Failure;
use crate::libpq::parameters::{Origin, is_connection_string};
use crate::libpq::target::{Host, Target};
use crate::libpq::uri;
use crate::psql::command_line::{Program, Refused, Wanted};
use crate::psql::options as psql;
use crate::shell::Shell;

use super::Plan;

/// PostgreSQL's programs. Nobody names a database after one. They are one text, because the loader
/// relocates each text of a table at every start.
const PROGRAMS: &str = "clusterdb createdb createuser dropdb dropuser pg_amcheck pg_basebackup \
    pg_dump pg_dumpall pg_isready pg_receivewal pg_recvlogical pg_restore pgbench psql reindexdb \
    vacuumdb";

/// Explains what psql refuses, if it is near to something of ours.
pub fn explain_refused(refused: &Refused) -> Option<String> {
    if let Some(hint) = refused.first_operand.as_deref().and_then(suggest_exec) {
        return Some(hint);
    }
    let word = refused.word.to_str()?;
    let name = word.trim_start_matches('-').split('=').next()?;
    let near = match word.strip_prefix("--") {
        Some(_) => near_options(name),
        None if cli::is_own(name).is_some() => vec![name],
        None => Vec::new(),
    };
    let near: Vec<String> = near.iter().map(|name| format!("--{name}")).collect();
    (!near.is_empty()).then(|| format!("did you mean {}?", or_list(&near)))
}

/// Returns our options that are nearer to `name` than any of psql's. Three letters are the least
/// that a person abbreviates to.
fn near_options(name: &str) -> Vec<&'static str> {
    let is_psqls = psql::OPTIONS.iter().any(|it| it.long.starts_with(name));
    if name.len() < 3 || is_psqls {
        return Vec::new();
    }
    let of_psql = psql::OPTIONS.iter().map(|option| option.long);
    let near = nearest(name, cli::OPTIONS.iter().map(|option| option.name));
    let all = near.iter().copied().chain(of_psql);
    // Among all names, ours must be the nearest.
    if nearest(name, all).iter().any(|it| near.contains(it)) {
        near
    } else {
        Vec::new()
    }
}

/// Explains a database that is named like a program, as in `entra-psql pg_dump app`.
pub fn explain_database(wanted: &Wanted) -> Option<String> {
    let database = wanted.database.as_deref()?;
    wanted.operands.database.then(|| suggest_exec(database))?
}

fn suggest_exec(operand: &OsStr) -> Option<String> {
    let name = PROGRAMS.split(' ').find(|name| operand == *name)?;
    Some(format!(
        "`{name}` is read as the name of a database: to run the program, put `--exec` before it, and `-h` and `-d` before `--exec`"
    ))
}

/// Explains a value that is separated from its option by a space instead of a `=`, as in `--doctor
/// json`. The operand after the option is `word`.
pub fn explain_detached(option: &str, word: &OsStr, wanted: &Wanted) -> Option<String> {
    let user = wanted.user.as_ref().map(|user| user.text.as_os_str());
    let read_as = if wanted.operands.database && wanted.database.as_deref() == Some(word) {
        "database"
    } else if wanted.operands.user && user == Some(word) {
        "user"
    } else {
        return None;
    };
    let word = word.to_str()?;
    let shell = Shell::of_program(word).filter(|_| option == "print-env");
    let known = values::choices(option).into_iter().find(|it| *it == word);
    let value = known.or(shell.map(Shell::name))?;
    Some(format!(
        "`{word}` is read as the name of a {read_as}: did you mean `--{option}={value}`?"
    ))
}

/// Explains a connection that leads to no server: a host in the place of the database, or an `@` in
/// the user name of a URI.
pub fn explain_destination(wanted: &Wanted, target: &Target) -> Option<String> {
    // Such slips are made only without `-h`, as which most name the host.
    if wanted.host.is_some() {
        return None;
    }
    let database = wanted.database.as_deref()?.as_encoded_bytes();
    let host = target.hosts().first()?;
    if host.name.is_empty() && host.address.is_empty() {
        let is_host = database.contains(&b'.') && cloud::of_host(database).is_some();
        let name = String::from_utf8_lossy(database);
        return is_host.then(|| {
            format!("`{name}` is read as the name of a database: name the server with `-h {name}`")
        });
    }
    if !uri::is_uri(database) {
        return None;
    }
    // `alice@contoso.example@host` has the host `contoso.example@host`, and with a password the
    // port is `password@host`.
    let user = target.user()?;
    let at = host.name.iter().position(|&b| b == b'@');
    let domain = match at {
        Some(at) => &host.name[..at],
        None if host.port.contains(&b'@') => &host.name,
        None => return None,
    };
    (user.origin == Origin::ConnectionString && !domain.is_empty()).then(|| {
        format!(
            "in a URI, write the `@` of a user name as `%40`: `{}%40{}`",
            String::from_utf8_lossy(&user.value),
            String::from_utf8_lossy(domain)
        )
    })
}

/// Returns the host that only the program's own arguments name, as in `--exec pg_dump -h HOST`.
/// `is_trusted` tells which names are hosts.
pub fn misplaced_host<'a>(
    program: &'a Program,
    wanted: &Wanted,
    target: &Target,
    is_trusted: impl Fn(&[u8]) -> bool,
) -> Option<&'a str> {
    let named = [&wanted.host, &wanted.database];
    let leads_nowhere = |host: &Host| host.name.is_empty() && host.address.is_empty();
    if named.iter().any(|it| it.is_some()) || !target.hosts().iter().all(leads_nowhere) {
        return None;
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let words = program.words.iter().filter_map(|word| word.to_str());
    words
        .flat_map(|word| word.split(|c| !is_part(c)))
        .map(|name| name.strip_prefix("-h").unwrap_or(name))
        .find(|name| is_trusted(name.as_bytes()))
}

/// Returns the line that explains [`misplaced_host`].
pub fn explain_misplaced(program: &Program, host: &str) -> String {
    let name = program.name.display();
    format!(
        "put the connection before `--exec`, as in `entra-psql -h {host} --exec {name}`; after it, entra-psql doesn't read it"
    )
}

/// Explains a group's name that was not quoted, as in `--group Prod DB Readonly`.
pub fn explain_group(group: &OsStr, wanted: &Wanted) -> Option<String> {
    let user = wanted.user.as_ref().filter(|_| wanted.operands.user)?;
    let database = wanted.database.as_deref()?;
    let is_quoted = group.as_encoded_bytes().contains(&b' ');
    let is_name = !is_connection_string(database.as_encoded_bytes());
    if is_quoted || !wanted.operands.database || !is_name {
        return None;
    }
    let mut name = group.to_string_lossy().into_owned();
    let rest = [database, &user.text].into_iter();
    for word in rest.chain(wanted.surplus.iter().map(AsRef::as_ref)) {
        name.push(' ');
        name.push_str(&word.to_string_lossy());
    }
    Some(format!(
        "if the group's name has spaces, quote it: `--group '{name}'`"
    ))
}

/// Adds to a failure what a misspelled cloud was probably meant to be. az may have any cloud
/// registered, so only a failure shows that the name is wrong.
pub fn explain_cloud(failure: Failure, plan: &Plan) -> Failure {
    let Some(Named::Other(name)) = &plan.options.cloud else {
        return failure;
    };
    let clouds = values::choices("cloud");
    match nearest(name, clouds.iter().copied()) {
        near if near.is_empty() => failure,
        near => failure.hint(format!(
            "did you mean {}? the known clouds are {}",
            or_list(&near),
            clouds.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;
    use crate::libpq::resolve::target;
    use crate::psql::command_line::{CommandLine, Outcome};

    fn read(line: &str) -> CommandLine {
        let words = line.split_whitespace().map(Into::into).collect();
        CommandLine::read(words, false, cli::is_own)
    }

    fn wanted(line: &str) -> Wanted {
        match read(line).outcome {
            Outcome::Connects(wanted) => wanted,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn an_option_near_to_ours_is_named() {
        let said = |line: &str| read(line).refused.as_ref().and_then(explain_refused);
        for (line, meant) in [
            ("--groop x", "`--group`"),
            ("--Group=x", "`--group`"),
            ("--dryrun", "`--dry-run`"),
            ("--print_token", "`--print-token`"),
            ("--tennant", "`--tenant`"),
            ("--no-entr", "`--no-entra`"),
            ("-group x", "`--group`"),
            (
                "--print",
                "`--print-env`, `--print-conninfo` or `--print-token`",
            ),
        ] {
            assert_eq!(said(line), Some(format!("did you mean {meant}?")), "{line}");
        }
        for line in [
            "--cluster 15/main",
            "--hosts x",
            "--pasword",
            "--usernam=x",
            "--no",
            "--host",
            "--quite",
            "--x",
            "--",
            "-y",
            "--cluste",
            "--nonsense",
        ] {
            assert_eq!(said(line), None, "{line}");
        }
    }

    #[test]
    fn a_program_in_the_place_of_the_database() {
        let said = |line: &str| explain_database(&wanted(line));
        assert!(said("pg_dump -Fc app").unwrap().contains("`--exec`"));
        assert_eq!(said("-d pg_dump"), None);
        assert_eq!(said("pg_dumps"), None);
        assert_eq!(said(""), None);
        let refused = read("pg_dump --schema-only -h h").refused.unwrap();
        assert!(explain_refused(&refused).unwrap().contains("`pg_dump`"));
    }

    #[test]
    fn a_value_that_is_detached_from_its_option() {
        let said = |line: &str| {
            let line = read(line);
            let Outcome::Connects(wanted) = &line.outcome else {
                panic!("it connects")
            };
            let (option, word) = line.detached.as_ref()?;
            explain_detached(option, word, wanted)
        };
        let ends = |line: &str, value: &str| said(line).is_some_and(|it| it.contains(value));
        assert!(ends("--doctor json", "`--doctor=json`"));
        assert!(ends("-h h --print-env fish", "`--print-env=fish`"));
        assert!(ends("--print-env bash", "`--print-env=sh`"));
        assert!(ends("-d app --print-env nu", "a user: did you mean"));
        assert!(ends("app --doctor json", "a user: did you mean"));
        for line in [
            "--doctor -d json",
            "--doctor app",
            "--doctor",
            "app me --doctor json",
            "--doctor -U json",
            "--doctor=text json",
            "json --doctor",
            "--doctor fish",
        ] {
            assert_eq!(said(line), None, "{line}");
        }
    }

    #[test]
    fn a_destination_that_is_none() {
        let said = |line: &str| {
            let wanted = wanted(line);
            let target = target(&wanted, &Environment::default());
            explain_destination(&wanted, &target.expect("a target"))
        };
        let host = said("mydb.postgres.database.azure.com app").unwrap();
        assert!(host.ends_with("with `-h mydb.postgres.database.azure.com`"));
        for uri in [
            "postgres://alice@contoso.example@mydb/app",
            "postgres://alice@contoso.example:secret@mydb/app",
        ] {
            let uri = said(uri).unwrap();
            assert!(uri.ends_with("`alice%40contoso.example`"), "{uri}");
        }
        for line in [
            "",
            "app",
            "my.app",
            "-h localhost mydb.postgres.database.azure.com",
            "postgres://alice%40contoso.example@mydb/app",
            "postgres://mydb/a@b",
            "postgres:///app?host=@socket",
            "host=a@b",
        ] {
            assert_eq!(said(line), None, "{line}");
        }
    }

    #[test]
    fn a_host_after_exec() {
        let found = |line: &str| {
            let line = read(line);
            let Outcome::Connects(wanted) = &line.outcome else {
                panic!("it connects")
            };
            let target = target(wanted, &Environment::default()).expect("one");
            let program = line.program.as_ref().expect("a program");
            let trusted = |name: &[u8]| cloud::of_host(name).is_some();
            misplaced_host(program, wanted, &target, trusted).map(str::to_owned)
        };
        let host = "mydb.postgres.database.azure.com";
        for line in [
            "--exec pg_dump -h mydb.postgres.database.azure.com",
            "--exec pg_dump -hmydb.postgres.database.azure.com",
            "-U me --exec pg_dump --host=mydb.postgres.database.azure.com app",
            "--exec pg_dump postgres://me@mydb.postgres.database.azure.com:5432/app",
        ] {
            assert_eq!(found(line).as_deref(), Some(host), "{line}");
        }
        for line in [
            "--exec pg_dump -h localhost",
            "-h localhost --exec pg_dump -h mydb.postgres.database.azure.com",
            "-d app --exec pg_dump -h mydb.postgres.database.azure.com",
            "--exec pg_dump",
        ] {
            assert_eq!(found(line), None, "{line}");
        }
    }

    #[test]
    fn a_group_without_quotes() {
        let said = |line: &str| explain_group("Prod".as_ref(), &wanted(line));
        for (line, name) in [
            ("DB Readonly", "'Prod DB Readonly'"),
            ("DB Read only", "'Prod DB Read only'"),
        ] {
            assert!(said(line).unwrap().contains(name), "{line}");
        }
        assert_eq!(explain_group("A B".as_ref(), &wanted("db me")), None);
        for line in ["DB", "-d DB Readonly", "DB -U Readonly", "host=x me"] {
            assert_eq!(said(line), None, "{line}");
        }
    }
}
