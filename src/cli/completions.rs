//! The completion scripts, a part of the program, so that `--completions` needs no files beside it.
//!
//! The part between two marks in each is generated from the option tables: `tests/docs` writes it,
//! and fails where it is stale.

/// A completion script.
#[derive(Debug, PartialEq, Eq)]
pub struct Script {
    /// The shell, as `--completions` takes it.
    pub shell: &'static str,
    /// What the shell is to read.
    pub text: &'static str,
}

/// A script for every shell that is known.
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

/// The script for `shell`.
pub fn for_shell(shell: &str) -> Option<&'static Script> {
    SCRIPTS.iter().find(|script| script.shell == shell)
}
