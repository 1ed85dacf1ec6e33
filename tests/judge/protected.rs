//! The launcher itself, where a token is due: the psql that gets one sends it to nobody but trusted
//! hosts, through TLS alone, and the same psql can be led to no stranger without TLS afterwards.

use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::Mutex;

use entra_psql::testing::system::platform;
use fastrand::Rng;

use super::case::{Case, Prepared, contains};
use super::oracle::{Answer, Attempt, Connection, Oracle};
use super::random::{check_mixture, on_all_processors, seed_and_cases};
use super::signing_in::{self, Tokens, is_trusted};

const CASES: u64 = 300;

/// Where psql may be led later: `\c` resolves such words with the variables that psql has.
const STRANGERS: &[&[&str]] = &[
    &["-X", "-d", "host=stranger.example port=1"],
    &["-X", "-d", "postgresql://stranger.example/x"],
    &["-X", "-h", "stranger"],
];

/// The place for all cases of a run: psql on `PATH`, and a runtime directory.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a temporary directory"));
        for name in ["bin", "runtime"] {
            let directory = place.0.path().join(name);
            fs::create_dir(&directory).expect("a temporary directory");
            let mode = fs::Permissions::from_mode(0o700);
            fs::set_permissions(&directory, mode).expect("a temporary directory");
        }
        let psql = place.0.path().join("bin/psql");
        symlink(&Oracle::get().psql, psql).expect("a link to psql");
        place
    }

    fn variables(&self, tokens: &Tokens) -> [(&'static str, Vec<u8>); 4] {
        let path = |name| self.0.path().join(name).into_os_string().into_vec();
        [
            ("PATH", path("bin")),
            ("XDG_RUNTIME_DIR", path("runtime")),
            ("ENTRA_PSQL_AUTH", b"env".to_vec()),
            ("ENTRA_PSQL_TOKEN", tokens.ready.clone()),
        ]
    }
}

/// What came of a case.
#[derive(Default)]
struct Verdict {
    differences: Vec<String>,
    seen: Vec<&'static str>,
}

impl Verdict {
    fn see(&mut self, what: &'static str, seen: bool) {
        self.seen.extend(seen.then_some(what));
    }

    fn require(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.differences.push(what());
        }
    }
}

fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

fn value<'a>(answer: &'a Answer, variable: &str) -> Option<&'a [u8]> {
    let mut variables = answer.variables.iter();
    variables.find_map(|pair| pair.strip_prefix(variable.as_bytes())?.strip_prefix(b"="))
}

/// Tries `case` with the launcher.
fn of(case: &Case, place: &Place, tokens: &Tokens) -> Verdict {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let system_user = platform::user_name().expect("the operating system has a name for us");
    let mut whole = case.clone();
    for (name, value) in place.variables(tokens) {
        whole = whole.variable(name, value);
    }
    let Prepared {
        words, variables, ..
    } = whole.prepare(directory.path(), &system_user);
    let ours = Path::new(env!("CARGO_BIN_EXE_entra-psql"));
    let mut found = Verdict::default();
    match Oracle::get().try_to_listen(ours, &words, &variables, directory.path()) {
        Ok(answer) => judge(&mut found, case, &answer, tokens, directory.path()),
        Err(output) => {
            found.see("refused", true);
            let is_refusal = matches!(output.status.code(), Some(1 | 2));
            let said = contains(&output.stderr, b"entra-psql: error: ");
            found.require(is_refusal && said, || {
                let stderr = shown(&output.stderr);
                format!(
                    "the launcher ended in another way: {} {stderr}",
                    output.status
                )
            });
            check_secrecy(&mut found, &output.stderr, tokens);
        }
    }
    found
}

fn check_secrecy(found: &mut Verdict, text: &[u8], tokens: &Tokens) {
    for token in [&tokens.ready, &tokens.inherited, &tokens.expired] {
        found.require(!contains(text, token), || {
            format!("a token is said: {}", shown(text))
        });
    }
}

