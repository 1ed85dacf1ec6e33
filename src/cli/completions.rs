//! The completion scripts, which are part of the program: `--completions` needs no files beside it.
//!
//! `tests/docs` generates the part between two marks from the option tables.

use std::borrow::Cow;

/// Begins the generated part.
const BEGIN: &str = "# BEGIN GENERATED\n";
const END: &str = "# END GENERATED\n";

#[derive(Debug, PartialEq, Eq)]
pub struct Script {
    /// The value that `--completions` takes.
    pub shell: &'static str,
    pub text: &'static str,
    /// How a description begins and ends in the line of its option, if the script has any.
    description: Option<(&'static str, &'static str)>,
}

impl Script {
    /// Returns the script, with or without the descriptions that its shell shows beside words.
    pub fn print(&self, no_descriptions: bool) -> Cow<'static, str> {
        match self.description {
            Some(ends) if no_descriptions => without_descriptions(self.text, ends).into(),
            _ => self.text.into(),
        }
    }
}

pub const SCRIPTS: &[Script] = &[
    Script {
        shell: "bash",
        text: include_str!("../../completions/entra-psql.bash"),
        description: None,
    },
    Script {
        shell: "zsh",
        text: include_str!("../../completions/_entra-psql"),
        description: Some(("[", "]")),
    },
    Script {
        shell: "fish",
        text: include_str!("../../completions/entra-psql.fish"),
        description: Some((" -d '", "'")),
    },
    Script {
        shell: "powershell",
        text: include_str!("../../completions/entra-psql.ps1"),
        description: Some(("; Help = '", "'")),
    },
    Script {
        shell: "elvish",
        text: include_str!("../../completions/entra-psql.elv"),
        description: Some((" &desc='", "'")),
    },
];

pub fn for_shell(shell: &str) -> Option<&'static Script> {
    SCRIPTS.iter().find(|script| script.shell == shell)
}

/// Removes from each line of the generated part what is between the two, and the two.
fn without_descriptions(text: &str, (begin, end): (&str, &str)) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut is_generated = false;
    for line in text.split_inclusive('\n') {
        is_generated = (is_generated || line.ends_with(BEGIN)) && !line.ends_with(END);
        let parted = line.split_once(begin).zip(line.rsplit_once(end));
        match parted {
            Some(((before, _), (_, after))) if is_generated => {
                plain.push_str(before);
                plain.push_str(after);
            }
            _ => plain.push_str(line),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::super::table::OPTIONS;
    use super::*;

    #[test]
    fn no_description_is_left_on_request() {
        for script in SCRIPTS {
            let (full, plain) = (script.print(false), script.print(true));
            assert_eq!(full, script.text);
            assert_eq!(full.lines().count(), plain.lines().count());
            for option in OPTIONS {
                let about = option.help.split('\'').next().unwrap();
                assert_eq!(full.contains(about), script.shell != "bash", "{about}");
                assert!(
                    plain.contains(option.name) && !plain.contains(about),
                    "{about}"
                );
            }
        }
    }
}
