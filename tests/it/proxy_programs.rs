//! PostgreSQL's own programs through the proxy: several connections at once, connections in a row,
//! and connections for replication.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Once;

use sandbox::{Identity, Sandbox};

use crate::proxy_support::{ALICE, Proxy, person};
use crate::support::{User, text};

fn superuser_sql(sql: &str) {
    Sandbox::shared().superuser_sql(sql).expect("done");
}

fn program(name: &str) -> PathBuf {
    Sandbox::shared().postgres_bin_dir().join(name)
}

/// One of PostgreSQL's programs, whose connection is the proxy's.
fn through(proxy: &Proxy, user: &User, name: &str) -> Command {
    let mut command = Command::new(program(name));
    command
        .env_clear()
        .env("HOME", user.home.path())
        .env("LC_ALL", "C.UTF-8")
        .env("PGHOST", proxy.value("host"))
        .env("PGPORT", proxy.value("port"))
        .env("PGUSER", ALICE)
        .current_dir(user.home.path());
    command
}

#[track_caller]
fn succeeds(mut command: Command) -> Output {
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{command:?}: {output:?}");
    output
}

/// Lets Alice make databases and replicate.
fn promote() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| superuser_sql(&format!("alter role \"{ALICE}\" createdb replication")));
}

#[test]
fn a_database_is_dumped_and_restored_by_four_jobs() {
    promote();
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    for database in ["jobs_from", "jobs_to"] {
        let mut command = through(&proxy, &user, "createdb");
        command.arg(database);
        succeeds(command);
    }
    let mut psql = through(&proxy, &user, "psql");
    let tables = (1..=8).map(|number| {
        format!("create table t{number} as select g, md5(g::text) from generate_series(1, 5000) g;")
    });
    psql.args(["-Xqd", "jobs_from", "-c", &tables.collect::<String>()]);
    succeeds(psql);
    let sessions = || {
        let sessions = user.sandbox.gateway().sessions();
        let named = |name: &str| sessions.iter().filter(|one| one.database == name).count();
        (named("jobs_from"), named("jobs_to"))
    };
    let (from, to) = sessions();
    let mut dump = through(&proxy, &user, "pg_dump");
    dump.args(["-j", "4", "-Fd", "-f", "dump", "jobs_from"]);
    succeeds(dump);
    let mut restore = through(&proxy, &user, "pg_restore");
    restore.args(["-j", "4", "-d", "jobs_to", "dump"]);
    succeeds(restore);
    // One that leads, and one for each job.
    let (from_after, to_after) = sessions();
    assert!(from_after - from >= 5, "{from} and then {from_after}");
    assert!(to_after - to >= 5, "{to} and then {to_after}");
    let sum =
        "select count(*) || '|' || sum(g) from (select g from t1 union all select g from t8) t";
    let sums = ["jobs_from", "jobs_to"]
        .map(|database| proxy.ask(&user, &format!("dbname={database}"), sum));
    assert_eq!(sums[0], ("10000|25005000".to_owned(), String::new()));
    assert_eq!(sums[0], sums[1]);
    for database in ["jobs_from", "jobs_to"] {
        let mut command = through(&proxy, &user, "dropdb");
        command.arg(database);
        succeeds(command);
    }
    assert_eq!(proxy.said(), "");
}

#[test]
fn pgbench_connects_for_each_transaction() {
    let user = person(Identity::Alice).args(["--proxy", "-d", "app"]);
    let proxy = Proxy::start(&user);
    fs::write(user.home.path().join("one.sql"), "select 1;\n").expect("a file");
    let mut pgbench = through(&proxy, &user, "pgbench");
    pgbench.args([
        "-n", "-C", "-c", "4", "-j", "2", "-t", "25", "-f", "one.sql", "app",
    ]);
    let printed = text(&succeeds(pgbench).stdout);
    assert!(printed.contains("actually processed: 100/100"), "{printed}");
    assert_eq!(user.az_calls().len(), 1);
    assert_eq!(proxy.said(), "");
}

#[test]
fn maintenance_programs_do_their_work() {
    let user = person(Identity::Alice).args(["--proxy", "-d", "app"]);
    let proxy = Proxy::start(&user);
    let ready = succeeds(through(&proxy, &user, "pg_isready"));
    assert!(text(&ready.stdout).ends_with(" - accepting connections\n"));
    let table = "create table if not exists alices_own (a int primary key)";
    superuser_sql(&format!(
        "{table}; alter table alices_own owner to \"{ALICE}\""
    ));
    for (name, words) in [
        (
            "vacuumdb",
            &["-q", "-j", "2", "-t", "alices_own", "postgres"][..],
        ),
        ("reindexdb", &["-q", "-t", "alices_own", "postgres"]),
        ("clusterdb", &["-q", "postgres"]),
    ] {
        let mut command = through(&proxy, &user, name);
        command.args(words);
        let output = succeeds(command);
        assert_eq!(text(&output.stderr), "", "{name}");
    }
    superuser_sql("drop table alices_own");
}

#[test]
fn a_replication_connection_reaches_the_server_as_one() {
    promote();
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let system = proxy.ask(&user, "replication=true", "IDENTIFY_SYSTEM");
    assert!(system.0.ends_with('|') && system.1.is_empty(), "{system:?}");
    let system = proxy.ask(&user, "dbname=app replication=database", "IDENTIFY_SYSTEM");
    assert!(system.0.ends_with("|app"), "{system:?}");
}

#[test]
fn the_whole_server_is_copied_and_its_log_streamed() {
    promote();
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let mut backup = through(&proxy, &user, "pg_basebackup");
    // It opens a second connection for what is written meanwhile.
    backup.args(["-D", "copy", "-X", "stream", "-c", "fast"]);
    succeeds(backup);
    let copy = user.home.path().join("copy");
    assert!(copy.join("global/pg_control").exists());
    let mut verify = Command::new(program("pg_verifybackup"));
    verify
        .arg("-q")
        .arg(&copy)
        .env("PATH", user.sandbox.postgres_bin_dir());
    succeeds(verify);

    let log = user.home.path().join("log");
    fs::create_dir(&log).expect("a directory");
    let (until, _) = proxy.ask(&user, "", "select pg_current_wal_flush_lsn()");
    let mut receive = through(&proxy, &user, "pg_receivewal");
    receive.args(["-D", "log", "--no-loop", "--endpos", &until]);
    succeeds(receive);
    assert!(fs::read_dir(log).expect("a directory").next().is_some());
    assert_eq!(proxy.said(), "");
}

#[test]
fn renew_gives_several_connections_to_one_program() {
    superuser_sql("create schema dumped; create table dumped.one as select 1 as a");
    superuser_sql(&format!(
        "grant usage on schema dumped to \"{ALICE}\"; grant select on dumped.one to \"{ALICE}\""
    ));
    let user = person(Identity::Alice).args(["--renew", "--exec"]);
    let user = user.args([program("pg_dump").as_os_str()]);
    let user = user.args(["-j", "2", "-Fd", "-f", "dump", "--schema=dumped"]);
    let ran = user.run();
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
    assert_eq!(ran.az.len(), 1);
    assert!(user.home.path().join("dump/toc.dat").exists());
    superuser_sql("drop schema dumped cascade");
}
