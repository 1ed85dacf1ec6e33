//! A psql that leads back to us is noticed, and what is no such thing is run with nothing added.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use sandbox::Identity;

use crate::support::{PROGRAM, User, preloaded, tool};

const HOST: &str = "mydb.postgres.database.azure.com";

/// Has a launch that never ends fail: `timeout` ends it, and says so by its exit code.
fn bounded(user: &User) -> Command {
    let mut command = user.tool(tool("timeout"));
    command.args(["-s", "KILL", "60", PROGRAM]);
    command.args(user.command().get_args());
    command
}

/// Somebody whose psql is this script.
fn with_script(script: &str) -> User {
    let user = User::nobody();
    user.program("psql", script);
    user
}

/// A copy of the program as `psql` in a directory of its own; `more` makes it another version.
fn copy(user: &User, directory: &str, more: &str) -> PathBuf {
    let directory = user.home.path().join(directory);
    fs::create_dir_all(&directory).expect("a directory");
    let psql = directory.join("psql");
    // Without what is for a debugger it is quicker copied.
    let stripped = Command::new(tool("strip"))
        .args(["--strip-debug", "-o"])
        .args([psql.as_path(), Path::new(PROGRAM)])
        .status();
    assert!(stripped.expect("a copy").success());
    let mut bytes = fs::read(&psql).expect("a program");
    bytes.extend(more.as_bytes());
    fs::write(&psql, bytes).expect("another version");
    directory
}

/// `PATH` with these directories alone.
fn path(directories: &[&Path]) -> std::ffi::OsString {
    std::env::join_paths(directories).expect("no separators")
}

