//! `--doctor`: all is well, and is said to be, in every way of signing in; and in the form for reports of bugs.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use sandbox::directory::{AUDITORS, PROD_DB_READONLY};
use sandbox::{Identity, TokenChanges};
use serde_json::Value;

use crate::identities::{in_app_service, ready, secret, with_secret};
use crate::support::{Ran, User};

pub const HOST: &str = "mydb.postgres.database.azure.com";

/// Every link, in order.
const LINKS: [&str; 13] = [
    "version",
    "psql",
    "az",
    "decision",
    "name",
    "port",
    "tls",
    "authority",
    "graph",
    "token",
    "role",
    "group",
    "sign-in",
];

pub fn alice() -> User {
    User::signed_in(Identity::Alice).var("PGHOST", HOST)
}

/// What the doctor found.
pub struct Examined {
    pub ran: Ran,
    report: Value,
}

/// Examines `user`'s command line. Whatever comes of it, no secret is told, and every link is.
#[track_caller]
pub fn examined(user: User) -> Examined {
    let local_password = user.sandbox.local_password();
    let ran = user.args_in_front(["--doctor=json"]).run();
    assert_eq!(ran.stderr, "");
    // Nor is anything of an end of line left in what psql said.
    for unwanted in ["eyJ", secret(), local_password, " , "] {
        assert!(!ran.stdout.contains(unwanted), "{}", ran.stdout);
    }
    let report: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let examined = Examined { ran, report };
    assert_eq!(examined.links(|_| true), LINKS);
    let code = if examined.report["works"] == true {
        0
    } else {
        2
    };
    assert_eq!(examined.ran.code, Some(code), "{examined}");
    examined
}

impl Examined {
    fn findings(&self) -> impl Iterator<Item = &Value> {
        self.report["findings"].as_array().into_iter().flatten()
    }

    /// The links whose finding is such.
    fn links(&self, such: impl Fn(&Value) -> bool) -> Vec<&str> {
        self.findings()
            .filter(|finding| such(finding))
            .filter_map(|finding| finding["link"].as_str())
            .collect()
    }

    /// The links with this status are these and no others.
    #[track_caller]
    pub fn has(&self, status: &str, links: &[&str]) -> &Self {
        let found = self.links(|finding| finding["status"] == status);
        assert_eq!(found, links, "{self}");
        self
    }

    /// Nothing is broken, and a session was opened.
    #[track_caller]
    pub fn works(&self) -> &Self {
        self.has("fail", &[]);
        assert_eq!(self.ran.code, Some(0), "{self}");
        self
    }

    /// Exactly these links are broken, and what leans on them was not tried.
    #[track_caller]
    pub fn is_broken_at(&self, links: &[&str]) -> &Self {
        self.has("fail", links);
        assert_eq!(self.ran.code, Some(2), "{self}");
        self
    }

    /// A link's finding says this, and one of its remedies that.
    #[track_caller]
    pub fn says(&self, link: &str, found: &str, remedy: &str) -> &Self {
        let finding = self.findings().find(|finding| finding["link"] == link);
        let finding = finding.expect("every link is told");
        let text = finding["found"].as_str().unwrap_or_default();
        assert!(text.contains(found), "{link}: no {found:?} in {self}");
        let fits = |known: &&str| known.contains(remedy);
        let fits = self.remedies(link).iter().any(fits);
        assert!(remedy.is_empty() || fits, "{link}: no {remedy:?} in {self}");
        self
    }

    /// A link's remedies.
    pub fn remedies(&self, link: &str) -> Vec<&str> {
        let finding = self.findings().find(|finding| finding["link"] == link);
        let remedies = finding.and_then(|finding| finding["remedies"].as_array());
        let remedies = remedies.into_iter().flatten();
        remedies.filter_map(Value::as_str).collect()
    }
}

impl std::fmt::Display for Examined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.report)
    }
}

