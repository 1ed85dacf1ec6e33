//! Messages are coloured at a terminal, by the conventions that other programs follow, and nowhere
//! else.

use crate::support::{User, at_terminal, in_shell, to_the_end};

const PLAIN: &str = "entra-psql: error: `/nowhere/psql` was not found\n\
    entra-psql: hint: name psql itself with `--psql PATH` or `ENTRA_PSQL_PROGRAM`, or set neither to search `PATH`\n";

/// What a failure looks like with these variables, after a shell has sent it where `line` says.
fn shown(variables: &[(&str, &str)], line: &str) -> String {
    let user = User::nobody().args(["--psql", "/nowhere/psql"]);
    let user = variables
        .iter()
        .fold(user, |user, (name, value)| user.var(name, value));
    to_the_end(at_terminal(in_shell(&user, line)))
        .0
        .replace("\r\n", "\n")
}

fn coloured() -> String {
    PLAIN
        .replace("error:", "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m")
        .replace("hint:", "\u{1b}[1m\u{1b}[36mhint:\u{1b}[0m")
}

#[test]
fn conventions() {
    let (terminal, file) = ("\"$@\"", "\"$@\" 2> err; cat err");
    for (variables, line, is_coloured) in [
        (&[("TERM", "xterm")][..], terminal, true),
        (&[("TERM", "dumb")], terminal, false),
        (&[], terminal, false),
        (&[("TERM", "xterm"), ("NO_COLOR", "1")], terminal, false),
        (&[("TERM", "xterm"), ("NO_COLOR", "")], terminal, true),
        (&[("TERM", "xterm"), ("CLICOLOR", "0")], terminal, false),
        (&[("TERM", "xterm")], file, false),
        (&[("CLICOLOR_FORCE", "1")], file, true),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], file, false),
    ] {
        let expected = if is_coloured {
            coloured()
        } else {
            PLAIN.to_owned()
        };
        assert_eq!(shown(variables, line), expected, "{variables:?} {line}");
    }
}