/// Judges the psql that ran.
fn judge(found: &mut Verdict, case: &Case, answer: &Answer, tokens: &Tokens, directory: &Path) {
    check_secrecy(found, &answer.stderr, tokens);
    let words = answer.words.concat();
    check_secrecy(found, &words, tokens);
    let carried = value(answer, "PGPASSWORD").unwrap_or_default();
    let is_handed_over = carried == tokens.ready;
    let Some(connection) = &answer.connection else {
        found.see("psql does not connect", true);
        return found.require(!is_handed_over, || {
            "psql got a token and does not connect".to_owned()
        });
    };
    let is_token = [&tokens.ready, &tokens.inherited, &tokens.expired].contains(&&carried.to_vec());
    let is_used = is_token
        && connection
            .passwords
            .iter()
            .any(|password| password == carried);
    // By hand, psql is psql.
    let is_by_hand = case.has_own("--no-entra")
        || case.has_variable("ENTRA_PSQL_NO_ENTRA")
        || connection.given.contains_key("password");
    let names = hosts(connection);
    let goes_to_us = names.iter().any(|name| is_trusted(name, case));
    if !is_handed_over && (is_by_hand || !is_used || !goes_to_us) {
        return found.see("psql without our token", true);
    }
    found.see("token handed over", is_handed_over);
    found.see("inherited token used", !is_handed_over);
    found.require(carried != tokens.expired, || {
        "a token that has expired is used".to_owned()
    });
    see(found, case, connection, &names);
    if connection.settled {
        let whole = |password: &Vec<u8>| password == carried;
        found.require(connection.passwords.iter().all(whole), || {
            "libpq would send something else than the token".to_owned()
        });
        check_hosts(found, case, connection, &names);
        check_protection(found, connection, "this connection");
        check_default(found, case, connection);
    } else {
        found.require(connection.attempts.is_empty(), || {
            "libpq refuses and goes somewhere all the same".to_owned()
        });
    }
    check_strangers(found, answer, directory);
}

/// What the case was about.
fn see(found: &mut Verdict, case: &Case, connection: &Connection, names: &[&[u8]]) {
    found.see("parameters refused", !connection.settled);
    found.see("several hosts", names.len() > 1);
    found.see("addresses", connection.resolved.contains_key("hostaddr"));
    for name in ["PGSSLMODE", "PGREQUIRESSL", "PGSERVICE"] {
        found.see(name, case.has_variable(name));
    }
    found.see("sslmode in words", case.has_in_words(b"sslmode="));
    found.see("sslmode in files", case.has_in_files(b"sslmode="));
}

/// The names of the hosts, as libpq resolved them.
fn hosts(connection: &Connection) -> Vec<&[u8]> {
    let names = connection.resolved.get("host").map(Vec::as_slice);
    names.unwrap_or_default().split(|&b| b == b',').collect()
}

fn check_hosts(found: &mut Verdict, case: &Case, connection: &Connection, names: &[&[u8]]) {
    for name in names {
        found.require(is_trusted(name, case), || {
            format!("the token goes to the host \"{}\"", shown(name))
        });
    }
    let addresses = connection.resolved.get("hostaddr").map(Vec::as_slice);
    let mut known: Vec<&[u8]> = names.to_vec();
    known.extend(addresses.unwrap_or_default().split(|&b| b == b','));
    for attempt in &connection.attempts {
        let is_known = match attempt {
            Attempt::Host { node, .. } => known.contains(&node.as_slice()),
            Attempt::Socket(_) => false,
        };
        found.require(is_known, || format!("the token goes to {attempt:?}"));
    }
}

fn resolved<'a>(connection: &'a Connection, name: &str) -> &'a [u8] {
    let value = connection.resolved.get(name).map(Vec::as_slice);
    value.unwrap_or_default()
}

fn check_protection(found: &mut Verdict, connection: &Connection, whose: &str) {
    let mode = resolved(connection, "sslmode");
    found.require(
        [&b"require"[..], b"verify-ca", b"verify-full"].contains(&mode),
        || format!("sslmode={} for {whose}", shown(mode)),
    );
    let gss = resolved(connection, "gssencmode");
    found.require(gss == b"disable", || {
        format!("gssencmode={} for {whose}", shown(gss))
    });
}

