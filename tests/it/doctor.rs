//! `--doctor` reports that all is well, with every way to sign in, and in the form for reports of
//! bugs.

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

/// What the doctor reported.
pub struct Examined {
    pub ran: Ran,
    report: Value,
}

/// Examines `user`'s command line. The report names every link and no secret.
#[track_caller]
pub fn examined(user: User) -> Examined {
    let local_password = user.sandbox.local_password();
    let ran = user.args_in_front(["--doctor=json"]).run();
    assert_eq!(ran.stderr, "");
    // Nor does it keep the end of a line that psql printed.
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

    /// Returns the links whose finding is `such`.
    fn links(&self, such: impl Fn(&Value) -> bool) -> Vec<&str> {
        self.findings()
            .filter(|finding| such(finding))
            .filter_map(|finding| finding["link"].as_str())
            .collect()
    }

    /// Exactly these links have this status.
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

    /// Exactly these links are broken, and what needs them was not tried.
    #[track_caller]
    pub fn is_broken_at(&self, links: &[&str]) -> &Self {
        self.has("fail", links);
        assert_eq!(self.ran.code, Some(2), "{self}");
        self
    }

    /// A link's finding contains `found`, and one of its remedies contains `remedy`.
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

    /// Every finding and its remedies are as in the snapshot. If the sign-in fails, only the findings
    /// that are not `ok` are compared: other snapshots hold the rest.
    #[track_caller]
    pub fn matches(&self, name: &str) -> &Self {
        let mut told = String::new();
        for finding in self.findings() {
            let word = |key: &str| finding[key].as_str().unwrap_or_default();
            let (status, link) = (word("status"), word("link"));
            let is_aside = status == "ok" && self.report["works"] == false;
            let found = if is_aside { "…" } else { word("found") };
            writeln!(told, "{status} {link}: {found}").expect("a string");
            for remedy in self.remedies(link) {
                writeln!(told, "    do: {remedy}").expect("a string");
            }
        }
        let ran = Ran {
            stdout: told,
            stderr: String::new(),
            az: Vec::new(),
            ..self.ran
        };
        ran.matches(name);
        self
    }

    /// Returns a link's remedies.
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
        .matches("doctor/healthy_person");
    assert_eq!(found.ran.az.len(), 3, "{:#?}", found.ran.az);
    // The same as it is printed, in both forms.
    found.ran.matches("doctor_forms/healthy_json");
    let ran = alice().args(["--doctor"]).run();
    ran.matches("doctor_forms/healthy_text");
}

#[test]
fn all_is_well_for_a_member_of_a_group() {
    let found = examined(alice().args(["--group", r"Prod\ DB\ Readonly", "-d", "app"]));
    found
        .works()
        .has("skip", &[])
        .matches("doctor/healthy_member");
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
        .matches("doctor/healthy_application");
    assert_eq!(found.ran.az, Vec::<String>::new());
    let aside = ["az", "authority", "graph", "group"];
    examined(in_app_service())
        .works()
        .has("skip", &aside)
        .matches("doctor/healthy_app_service");
    examined(ready(&TokenChanges::none()).0)
        .works()
        .has("skip", &aside)
        .matches("doctor/healthy_ready_token");
}

#[test]
fn the_role_reaches_psql_as_it_does_in_a_launch() {
    let awkward = r"Prod\ DB\ Readonly";
    let service = "[s]\nuser=nobody\ndbname=postgres\n";
    for (user, case) in [
        (
            ready(&TokenChanges::none())
                .0
                .args(["-U", awkward, "-d", "postgres"]),
            "doctor/healthy_role_with_backslashes",
        ),
        (
            ready(&TokenChanges::none())
                .0
                .args(["-d", "postgres", awkward]),
            "doctor/healthy_role_with_backslashes",
        ),
        (
            ready(&TokenChanges::none())
                .0
                .args(["user='Prod DB Readonly' dbname=postgres"]),
            "doctor/healthy_role_in_string",
        ),
        (
            ready(&TokenChanges::none())
                .0
                .file(".pg_service.conf", service)
                .var("PGSERVICE", "s")
                .args(["--group", PROD_DB_READONLY.name]),
            "doctor/healthy_group_with_ready_token",
        ),
    ] {
        // None of the command line's commands runs.
        let commands = ["-c", "create table made_by_the_doctor ()", "-f", "/nowhere"];
        examined(user.args_in_front(commands)).works().matches(case);
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
        .matches("doctor/healthy_local_server");
    assert_eq!(found.ran.az, Vec::<String>::new());
    for (user, case) in [
        (user(), "doctor/local_server_without_password"),
        (
            user().var("PGPASSWORD", "wrong"),
            "doctor/local_server_with_wrong_password",
        ),
        (
            user().var("PGSSLMODE", "require"),
            "doctor/local_server_without_tls",
        ),
    ] {
        examined(
            user.var("PGHOST", "localhost")
                .var("PGHOSTADDR", "127.0.0.1"),
        )
        .is_broken_at(&["sign-in"])
        .matches(case);
    }
    examined(user().var("PGHOST", "127.0.0.1").args(["-W"]))
        .is_broken_at(&[])
        .matches("doctor/password_prompt");
}

#[test]
fn a_socket_that_is_not_there() {
    let user = User::nobody();
    let nobody_listens = (user.sandbox.tcp_port() + 1).to_string();
    let user = user.var("PGHOST", "/nowhere").var("PGPORT", nobody_listens);
    examined(user)
        .is_broken_at(&["sign-in"])
        .matches("doctor/socket_missing");
}

/// The form for people has columns for status, link and finding, and the remedies below.
#[test]
fn the_text_is_legible() {
    let (user, _) = ready(&TokenChanges::none());
    let ran = user.args(["--doctor", "--group", AUDITORS.name]).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(2), ""));
    ran.matches("doctor_forms/broken_text");
    let (findings, verdict) = ran.stdout.split_once("\n\n").expect("a verdict");
    assert_eq!(verdict.lines().count(), 1, "{verdict}");
    for line in findings.lines() {
        let (status, rest) = line.split_at(6);
        let (link, found) = rest.split_at(11);
        if status.trim().is_empty() {
            assert!(
                found.starts_with("do: ") && link.trim().is_empty(),
                "{line}"
            );
        } else {
            assert!(!found.starts_with(' ') && !link.trim().is_empty(), "{line}");
        }
    }
    let plain = |c: char| c == '\n' || !c.is_control();
    assert!(ran.stdout.chars().all(plain));
}

#[test]
fn variables_are_reported_by_name_only() {
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
    alice()
        .args(["--doctor=xml"])
        .run()
        .fails("usage/doctor_in_unknown_form");
    // psql's own options come first.
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
        .says("psql", "a script that runs the real psql", "");
}

/// Returns the libpq that the loader gives to `psql`, as the report shows it.
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