#[test]
fn all_is_well_for_a_person() {
    let found = examined(alice());
    found
        .works()
        .has("warn", &[])
        .has("skip", &["group"])
        .says("az", "signed in as user `alice@contoso.example`", "")
        .says("decision", "the host wants an Entra token", "")
        .says("decision", "`auto` chose `azure-cli`", "")
        .says("name", "hostaddr is given", "")
        .says("tls", "a certificate for `mydb.postgres.database.azure.com`, ", "")
        .says("tls", " by `entra-psql sandbox authority`, 89 days left", "")
        .says("authority", "`login.microsoftonline.com` is reached through the proxy `127.0.0.1`", "")
        .says("graph", "`graph.microsoft.com`", "")
        .says("token", "audience https://ossrdbms-aad.database.windows.net, tenant c0a51b7e-1b5c-4d3e-9f10-0a5a7d6b0001, identity `alice@contoso.example`", "")
        .says("role", "`alice@contoso.example`", "")
        .says("sign-in", "role `alice@contoso.example`, database `postgres`", "");
    assert_eq!(found.ran.az.len(), 3, "{:#?}", found.ran.az);
}

#[test]
fn all_is_well_for_a_member_of_a_group() {
    let found = examined(alice().args(["--group", r"Prod\ DB\ Readonly", "-d", "app"]));
    found
        .works()
        .has("skip", &[])
        .says("role", "`Prod DB Readonly` (without the backslashes", "")
        .says("group", "you are a member of `Prod DB Readonly`", "")
        .says("sign-in", "role `Prod DB Readonly`, database `app`", "");
    let graph = |call: &&String| call.starts_with("ad ");
    assert_eq!(found.ran.az.iter().filter(graph).count(), 1);
}

#[test]
fn all_is_well_for_an_application_an_identity_and_a_ready_token() {
    let aside = ["az", "graph", "group"];
    let found = examined(with_secret());
    found
        .works()
        .has("skip", &aside)
        .says("decision", "`AZURE_CLIENT_SECRET` is set", "")
        .says("authority", "`login.microsoftonline.com`", "")
        .says(
            "token",
            "application b1111a99-93cd-4f0e-bb5a-1f2e3d4c0204",
            "",
        )
        .says("sign-in", "role `billing service`", "");
    assert_eq!(found.ran.az, Vec::<String>::new());
    let aside = ["az", "authority", "graph", "group"];
    examined(in_app_service())
        .works()
        .has("skip", &aside)
        .says("role", "`build-vm`", "");
    examined(ready(&TokenChanges::none()).0)
        .works()
        .has("skip", &aside);
}

#[test]
fn the_role_reaches_psql_as_it_does_in_a_launch() {
    let awkward = r"Prod\ DB\ Readonly";
    let service = "[s]\nuser=nobody\ndbname=postgres\n";
    for user in [
        ready(&TokenChanges::none())
            .0
            .args(["-U", awkward, "-d", "postgres"]),
        ready(&TokenChanges::none())
            .0
            .args(["-d", "postgres", awkward]),
        ready(&TokenChanges::none())
            .0
            .args(["user='Prod DB Readonly' dbname=postgres"]),
        ready(&TokenChanges::none())
            .0
            .file(".pg_service.conf", service)
            .var("PGSERVICE", "s")
            .args(["--group", PROD_DB_READONLY.name]),
    ] {
        // None of the line's own commands is run.
        let commands = ["-c", "create table made_by_the_doctor ()", "-f", "/nowhere"];
        let user = user.args_in_front(commands);
        examined(user).works().says(
            "sign-in",
            "role `Prod DB Readonly`, database `postgres`",
            "",
        );
    }
}

#[test]
fn where_no_token_is_due_psql_decides() {
    let user = User::nobody();
    let sandbox = user.sandbox;
    let user = || {
        User::nobody()
            .var("PGPORT", sandbox.tcp_port().to_string())
            .var("PGUSER", sandbox.local_role())
            .var("PGDATABASE", "postgres")
    };
    let aside = ["az", "tls", "authority", "graph", "token", "role", "group"];
    let found = examined(
        user()
            .var("PGHOST", "127.0.0.1")
            .var("PGPASSWORD", sandbox.local_password()),
    );
    found
        .works()
        .has("skip", &aside)
        .says(
            "decision",
            "no token is due: no host is known to want",
            "`--entra`",
        )
        .says("name", "127.0.0.1 is an address", "")
        .says("sign-in", "role `reporting`", "");
    assert_eq!(found.ran.az, Vec::<String>::new());
    for (user, cause, remedy) in [
        (user(), "no password supplied", "psql will ask"),
        (
            user().var("PGPASSWORD", "wrong"),
            "password authentication failed",
            "`--entra`",
        ),
        (
            user().var("PGSSLMODE", "require"),
            "does not support SSL",
            "`--entra`",
        ),
    ] {
        examined(user.var("PGHOST", "localhost"))
            .is_broken_at(&["sign-in"])
            .says("sign-in", cause, remedy);
    }
    examined(user().var("PGHOST", "127.0.0.1").args(["-W"]))
        .is_broken_at(&[])
        .says("sign-in", "not checked, because `-W`", "");
}

