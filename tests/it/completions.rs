//! Each completion script in the shell that it is for, and `--completions`, which prints it.
//!
//! `completions_kept.rs` has what is completed from lists. There is no PowerShell for these tests;
//! `powershell.rs` has what can be said of its script.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use entra_psql::testing::cli;
use entra_psql::testing::cli::completions::SCRIPTS;
use entra_psql::testing::cli::method::Method;
use entra_psql::testing::psql::options;
use rexpect::session::{PtySession, spawn_command};

use crate::support::{PROGRAM, User, tool};

const HOST: &str = "mydb.postgres.database.azure.com";

/// A service file with an entry that would do harm where it is ever run.
const SERVICES: &str = "[prod]\nhost=mydb.postgres.database.azure.com\ndbname=app\n\n\
    [local]\nhost = is not libpq's spelling\n\
    [$(touch harm)]\nhost=$(touch${IFS}harm)\n";

/// What is typed behind the program's name, and what is offered for its last part.
struct Case {
    typed: &'static str,
    offered: Vec<String>,
}

fn case(typed: &'static str, offered: &[&str]) -> Case {
    Case {
        typed,
        offered: offered.iter().map(|word| (*word).to_owned()).collect(),
    }
}

fn cases() -> Vec<Case> {
    let methods = || {
        std::iter::once("auto")
            .chain(Method::names())
            .map(str::to_owned)
    };
    let named = |start: &'static str| methods().filter(move |name| name.starts_with(start));
    let longs = options::OPTIONS.iter().map(|option| option.long);
    let longs = longs.chain(cli::OPTIONS.iter().map(|option| option.name));
    vec![
        case("--au", &["--auth"]),
        case("--clou", &["--cloud"]),
        Case {
            typed: "--auth ",
            offered: methods().collect(),
        },
        Case {
            typed: "--auth=az",
            offered: named("az").collect(),
        },
        Case {
            typed: "--auth ma",
            offered: named("ma").collect(),
        },
        case("--cloud AzureU", &["AzureUSGovernment"]),
        case("--completions f", &["fish"]),
        case("-h my", &[HOST]),
        case("-hmy", &[HOST]),
        case("-Ath my", &[HOST]),
        case("--host my", &[HOST]),
        case("--host=my", &[HOST]),
        case("service=p", &["service=prod"]),
        case("-d service=p", &["service=prod"]),
        case("-P format=al", &["format=aligned"]),
        case(
            "-P linestyle=",
            &[
                "linestyle=ascii",
                "linestyle=old-ascii",
                "linestyle=unicode",
            ],
        ),
        case("-v VERBOSITY=t", &["VERBOSITY=terse"]),
        case(
            "--set ON_ERROR_S",
            &["ON_ERROR_STOP=on", "ON_ERROR_STOP=off"],
        ),
        case("-P titl", &["title="]),
        case("--help=c", &["commands"]),
        case("--group ", &[]),
        case("--server=", &[]),
        case("-- --au", &[]),
        case("-U --au", &[]),
        Case {
            typed: "--",
            offered: longs.map(|name| format!("--{name}")).collect(),
        },
    ]
}

/// Somebody with a service file, and a shell that is installed where it was missing.
fn user_of(shell: &str) -> User {
    sandbox::ensure_programs(&[(shell, shell)]).expect("the shell is there");
    User::nobody()
        .file(".pg_service.conf", SERVICES)
        .var("TERM", "xterm")
}

/// A terminal with a shell in it, which has a while for each thing that is expected of it.
fn terminal(command: Command) -> PtySession {
    spawn_command(command, Some(60_000)).expect("a terminal")
}

/// A file with the script for `shell`, as the program prints it.
fn script(user: &User, shell: &str) -> PathBuf {
    let output = user
        .tool(PROGRAM)
        .args(["--completions", shell])
        .output()
        .expect("a run");
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..])
    );
    let file = user.home.path().join(format!("script.{shell}"));
    fs::write(&file, output.stdout).expect("a file");
    file
}

/// Holds what a shell offered against each case. A shell may offer the whole word or what follows
/// the `=` in it.
#[track_caller]
fn compare(user: &User, cases: &[Case], offered: &[Vec<String>]) {
    assert_eq!(offered.len(), cases.len());
    for (case, offered) in cases.iter().zip(offered) {
        let tails = |words: &[String]| -> BTreeSet<String> {
            let tail = |word: &String| {
                let word = word.trim_end_matches('=');
                let word = word.rsplit('=').next().unwrap_or_default();
                word.strip_prefix("-h").unwrap_or(word).to_owned()
            };
            words.iter().map(tail).collect()
        };
        assert_eq!(
            tails(offered),
            tails(&case.offered),
            "{:?}: {offered:?}",
            case.typed
        );
    }
    nothing_was_run(user);
}

