//! What our library decides about a case, held against what psql and libpq did.

use std::ffi::OsString;
use std::fmt::Debug;
use std::os::unix::ffi::OsStrExt;

use entra_psql::testing::cli;
use entra_psql::testing::environment::Environment;
use entra_psql::testing::libpq::files;
use entra_psql::testing::libpq::keywords::KEYWORDS;
use entra_psql::testing::libpq::parameters::Origin;
use entra_psql::testing::libpq::target::{Host, Target};
use entra_psql::testing::psql::command_line::{CommandLine, Outcome, Wanted};
use entra_psql::testing::system::platform;

use super::case::{Case, Prepared};
use super::oracle::{Answer, Attempt, Connection, Oracle};
use super::versions;

/// Where ours and theirs differ; nowhere, if all is well.
#[derive(Default)]
pub struct Verdict {
    differences: Vec<String>,
    /// What the case was about, so that a grammar that makes nothing of some kind is noticed.
    pub seen: Vec<&'static str>,
}

impl Verdict {
    fn see(&mut self, what: &'static str, seen: bool) {
        self.seen.extend(seen.then_some(what));
    }

    fn compare<T: PartialEq + Debug>(&mut self, what: &str, ours: &T, theirs: &T) {
        if ours != theirs {
            self.differences.push(format!(
                "{what}\n      ours   {ours:?}\n      theirs {theirs:?}"
            ));
        }
    }

    /// Bytes, shown as text.
    fn compare_bytes(&mut self, what: &str, ours: Option<&[u8]>, theirs: Option<&[u8]>) {
        let shown = |bytes: Option<&[u8]>| bytes.map(|bytes| bytes.escape_ascii().to_string());
        self.compare(what, &shown(ours), &shown(theirs));
    }

    fn require(&mut self, what: &str, holds: bool) {
        if !holds {
            self.differences.push(what.to_owned());
        }
    }

    pub fn agrees(&self) -> bool {
        self.differences.is_empty()
    }

    pub fn text(&self) -> String {
        let mut text = self.differences.join("\n    ");
        text.insert_str(0, "    ");
        text.push('\n');
        text
    }
}

/// Tries `case` on both sides.
pub fn of(case: &Case) -> Verdict {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let system_user = platform::user_name().expect("the operating system has a name for us");
    let prepared = case.prepare(directory.path(), &system_user);
    let answer = Oracle::get().ask(&prepared, directory.path());
    let line = CommandLine::read(prepared.words.clone(), case.is_posix(), cli::is_own);

    let mut found = Verdict::default();
    let theirs = what_psql_did(&answer);
    found.see(theirs, true);
    found.see("words of ours", prepared.words != prepared.psql_words);
    found.see("a program of ours", line.program.is_some());
    found.compare("words for psql", &line.forwarded, &prepared.psql_words);
    match (&line.outcome, &answer.connection) {
        (Outcome::Connects(wanted), Some(connection)) => {
            compare_given(&mut found, wanted, &line.forwarded, connection);
            compare_connection(&mut found, wanted, &prepared, connection, &system_user);
        }
        (outcome, _) => {
            let ours = match outcome {
                Outcome::Connects(_) => "connects",
                Outcome::Version { .. } => "prints its version",
                Outcome::Help { .. } => "prints help",
                Outcome::Complains => "complains",
            };
            found.compare("psql", &ours, &theirs);
        }
    }
    found
}

fn what_psql_did(answer: &Answer) -> &'static str {
    match answer.exit_code {
        _ if answer.connection.is_some() => "connects",
        Some(0) if answer.stdout.starts_with(b"psql (PostgreSQL)") => "prints its version",
        Some(0) => "prints help",
        Some(1) => "complains",
        _ => "ends in another way",
    }
}

/// What psql passes to libpq.
fn compare_given(
    found: &mut Verdict,
    wanted: &Wanted,
    forwarded: &[OsString],
    theirs: &Connection,
) {
    let user = wanted.user.as_ref();
    for (name, ours) in [
        ("host", wanted.host.as_deref()),
        ("port", wanted.port.as_deref()),
        ("user", user.map(|user| user.text.as_os_str())),
        ("dbname", wanted.database.as_deref()),
    ] {
        found.compare_bytes(
            &format!("{name} on the command line"),
            ours.map(OsStrExt::as_bytes),
            theirs.given.get(name).map(Vec::as_slice),
        );
    }
    // psql passes a password, the empty one here, where it asked for one before it connects.
    found.compare(
        "asking for a password",
        &wanted.asks_password,
        &theirs.given.contains_key("password"),
    );
    if let Some(user) = user {
        let mut word = user.prefix.clone();
        word.push(&user.text);
        found.compare("the user's word", &forwarded.get(user.word), &Some(&word));
    }
}