#[test]
fn a_socket_that_is_not_there() {
    let user = User::nobody();
    let nobody_listens = (user.sandbox.tcp_port() + 1).to_string();
    let user = user.var("PGHOST", "/nowhere").var("PGPORT", nobody_listens);
    examined(user)
        .is_broken_at(&["sign-in"])
        .says("name", "a socket", "")
        .says(
            "sign-in",
            "No such file or directory",
            "is the server started",
        );
}

/// The form for people: a word, a link, what was found, in columns; remedies below.
#[test]
fn the_text_is_legible() {
    let (user, _) = ready(&TokenChanges::none());
    let ran = user.args(["--doctor", "--group", AUDITORS.name]).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(2), ""));
    let (findings, verdict) = ran.stdout.split_once("\n\n").expect("a verdict");
    assert_eq!(verdict, "signing in does not work: sign-in\n");
    let mut told = String::new();
    for line in findings.lines() {
        let (status, rest) = line.split_at(6);
        let (link, found) = rest.split_at(11);
        if status.trim().is_empty() {
            assert!(
                found.starts_with("do: ") && link.trim().is_empty(),
                "{line}"
            );
        } else {
            assert!(!found.starts_with(' '), "{line}");
            writeln!(told, "{} {}", status.trim(), link.trim()).expect("a string");
        }
    }
    assert_eq!(
        told,
        "ok version\nok psql\nskip az\nok decision\nok name\nok port\nok tls\nskip authority\n\
         skip graph\nok token\nok role\nskip group\nFAIL sign-in\n"
    );
    let plain = |c: char| c == '\n' || !c.is_control();
    assert!(ran.stdout.chars().all(plain));
}

#[test]
fn variables_are_told_by_name_alone() {
    let user = with_secret()
        .var("AZURE_SOMETHING", "do-not-tell")
        .var("EDITOR", "ed");
    let found = examined(user);
    assert!(!found.ran.stdout.contains("do-not-tell"));
    let names = found.report["variables"].to_string();
    for name in [
        "AZURE_CLIENT_SECRET",
        "AZURE_SOMETHING",
        "HTTPS_PROXY",
        "PGHOST",
    ] {
        assert!(names.contains(name), "{names}");
    }
    assert!(!names.contains("EDITOR"), "{names}");
}

#[test]
fn wrong_usage_is_as_ever() {
    alice().args(["--doctor=xml"]).run().fails(
        1,
        "`--doctor`: `xml` is none of text, json",
        "`entra-psql --help`",
    );
    // What psql makes of its words comes first.
    let ran = alice().args(["--doctor", "-V"]).run();
    assert!(ran.stdout.starts_with("psql (PostgreSQL)"), "{ran:?}");
}

#[test]
fn a_wrapper_and_its_libpq_are_seen_through() {
    let (user, _) = ready(&TokenChanges::none());
    let psql = user.sandbox.postgres_bin_dir().join("psql");
    let libpq = libpq_of(&psql);
    examined(user).works().says("psql", &libpq, "");
    let (user, _) = ready(&TokenChanges::none());
    user.program(
        "psql",
        &format!("#!/bin/sh\nexec '{}' \"$@\"\n", psql.display()),
    );
    examined(user)
        .works()
        .says("psql", "a script around the real one", "");
}

/// The libpq that the loader gives to `psql`, as it is told.
fn libpq_of(psql: &Path) -> String {
    let output = Command::new("ldd").arg(psql).output().expect("ldd");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text
        .lines()
        .find(|line| line.contains("libpq.so.5"))
        .expect("libpq");
    let file = line.split_whitespace().nth(2).expect("a file");
    let real = std::fs::canonicalize(file).expect("the real file");
    let name = real.to_string_lossy().into_owned();
    format!(", libpq {}", name.rsplit('.').next().unwrap_or_default())
}