/// No az, no request to Entra, and no word of a service file was run as a command.
#[track_caller]
fn nothing_was_run(user: &User) {
    assert_eq!(user.az_calls(), Vec::<String>::new());
    assert_eq!(user.entra.token_requests().len(), 0);
    assert!(!user.home.path().join("harm").exists());
}

/// Stands behind the candidates of a case in what a shell printed.
const END: &str = "<end>";

/// What a shell printed: a line for each candidate, and [`END`] behind those of each case.
fn by_case(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut words = Vec::new();
    for line in text.lines() {
        match line {
            END => found.push(std::mem::take(&mut words)),
            "" => {}
            word => words.push(word.to_owned()),
        }
    }
    found
}

/// Types keys as they are.
fn send(terminal: &mut PtySession, keys: &str) {
    terminal.send(keys).expect("sent");
    terminal.flush().expect("sent");
}

#[test]
fn the_script_is_printed_without_a_psql() {
    for script in SCRIPTS {
        let user = User::nobody()
            .var("PATH", "/nowhere")
            .args(["--completions", script.shell]);
        let ran = user.run();
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
        assert_eq!(ran.stdout, script.text);
    }
}

#[test]
fn an_unknown_shell_is_told_the_known_ones() {
    User::nobody()
        .args(["--completions", "tcsh"])
        .run()
        .fails("usage/completions_for_unknown_shell");
}

#[test]
fn bash() {
    let user = user_of("bash");
    let cases = cases();
    let mut probe = format!(". '{}'\n", script(&user, "bash").display());
    probe += "at() {\nCOMP_LINE=\"entra-psql $1\" COMP_POINT=$((${#1} + 11))\n_entra_psql\n\
              printf '%s\\n' \"${COMPREPLY[@]}\" '<end>'\n}\n";
    for case in &cases {
        writeln!(probe, "at '{}'", case.typed).expect("a string");
    }
    let output = user
        .tool(tool("bash"))
        .arg("--norc")
        .args(["-c", &probe])
        .output()
        .expect("bash");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    compare(
        &user,
        &cases,
        &by_case(&String::from_utf8_lossy(&output.stdout)),
    );
}

#[test]
fn bash_at_a_terminal() {
    let user = user_of("bash").file("migrate 1.sql", "");
    let mut command = user.tool(tool("bash"));
    command.args(["--norc", "--noprofile", "-i"]).env("PS1", "");
    let mut bash = terminal(command);
    let script = script(&user, "bash");
    // Ctrl-G shows the line that is being edited, and Ctrl-U wipes it.
    let set_up = "bind -x '\"\\C-g\": printf \"<%s>\\n\" \"$READLINE_LINE\"'; echo RE''ADY";
    bash.send_line(&format!(
        ". '{}'; complete -F _entra_psql psql; {set_up}",
        script.display()
    ))
    .expect("sent");
    bash.exp_string("READY").expect("bash is ready");
    for (typed, becomes) in [
        (
            "entra-psql --auth=man",
            "entra-psql --auth=managed-identity ",
        ),
        (
            "entra-psql -h my",
            "entra-psql -h mydb.postgres.database.azure.com ",
        ),
        (
            "entra-psql -hmy",
            "entra-psql -hmydb.postgres.database.azure.com ",
        ),
        ("entra-psql service=pr", "entra-psql service=prod "),
        ("entra-psql -P titl", "entra-psql -P title="),
        ("entra-psql -f mig", r"entra-psql -f migrate\ 1.sql "),
        ("entra-psql --psql=/bin/ech", "entra-psql --psql=/bin/echo "),
        ("psql --single-serv", "psql --single-server "),
    ] {
        send(&mut bash, &format!("{typed}\t\x07\x15"));
        let expected = format!("<{becomes}>");
        bash.exp_string(&expected)
            .unwrap_or_else(|error| panic!("{typed}: {error}"));
    }
    bash.send_line("exit").expect("sent");
    bash.exp_eof().expect("bash ends");
    nothing_was_run(&user);
}