/// Where nobody says how the connection is protected, it verifies.
fn check_default(found: &mut Verdict, case: &Case, connection: &Connection) {
    // `ssl=` and `requiressl=` are spellings of it too; the noise changes letters.
    let says = [&b"sslmode"[..], b"requiressl", b"ssl="]
        .iter()
        .any(|text| case.has_in_words(text) || case.has_in_files(text));
    let mode = resolved(connection, "sslmode");
    let is_set = case.has_variable("PGSSLMODE");
    found.require(says || is_set || mode == b"verify-full", || {
        format!("sslmode={} where nobody said so", shown(mode))
    });
}

/// psql is led elsewhere, with the variables that it got.
fn check_strangers(found: &mut Verdict, answer: &Answer, directory: &Path) {
    let variables: Vec<_> = answer.environment().collect();
    let oracle = Oracle::get();
    for words in STRANGERS {
        let owned: Vec<_> = words.iter().map(Into::into).collect();
        let later = oracle.listen(&oracle.psql, &owned, &variables, directory);
        match later.connection {
            // Refused, so that nothing goes anywhere.
            Some(connection) if !connection.settled => {
                found.require(connection.attempts.is_empty(), || {
                    format!("libpq refuses {words:?} and goes somewhere all the same")
                });
            }
            Some(connection) => check_protection(found, &connection, &format!("`\\c` {words:?}")),
            None => found.require(false, || format!("psql does not take {words:?}")),
        }
    }
}

/// The service stands before the variables, and only the first connection has a string before it.
#[test]
fn a_service_that_weakens_later_connections_is_refused() {
    let place = Place::new();
    let tokens = Tokens::new();
    let string = "host=mydb.postgres.database.azure.com sslmode=verify-full gssencmode=disable";
    for (words, setting, is_refused) in [
        (string, "sslmode=disable", true),
        (string, "sslmode=prefer", true),
        (string, "gssencmode=prefer", true),
        (string, "sslmode=require\nsslmode=disable", false),
        (string, "host=stranger.example", false),
        ("service=good", "sslmode=disable", true),
    ] {
        let good = string.replace(' ', "\n");
        let file = format!("[weak]\n{setting}\n[good]\n{good}\n");
        let case = Case::of(&[words]).variable("PGSERVICE", "weak").file(
            "home/.pg_service.conf",
            0o644,
            file,
        );
        let verdict = of(&case, &place, &tokens);
        assert!(
            verdict.differences.is_empty(),
            "\n{case}{:#?}",
            verdict.differences
        );
        assert_eq!(verdict.seen.contains(&"refused"), is_refused, "\n{case}");
    }
}

#[test]
fn a_token_goes_through_tls_to_trusted_hosts_alone() {
    const SHOWN: usize = 5;

    let place = Place::new();
    let tokens = Tokens::new();
    let (seed, cases) = seed_and_cases(CASES);
    let failures = Mutex::new(Vec::new());
    let kinds = Mutex::new(Vec::new());
    let count = || failures.lock().expect("no thread failed").len();
    on_all_processors(cases, |n| {
        if count() >= SHOWN {
            return;
        }
        let seed = seed.wrapping_add(n);
        let case = signing_in::case(&mut Rng::with_seed(seed), &tokens);
        let verdict = of(&case, &place, &tokens);
        kinds
            .lock()
            .expect("no thread failed")
            .extend(&verdict.seen);
        if verdict.differences.is_empty() {
            return;
        }
        let differs = |case: &Case| !of(case, &place, &tokens).differences.is_empty();
        let case = case.minimal(differs);
        let differences = of(&case, &place, &tokens).differences.join("\n    ");
        let text = format!("seed {seed}:\n{case}  differs:\n    {differences}\n");
        failures.lock().expect("no thread failed").push(text);
    });
    let failures = failures.into_inner().expect("no thread failed");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let kinds = kinds.into_inner().expect("no thread failed");
    check_mixture(&kinds, cases, MIXTURE);
}

const MIXTURE: &[(&str, u64)] = &[
    ("token handed over", 30),
    ("psql without our token", 5),
    ("refused", 10),
    ("several hosts", 3),
    ("addresses", 2),
    ("PGSSLMODE", 5),
    ("PGREQUIRESSL", 3),
    ("PGSERVICE", 3),
    ("sslmode in words", 3),
    ("sslmode in files", 3),
];
