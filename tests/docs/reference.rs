//! `docs/cli.md`, the reference of our command line.

use std::fmt::Write as _;

use entra_psql::testing::cli::{OPTIONS, TRUSTED_HOSTS};

pub fn page() -> String {
    let mut page = String::from(
        "# Command line\n\n<!-- Generated from src/cli/; `UPDATE_DOCS=1 cargo test --test docs` writes it anew. -->\n\n\
         entra-psql takes psql's command line, and these options of its own anywhere that psql would read an option.\n\
         They are matched by exact spelling, with the value behind a space or a `=`. A flag beats its variable. Variables\n\
         are looked at only where signing in is due; an empty one is not there, and a flag's is `1` or `0`.\n\n\
         | option | variable | |\n|---|---|---|\n",
    );
    for option in OPTIONS {
        let value = option.value.shown();
        let variable = option
            .variable
            .map(|variable| format!("`{variable}`"))
            .unwrap_or_default();
        writeln!(
            page,
            "| `--{}{value}` | {variable} | {} |",
            option.name, option.help
        )
        .expect("a string");
    }
    write!(
        page,
        "\n`{TRUSTED_HOSTS}` names further servers that are sent a token: names, or suffixes that begin with a dot, with\n\
         commas between.\n\n\
         `--exec` ends psql's words, and every word behind its program is the program's. Before it, and with the `--print-…`\n\
         options, only words about the connection may stand: `-h`, `-p`, `-U`, `-d`, `-w`, `-W`, their long forms, operands.\n\
         SHELL stands behind a `=` alone. Without it, it is the shell that started entra-psql where the system says which\n\
         (Linux); elsewhere the one in `SHELL`, or on Windows PowerShell where `PSModulePath` shows it, and else cmd.\n\n\
         | shell | to take the assignments |\n|---|---|\n\
         | sh, bash, dash, zsh | `eval \"$(entra-psql … --print-env)\"` |\n\
         | fish | `entra-psql … --print-env \\| source` |\n\
         | nu | `entra-psql … --print-env \\| from json \\| load-env` |\n\
         | PowerShell | `entra-psql … --print-env \\| Out-String \\| Invoke-Expression` |\n\
         | cmd | `for /f \"delims=\" %i in ('entra-psql … --print-env') do @%i` |\n\n\
         `--version`, spelled so, prints psql's line and then ours; `--help`, spelled so, our page and then psql's. `-V`, `-?`\n\
         and abbreviations are psql's alone.\n\n\
         Exit codes are psql's (or the program's) own once it runs. Before: 1 wrong usage, 2 signing in failed or was\n\
         refused, 126 it cannot be run, 127 it was not found.\n"
    )
    .expect("a string");
    page
}