#[test]
fn zsh() {
    let user = user_of("zsh");
    let cases = cases();
    let script = script(&user, "zsh");
    let found = user.home.path().join("found");
    let user = user.file(
        ".zshrc",
        &format!(
            "autoload -U compinit; compinit -uD; source '{}'\nalias psql=entra-psql\n\
             compadd() {{\n\
             local head=(\"${{@[1,(i)(-|--)]}}\") hits=()\n\
             if [[ -n ${{head[(r)-[OAD]*]}} ]]; then builtin compadd \"$@\"; return; fi\n\
             builtin compadd -O hits \"$@\"; print -rl -- $hits >> '{found}'; builtin compadd \"$@\"\n}}\n\
             probe() {{ _main_complete\n\
             compstate[insert]= compstate[list]=; print -n '<seen>' > /dev/tty }}\n\
             zle -C probe complete-word probe; bindkey '^G' probe; PS1='ready:'\n",
            script.display(),
            found = found.display()
        ),
    );
    let mut command = user.tool(tool("zsh"));
    command.args(["-d", "-i"]);
    let mut zsh = terminal(command);
    zsh.exp_string("ready:").expect("zsh is ready");
    let mut offered = Vec::new();
    for (n, case) in cases.iter().enumerate() {
        // zsh looks through an alias by itself.
        let name = ["entra-psql", "psql"][n % 2];
        fs::write(&found, "").expect("a file");
        send(&mut zsh, &format!("{name} {}\x07", case.typed));
        zsh.exp_string("<seen>")
            .unwrap_or_else(|error| panic!("{}: {error}", case.typed));
        send(&mut zsh, "\x15");
        let text = fs::read_to_string(&found).expect("a file");
        offered.push(
            text.lines()
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect(),
        );
    }
    zsh.send_line("exit").expect("sent");
    zsh.exp_eof().expect("zsh ends");
    compare(&user, &cases, &offered);
}

#[test]
fn zsh_finds_the_script_in_its_path() {
    let user = user_of("zsh");
    let script = script(&user, "zsh");
    let directory = user.home.path().join("functions");
    fs::create_dir(&directory).expect("a directory");
    fs::rename(script, directory.join("_entra-psql")).expect("a file");
    let setup =
        "fpath=(~/functions $fpath); autoload -U compinit; compinit -uD; print $_comps[entra-psql]";
    let output = user
        .tool(tool("zsh"))
        .args(["-f", "-c", setup])
        .output()
        .expect("zsh");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "_entra-psql\n");
}

#[test]
fn fish() {
    let user = user_of("fish");
    let mut cases = cases();
    // fish offers options even where a value is due.
    cases.retain(|case| case.typed != "-U --au");
    let probe = "source $argv[1]; for line in $argv[2..]\n\
                 complete -C \"entra-psql $line\" | string replace -r '\\t.*' ''; echo '<end>'; end";
    let output = user
        .tool(tool("fish"))
        .args(["--no-config", "-c", probe])
        .arg(script(&user, "fish"))
        .args(cases.iter().map(|case| case.typed))
        .output()
        .expect("fish");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let mut offered = by_case(&String::from_utf8_lossy(&output.stdout));
    // An option whose value may stand behind `=` is offered with that as well.
    for words in &mut offered {
        words.retain(|word| word != "--help=");
    }
    compare(&user, &cases, &offered);
}

#[test]
fn elvish() {
    let user = user_of("elvish");
    let cases = cases();
    let found = user.home.path().join("found");
    let mut probe = format!(
        "use str\neval (slurp < '{}')\nfn at {{|typed|\nvar words = [(str:split ' ' $typed)]\n\
         $edit:completion:arg-completer[entra-psql] entra-psql $@words | each {{|found|\n\
         echo (if (eq (kind-of $found) string) {{ put $found }} else {{ put $found[stem] }}) }}\necho '<end>'\n}}\n{{\n",
        script(&user, "elvish").display()
    );
    for case in &cases {
        writeln!(probe, "at '{}'", case.typed).expect("a string");
    }
    writeln!(probe, "}} > '{}'\nexit", found.display()).expect("a string");
    let user = user.file("probe.elv", &probe);
    let mut command = user.tool(tool("elvish"));
    // Without a place for its history, elvish starts no process that would keep it.
    command.args(["-sock", "/dev/null/none", "-db", "/dev/null/none", "-rc"]);
    command.arg(user.home.path().join("probe.elv"));
    let mut elvish = terminal(command);
    let said = elvish.exp_eof().expect("elvish ends");
    let text = fs::read_to_string(&found).unwrap_or_else(|_| panic!("{said}"));
    let mut offered = by_case(&text);
    // elvish itself takes those that begin as the word does.
    for (case, words) in cases.iter().zip(&mut offered) {
        let word = case.typed.rsplit(' ').next().unwrap_or_default();
        words.retain(|offered| offered.starts_with(word));
    }
    compare(&user, &cases, &offered);
}
