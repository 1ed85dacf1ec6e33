//! `docs/cli.md`, the reference of our command line.

use std::fmt::Write as _;

use entra_psql::testing::cli::values;
use entra_psql::testing::cli::{Group, OwnOption, VARIABLES};

const ABOUT: &str = "\
# Command line

<!-- Generated from src/cli/ by `UPDATE_DOCS=1 cargo test --test docs`. -->

This page lists the options and environment variables that entra-psql adds to psql's. All options of
psql keep their meaning. Options of entra-psql are accepted wherever psql accepts an option. Spell
them in full, and put the value after a space or a `=`.

A flag beats its variable. A [setting in the service file](profiles.md) comes between the two.
Variables are read only if entra-psql signs in. An empty variable counts as unset. For an option
without a value, set the variable to `1` or `0`.
";

const AFTER: &str = "\
## Run another program, or print the connection

`--exec` ends psql's arguments: all arguments after its program belong to the program. Before it,
only arguments about the connection are accepted: `-h`, `-p`, `-U`, `-d`, `-w`, `-W`, their long
forms, and a database and a user without an option.

The `--print-…` options ignore arguments of psql that don't change the connection, such as `-X` or
`-At`. They refuse `-c`, `-f`, `-l`, `-o` and `-L`, because psql doesn't run.

SHELL is accepted only after a `=`. Without it, `--print-env` takes the shell that started
entra-psql, if the system reports it (Linux). Otherwise it takes the shell in `SHELL`; on Windows it
takes PowerShell if `PSModulePath` shows it, and otherwise cmd.

| shell | command to set the variables |
|---|---|
| sh, bash, dash, zsh | `eval \"$(entra-psql … --print-env)\"` |
| fish | `entra-psql … --print-env \\| source` |
| nu | `entra-psql … --print-env \\| from json \\| load-env` |
| PowerShell | `entra-psql … --print-env \\| Out-String \\| Invoke-Expression` |
| cmd | `for /f \"delims=\" %i in ('entra-psql … --print-env') do @%i` |

## Help and version

`--help` prints the help of entra-psql and then psql's. `--version` prints psql's version and then
that of entra-psql. `-?`, `-V` and abbreviations are psql's alone. If entra-psql is started under the
name `psql`, through a link, `--help` and `--version` are psql's alone too.

## Exit codes

Once psql (or the program of `--exec`) runs, the exit code is its own. Before that:

| code | meaning |
|---|---|
| 1 | wrong usage |
| 2 | signing in failed or was refused |
| 126 | the program was found but can't be run |
| 127 | the program was not found |
";

pub fn page() -> String {
    let mut page = ABOUT.to_owned();
    for group in Group::ALL {
        let title = group.title();
        write!(
            page,
            "\n## {title}\n\n| option | variable | |\n|---|---|---|\n"
        )
        .expect("a string");
        for option in group.options() {
            let value = option.value.shown();
            let variable = option
                .variable
                .map(|variable| format!("`{variable}`"))
                .unwrap_or_default();
            let (name, about) = (option.name, describe(option));
            writeln!(page, "| `--{name}{value}` | {variable} | {about} |").expect("a string");
        }
    }
    page.push_str("\n## Environment variables without an option\n\n| variable | |\n|---|---|\n");
    for (name, about) in VARIABLES {
        writeln!(page, "| `{name}` | {about} |").expect("a string");
    }
    page + "\n" + AFTER
}

/// Returns all that there is to say about an option, in Markdown.
fn describe(option: &OwnOption) -> String {
    let mut text = format!("{}.", option.help);
    let choices = values::choices(option.name);
    if !choices.is_empty() {
        let choices: Vec<_> = choices.iter().map(|choice| format!("`{choice}`")).collect();
        write!(text, " Choices: {}.", choices.join(", ")).expect("a string");
    }
    if let Some(detail) = option.detail {
        write!(text, " {detail}").expect("a string");
    }
    if let Some(default) = option.default {
        write!(text, " [default: {default}]").expect("a string");
    }
    text
}
