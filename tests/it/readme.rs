//! The README's command lines do what it says: each is run in the sandbox, unchanged, and prints
//! the text below it.
//!
//! `UPDATE_DOCS=1 cargo test -p entra-psql --test it readme` writes what they print.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use sandbox::Identity;

use crate::page::block;
use crate::pictures::fix;
use crate::support::{PROGRAM, Ran, User, tool};

const HOST: &str = "mydb.postgres.database.azure.com";

/// The command that pgAdmin runs without a shell's `PATH`.
const PACKAGED: &str = "/usr/bin/entra-psql";

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

fn readme() -> String {
    fs::read_to_string(file()).expect("the README is there")
}

/// Somebody in a directory with what the README's commands name.
fn reader() -> User {
    let service = format!("[prod]\nhost={HOST}\ndbname=app\n");
    let service = service + &block(&readme(), "ini");
    let user = User::signed_in(Identity::Alice)
        .file(".pg_service.conf", &service)
        .file("migrate.sql", "create temporary table migrated (id int);\n")
        .stdin("select 'signed in as ' || current_user;\n");
    std::os::unix::fs::symlink(PROGRAM, user.home.path().join("bin/entra-psql")).expect("a link");
    user
}

/// Runs a line as the reader's shell does; it may not fail or complain.
#[track_caller]
fn run(user: User, line: &str) -> Ran {
    let ran = user.args(["-c", line]).run_program(tool("sh"));
    let complaints = (ran.stderr.as_str(), ran.code);
    assert_eq!(complaints, ("", Some(0)), "{line}");
    ran
}

#[test]
fn every_command_line_of_the_readme_signs_in() {
    let readme = readme();
    let is_ours = |line: &&str| line.starts_with("entra-psql ") || line.starts_with(PACKAGED);
    let commands: Vec<&str> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(is_ours)
        .collect();
    assert!(commands.len() >= 4, "{commands:?}");
    for command in commands {
        let user = reader();
        let line = command
            .replace(PACKAGED, PROGRAM)
            .replace("%HOSTNAME%", HOST)
            .replace("%PORT%", &user.sandbox.port().to_string())
            .replace("%USERNAME%", "alice@contoso.example");
        let ran = run(user, &line);
        assert_eq!(ran.az.len(), 1, "{command}");
        let is_group = command.contains("--group") || command.contains("service=shop");
        let role = if is_group {
            "Prod DB Readonly"
        } else {
            "alice@contoso.example"
        };
        let is_right = if command.contains("--print-token") {
            ran.stdout.starts_with("eyJ")
        } else {
            ran.stdout.contains(&format!("signed in as {role}"))
        };
        assert!(is_right, "{command}: {}", ran.stdout);
    }
}

/// A block in the language `console` is one shell's: `$ ` begins a command, and what is printed is
/// below it.
#[test]
fn every_console_block_of_the_readme_prints_what_it_shows() -> io::Result<()> {
    let readme = readme();
    let (mut found, mut blocks) = (String::new(), 0);
    let mut parts = readme.split_inclusive("```console\n");
    found += parts.next().expect("a beginning");
    for part in parts {
        let (block, after) = part.split_once("```\n").expect("the block's end");
        let commands: Vec<&str> = block
            .lines()
            .filter_map(|line| line.strip_prefix("$ "))
            .collect();
        assert!(!commands.is_empty(), "{block}");
        found += &printed(&commands);
        write!(found, "```\n{after}").expect("a string");
        blocks += 1;
    }
    assert!(blocks >= 5, "{blocks}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(file(), &found)?;
    }
    let stale = found.lines().zip(readme.lines()).find(|(a, b)| a != b);
    assert!(
        readme == found || std::env::var_os("UPDATE_DOCS").is_some(),
        "README.md is stale at {stale:?}: UPDATE_DOCS=1 cargo test -p entra-psql --test it readme"
    );
    Ok(())
}

/// Commands of one shell, each with what it prints below it.
fn printed(commands: &[&str]) -> String {
    let mut script = String::from("exec </dev/null\n");
    for command in commands {
        writeln!(script, "cat <<'shown'\n$ {command}\nshown\n{command}").expect("a string");
    }
    if script.contains("app.dump") {
        script += "test -s app.dump\n";
    }
    let user = reader();
    let home = user.home.path().display().to_string();
    let ran = run(user, &script);
    let shown = fix(&ran.stdout).replace(&home, "~");
    shown
        .trim_end()
        .lines()
        .fold(String::new(), |mut text, line| {
            text.push_str(line.trim_end());
            text.push('\n');
            text
        })
}
