//! The completion scripts, which are part of the program: `--completions` needs no files beside it.
//!
//! `tests/docs` generates the part between two marks from the option tables.

#[derive(Debug, PartialEq, Eq)]
pub struct Script {
    /// The value that `--completions` takes.
    pub shell: &'static str,
    pub text: &'static str,
}

pub const SCRIPTS: &[Script] = &[
    Script {
        shell: "bash",
        text: include_str!("../../completions/entra-psql.bash"),
    },
    Script {
        shell: "zsh",
        text: include_str!("../../completions/_entra-psql"),
    },
    Script {
        shell: "fish",
        text: include_str!("../../completions/entra-psql.fish"),
    },
    Script {
        shell: "powershell",
        text: include_str!("../../completions/entra-psql.ps1"),
    },
    Script {
        shell: "elvish",
        text: include_str!("../../completions/entra-psql.elv"),
    },
];

pub fn for_shell(shell: &str) -> Option<&'static Script> {
    SCRIPTS.iter().find(|script| script.shell == shell)
}