#[test]
fn a_script_that_leads_back_is_an_error() {
    for script in [
        format!("#!/bin/sh\nexec '{PROGRAM}' \"$@\"\n"),
        format!("#!/bin/sh\n'{PROGRAM}' \"$@\"\n"),
        format!("#!/usr/bin/env perl\nexec '{PROGRAM}', @ARGV;\n"),
    ] {
        for words in [&["-h", "localhost", "-c", "select 1"][..], &["-V"]] {
            let user = with_script(&script).args(words);
            let ran = user.ran(bounded(&user));
            ran.fails("loops/a_script_that_leads_back_is_an_error");
        }
        // Each of us on the way says its own version.
        let user = with_script(&script).args(["--version"]);
        let ran = user.ran(bounded(&user));
        assert_eq!(ran.code, Some(126), "{}", ran.stderr);
        assert_eq!(ran.stderr.matches("error: ").count(), 1, "{}", ran.stderr);
    }
    let user = with_script(&format!("#!/bin/sh\nexec '{PROGRAM}' \"$@\"\n"));
    // By its name, by a variable, and for the doctor.
    let named = user.home.path().join("bin/psql");
    let user = user.var("ENTRA_PSQL_PROGRAM", named).args(["-V"]);
    let ran = user.ran(bounded(&user));
    ran.fails("loops/a_script_that_leads_back_is_an_error_2");
    let user = with_script(&format!("#!/bin/sh\nexec '{PROGRAM}' \"$@\"\n"));
    let user = user.args(["--doctor", "-h", "localhost"]);
    let ran = user.ran(bounded(&user));
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stdout.contains("leads back to entra-psql"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_script_that_leads_back_fetches_nothing() {
    let user = User::signed_in(Identity::Alice)
        .var("PGHOST", HOST)
        .var("ENTRA_PSQL_CACHE", "off")
        .var("ENTRA_PSQL_DEPTH", "8")
        .args(["-c", "select 1"]);
    user.program("psql", &format!("#!/bin/sh\nexec '{PROGRAM}' \"$@\"\n"));
    let ran = user.ran(bounded(&user));
    ran.fails("loops/a_script_that_leads_back_fetches_nothing");
    assert_eq!(ran.az, Vec::<String>::new());
}

#[test]
fn a_script_that_leads_to_psql_is_run() {
    let real = User::nobody().sandbox.postgres_bin_dir().join("psql");
    let script = format!("#!/bin/sh\nexec '{}' \"$@\"\n", real.display());
    let ran = with_script(&script).args(["-V"]).run();
    assert!(ran.stdout.starts_with("psql (PostgreSQL) "), "{ran:?}");
    // As is one that leads back once, and there finds the way.
    let script = format!(
        "#!/bin/sh\nexec '{PROGRAM}' --psql '{}' \"$@\"\n",
        real.display()
    );
    let ran = with_script(&script).args(["-V"]).run();
    assert!(ran.stdout.starts_with("psql (PostgreSQL) "), "{ran:?}");
}

#[test]
fn only_scripts_get_the_count() {
    let script = "#!/bin/sh\necho \"${ENTRA_PSQL_DEPTH-none}\"\n";
    assert_eq!(with_script(script).run().stdout, "1\n");
    let user = with_script(script).var("ENTRA_PSQL_DEPTH", "3");
    assert_eq!(user.run().stdout, "4\n");
    let debians = "#!/usr/bin/perl\n# As PgCommon is used by Debian's.\nprint $ENV{ENTRA_PSQL_DEPTH} // 'none';\n";
    for user in [
        with_script(debians),
        with_script(debians).var("ENTRA_PSQL_DEPTH", "3"),
    ] {
        assert_eq!(user.run().stdout, "none");
    }
    // psql itself gets what it would get by itself.
    for depth in [None, Some("3")] {
        let cat = tool("cat");
        let user = User::nobody().args(["--psql".as_ref(), cat.as_os_str()]);
        let user = user
            .args(["/proc/self/environ"])
            .var("ENTRA_PSQL_GROUP", "g");
        let expected = user.run().stdout;
        let user = match depth {
            Some(depth) => user.var("ENTRA_PSQL_DEPTH", depth),
            None => user,
        };
        assert!(expected.contains("ENTRA_PSQL_GROUP=g\0"), "{expected}");
        assert_eq!(user.run().stdout, expected);
    }
}

#[test]
fn what_is_named_is_not_this_program() {
    let user = User::nobody().var("ENTRA_PSQL_PROGRAM", PROGRAM);
    let ran = user.ran(bounded(&user));
    ran.fails("loops/what_is_named_is_not_this_program");
    let user = User::nobody();
    let copied = copy(&user, "copy", "").join("psql");
    let user = user.args(["--psql".as_ref(), copied.as_os_str(), "-V".as_ref()]);
    let ran = user.ran(bounded(&user));
    ran.fails("loops/what_is_named_is_not_this_program_2");
}

#[test]
fn copies_of_this_program_are_passed_over() {
    let user = User::nobody().args(["-V"]);
    let one = copy(&user, "one", "");
    let other = copy(&user, "other", "another version");
    let real = user.sandbox.postgres_bin_dir();
    let user = user.var("PATH", path(&[&one, &other, real]));
    for program in [one.join("psql"), other.join("psql"), PROGRAM.into()] {
        let mut command = user.tool(tool("timeout"));
        command.args(["-s", "KILL", "60"]).arg(program).arg("-V");
        let ran = user.ran(command);
        assert!(ran.stdout.starts_with("psql (PostgreSQL) "), "{ran:?}");
    }
    // Where there is nothing else, the system's well-known places have one perhaps.
    let user = user.var("PATH", path(&[&one, &other]));
    let mut command = user.tool(tool("timeout"));
    command
        .args(["-s", "KILL", "60"])
        .arg(one.join("psql"))
        .arg("-V");
    let ran = user.ran(command);
    if ran.code != Some(0) {
        ran.fails("loops/copies_of_this_program_are_passed_over");
    }
}

#[test]
fn without_proc_we_are_known_too() {
    let user = User::nobody().args(["-V"]);
    symlink(PROGRAM, user.home.path().join("bin/psql")).expect("a link");
    let directory = tempfile::tempdir().expect("a directory");
    let library = preloaded("scarcity.c", directory.path());
    let user = user.var("LD_PRELOAD", library).var("SCARCITY", "proc");
    let ran = user.ran(bounded(&user));
    assert!(ran.stdout.starts_with("psql (PostgreSQL) "), "{ran:?}");
}
