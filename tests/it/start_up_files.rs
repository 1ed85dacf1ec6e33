//! The lines that `docs/shells.md` has people put into their shell's start-up file: alias and
//! completion at once.

use std::fs;
use std::os::unix::fs::symlink;

use rexpect::session::spawn_command;

use crate::page;
use crate::support::{PROGRAM, User, tool};

const PAGE: &str = include_str!("../../docs/shells.md");

/// Somebody with the program on `PATH`, and a psql that would tell if it were asked for its
/// databases.
fn user_of(shell: &str) -> User {
    sandbox::ensure_programs(&[(shell, shell)]).expect("the shell is there");
    let user = User::nobody().var("TERM", "xterm");
    symlink(PROGRAM, user.home.path().join("bin/entra-psql")).expect("a link");
    let told = "#!/bin/sh\necho \"$*\" >> \"$HOME/psql.log\"\n";
    user.program("psql", told);
    user
}

#[track_caller]
fn nothing_was_run(user: &User) {
    assert!(!user.home.path().join("psql.log").exists());
    assert_eq!(user.az_calls(), Vec::<String>::new());
}

/// Types an alias with an option of ours and then a value, at a terminal that shows what becomes of
/// them.
#[track_caller]
fn completes_at_a_terminal(user: &User, shell: &str, words: &[&str]) {
    let mut command = user.tool(tool(shell));
    command.args(words);
    let mut terminal = spawn_command(command, Some(60_000)).expect("a terminal");
    terminal.exp_string("ready:").expect("a prompt");
    for (typed, becomes) in [
        ("psql --auth=man", "psql --auth=managed-identity"),
        ("psql --single-serv", "psql --single-server"),
    ] {
        // The line is shown once more when Ctrl-L clears the screen.
        terminal.send(&format!("{typed}\t\x0c")).expect("sent");
        terminal.flush().expect("sent");
        terminal
            .exp_string(becomes)
            .unwrap_or_else(|error| panic!("{typed}: {error}"));
        terminal.send_control('u').expect("sent");
        terminal.flush().expect("sent");
    }
    terminal.send_line("exit").expect("sent");
    terminal.exp_eof().expect("the shell ends");
    nothing_was_run(user);
}

#[test]
fn bash() {
    // The terminal begins without an echo, and then bash's editor shows nothing either.
    let setup = format!("{}stty echo; PS1='ready:'\n", page::block(PAGE, "bash"));
    let user = user_of("bash").file(".bashrc", &setup);
    completes_at_a_terminal(&user, "bash", &["-i"]);
}

#[test]
fn zsh() {
    let setup = format!(
        "autoload -U compinit; compinit -uD\n{}PS1='ready:'\n",
        page::block(PAGE, "zsh")
    );
    let user = user_of("zsh").file(".zshrc", &setup);
    completes_at_a_terminal(&user, "zsh", &["-d", "-i"]);
}

#[test]
fn fish() {
    let user = user_of("fish");
    let output = user
        .tool(tool("fish"))
        .args(["-c", &page::block(PAGE, "fish")])
        .output()
        .expect("fish");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    // Another fish, which finds what the first has left.
    let asked = "complete -C 'psql --auth=man'; complete -C 'psql --single-serv'; complete -C 'psql '; functions -q psql";
    let output = user
        .tool(tool("fish"))
        .args(["-c", asked])
        .output()
        .expect("fish");
    let found = String::from_utf8_lossy(&output.stdout);
    let found: Vec<&str> = found
        .lines()
        .filter_map(|line| line.split('\t').next())
        .collect();
    assert_eq!(found, ["--auth=managed-identity", "--single-server"]);
    assert!(output.status.success() && output.stderr.is_empty());
    nothing_was_run(&user);
}

#[test]
fn elvish() {
    let user = user_of("elvish");
    let found = user.home.path().join("found");
    let probe = format!(
        "{}$edit:completion:arg-completer[psql] psql --completions fi | each {{|found| echo $found[stem] }} > '{}'\n\
         psql --completions elvish > /dev/null\nexit\n",
        page::block(PAGE, "elvish"),
        found.display()
    );
    let user = user.file("rc.elv", &probe);
    let mut command = user.tool(tool("elvish"));
    command.args(["-sock", "/dev/null/none", "-db", "/dev/null/none", "-rc"]);
    command.arg(user.home.path().join("rc.elv"));
    let mut elvish = spawn_command(command, Some(60_000)).expect("a terminal");
    let said = elvish.exp_eof().expect("elvish ends");
    let text = fs::read_to_string(&found).unwrap_or_default();
    assert!(text.lines().any(|word| word == "fish"), "{said}{text}");
    nothing_was_run(&user);
}
