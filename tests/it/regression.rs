//! PostgreSQL's own regression suite through the proxy, and without it: the same outcome.
//!
//! `.ci/clients` fetches the suite of the installed version, and builds the library that it loads.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use sandbox::{Identity, Sandbox};

use crate::proxy_support::{ALICE, Proxy, person};
use crate::real_clients::place;
use crate::support::tell;

/// What became of each test, by its name, and all that the suite printed.
struct Outcome {
    tests: BTreeMap<String, bool>,
    printed: String,
    /// How the results differ from what is expected.
    differences: String,
}

/// Runs the suite on the server that `host` and `port` lead to.
fn run(host: &str, port: &str) -> Outcome {
    let sandbox = Sandbox::shared();
    let suite = place().join("regress");
    let out = tempfile::tempdir().expect("a directory");
    // The server, which may be another user's, writes there too.
    for directory in [out.path().to_path_buf(), out.path().join("results")] {
        fs::create_dir_all(&directory).expect("a directory");
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).expect("a mode");
    }
    let program = fs::read_to_string(suite.join("pg_regress")).expect("where pg_regress is");
    let output = Command::new(program.trim())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", out.path())
        .current_dir(out.path())
        .arg(format!("--inputdir={}", suite.display()))
        .arg(format!("--outputdir={}", out.path().display()))
        .arg(format!("--dlpath={}", suite.join("lib").display()))
        .arg(format!("--bindir={}", sandbox.postgres_bin_dir().display()))
        .arg(format!(
            "--schedule={}",
            suite.join("parallel_schedule").display()
        ))
        .arg(format!("--host={host}"))
        .arg(format!("--port={port}"))
        .arg(format!("--user={ALICE}"))
        .args([
            "--dbname=regression",
            "--no-locale",
            "--encoding=UTF8",
            "--max-connections=10",
        ])
        .output()
        .expect("pg_regress");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let tests = printed.lines().filter_map(outcome).collect();
    Outcome {
        tests,
        differences: fs::read_to_string(out.path().join("regression.diffs")).unwrap_or_default(),
        printed: printed + &String::from_utf8_lossy(&output.stderr),
    }
}

/// The name and the outcome in a line of pg_regress, in the form that it had up to version 15, or
/// that of its later ones.
fn outcome(line: &str) -> Option<(String, bool)> {
    let (name, is_ok) = if let Some((name, rest)) = line.split_once(" ... ") {
        (
            name.trim().trim_start_matches("test "),
            !rest.contains("FAILED"),
        )
    } else {
        let is_ok = !line.starts_with("not ok ");
        let rest = line.trim_start_matches("not ").strip_prefix("ok ")?;
        (rest.split_whitespace().nth(2)?, is_ok)
    };
    Some((name.trim().to_owned(), is_ok))
}

#[test]
#[ignore = "`.ci/clients` installs what it needs"]
fn the_regression_suite_has_the_same_outcome_through_the_proxy() {
    let sandbox = Sandbox::shared();
    let sql = format!("alter role \"{ALICE}\" superuser");
    sandbox.superuser_sql(&sql).expect("altered");
    let direct = run(
        &sandbox.socket_dir().to_string_lossy(),
        &sandbox.tcp_port().to_string(),
    );
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let through = run(proxy.value("host"), proxy.value("port"));
    let failed = |outcome: &Outcome| -> Vec<String> {
        let failed = outcome.tests.iter().filter(|(_, is_ok)| !**is_ok);
        failed.map(|(name, _)| name.clone()).collect()
    };
    assert!(direct.tests.len() > 150, "{}", direct.printed);
    tell(&format!(
        "PostgreSQL's regression suite: {} tests; failed without the proxy: {:?}; with it: {:?}",
        through.tests.len(),
        failed(&direct),
        failed(&through),
    ));
    assert_eq!(
        through.tests, direct.tests,
        "{}\n{}",
        through.printed, through.differences
    );
    let sessions = sandbox.gateway().sessions();
    let encrypted = sessions
        .iter()
        .filter(|session| session.database == "regression");
    assert!(encrypted.count() > through.tests.len());
}