/// What libpq makes of it.
fn compare_connection(
    found: &mut Verdict,
    wanted: &Wanted,
    case: &Prepared,
    theirs: &Connection,
    system_user: &[u8],
) {
    let environment: Environment = case.variables.iter().cloned().collect();
    found.see("parameters refused", !theirs.settled);
    if versions::minds_spaces(wanted, theirs.version) {
        return found.see("spaces in a URI", true);
    }
    let target = match entra_psql::testing::target(wanted, &environment) {
        Ok(target) => target,
        Err(why) => {
            let what = format!("libpq accepts what we say it refuses: {}", why.0);
            return found.require(&what, !theirs.settled);
        }
    };
    let refuses_more = versions::refuses_more(&target, theirs.version);
    found.see("parameters that only some refuse", refuses_more);
    if !theirs.settled {
        let what = format!("libpq refuses what we accept: {}", theirs.message);
        return found.require(&what, refuses_more || versions::has_short_lines(theirs));
    }
    if refuses_more {
        return found.require("libpq accepts what this version is said to refuse", false);
    }
    compare_parameters(found, &target, theirs, system_user);
    compare_attempts(found, &target, theirs);

    let passfile = files::passfile(&target, &environment).unwrap_or_default();
    let at_hand: Vec<bool> = target
        .passwords_in(&passfile, system_user)
        .map(|in_file| !target.reads_passfile() || in_file)
        .collect();
    let theirs_at_hand: Vec<bool> = theirs
        .passwords
        .iter()
        .map(|password| !password.is_empty())
        .collect();
    found.compare("passwords at hand, by host", &at_hand, &theirs_at_hand);

    let in_file = target.reads_passfile() && !at_hand.is_empty();
    found.see("password of a file", in_file && at_hand.contains(&true));
    found.see(
        "file without a password",
        !passfile.is_empty() && in_file && at_hand.contains(&false),
    );
    found.see("several hosts", target.hosts().len() > 1);
    for keyword in KEYWORDS {
        found.see(
            "service",
            target.origin(keyword.name) == Some(Origin::Service),
        );
        found.see(
            "variable",
            target.origin(keyword.name) == Some(Origin::Environment),
        );
    }
}

fn compare_parameters(
    found: &mut Verdict,
    target: &Target,
    theirs: &Connection,
    system_user: &[u8],
) {
    // What libpq has where nothing is given; some of it is no part of its table.
    let plain = &Oracle::get().plain;
    for keyword in KEYWORDS {
        let name = keyword.name;
        let default = plain.resolved.get(name).map(Vec::as_slice);
        let given = target.parameters().value(name);
        let ours = match name {
            // Used up by the time that libpq says what it resolved.
            "service" | "servicefile" => continue,
            "user" => Some(target.user_or(system_user)),
            "dbname" => Some(target.database_or(system_user)),
            // psql gives its own name behind everything else, whatever was given before.
            "fallback_application_name" => Some(&b"psql"[..]),
            // libpq puts the file's default place here; what is in the file is compared below.
            "passfile" if target.parameters().filled(name).is_none() => continue,
            _ if !theirs.known.contains_key(name) => continue,
            "sslmode" if given.is_none() && versions::has_system_roots(target, theirs.version) => {
                Some(&b"verify-full"[..])
            }
            _ => given.or(default),
        };
        let resolved = theirs.resolved.get(name).map(Vec::as_slice);
        found.compare_bytes(name, ours, resolved);
    }
}

/// The hosts that libpq went to are the ones that we say, in order and with their ports.
fn compare_attempts(found: &mut Verdict, target: &Target, theirs: &Connection) {
    let Some(mut ours) = target
        .hosts()
        .iter()
        .map(|host| attempt(host, theirs.version))
        .collect::<Option<Vec<_>>>()
    else {
        // libpq passes over a host whose port is out of range, and ends at one that is no number.
        return;
    };
    if target.parameters().value("target_session_attrs") == Some(b"prefer-standby") {
        // A second round follows, in which any server will do.
        ours.extend(ours.clone());
    }
    let mut theirs = theirs.attempts.clone();
    if target.parameters().value("load_balance_hosts") == Some(b"random") {
        ours.sort();
        theirs.sort();
    }
    found.compare("hosts tried", &ours, &theirs);
}

fn attempt(host: &Host, version: u32) -> Option<Attempt> {
    let port = match host.port.as_slice() {
        b"" => 5432,
        port => std::str::from_utf8(port).ok()?.trim().parse().ok()?,
    };
    if !(1..=65535).contains(&port) {
        return None;
    }
    let is_name = host.name.starts_with(b"@") && !versions::has_abstract_sockets(version);
    Some(if host.is_socket() && !is_name {
        let directory = match host.name.as_slice() {
            b"" => &Oracle::get().socket_directory,
            name => name,
        };
        let file = format!("/.s.PGSQL.{port}");
        Attempt::Socket([directory, file.as_bytes()].concat())
    } else {
        let node = if host.address.is_empty() {
            &host.name
        } else {
            &host.address
        };
        Attempt::Host {
            node: node.clone(),
            port: port.to_string(),
        }
    })
}
