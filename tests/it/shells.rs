//! `--print-env` in real shells: whatever a name is made of, it arrives whole, and nothing of it is
//! run.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;
use std::process::Stdio;

use sandbox::Sandbox;

use crate::support::{PROGRAM, User, tool};

/// Names that some shell would read something into. Each command in them would leave a file named
/// `run`.
const NAMES: &[&str] = &[
    "Prod DB Readonly",
    "",
    " ",
    "'",
    "\"",
    "\\",
    "it's \"so\" \\ 'so'",
    "$(touch run)",
    "`touch run`",
    "'; touch run; '",
    "\"; touch run; \"",
    "'\n touch run\n'",
    "\\'; touch run #",
    "'\\''; touch run; '",
    "\"'\"; touch run; '",
    "(touch run)",
    "&& touch run || touch run | touch run &",
    "> run",
    "${HOME}$HOME%HOME%!HOME!$env:HOME",
    "!!",
    "100% !important~ *?[a]{b,c} #;",
    "line\nline\r\n\ttab\n",
    "\n\n",
    "\u{1}\u{7}\u{1b}[31m\u{7f}",
    "Größe Ω 数据 \u{1f600} ‘quoted’ „too“",
    "-n",
    "a=b",
    "~",
    "trailing\\",
];

/// A shell, and a script of its own in which it takes our assignments and then becomes a program
/// that shows them.
struct Case {
    shell: PathBuf,
    script: &'static str,
    takes_bytes: bool,
}

fn cases() -> Vec<Case> {
    const POSIX: &str =
        "eval \"$(\"$LAUNCHER\" -U \"$NAME\" -h x --print-env)\"; exec \"$SHOW\" -0";
    let sandbox = Sandbox::shared();
    let program = |name: &str| sandbox.program(name).expect("a shell");
    let posix = ["dash", "bash", "zsh"].map(|name| Case {
        shell: program(name),
        script: POSIX,
        takes_bytes: true,
    });
    let mut cases = Vec::from(posix);
    cases.push(Case {
        shell: program("fish"),
        script: "$LAUNCHER -U \"$NAME\" -h x --print-env | source; exec $SHOW -0",
        takes_bytes: true,
    });
    cases.push(Case {
        shell: sandbox.nushell().expect("Nushell"),
        script: "^$env.LAUNCHER -U $env.NAME -h x --print-env | from json | load-env; exec $env.SHOW -0",
        takes_bytes: false,
    });
    cases
}

/// What the programs that `case`'s shell starts find in `PGUSER`, and whether `PGSERVICE` is gone.
fn told(case: &Case, name: &OsStr) -> (OsString, Vec<String>) {
    // An old service that would lead elsewhere, which `host` on the command line beats but does not
    // replace.
    let user = User::nobody()
        .file(".pg_service.conf", "[old]\nport=1\n")
        .var("PGSERVICE", "old")
        .var("PGPORT", "2")
        .var("LAUNCHER", PROGRAM)
        .var("SHOW", tool("env"))
        .var("NAME", name);
    let mut command = user.tool(&case.shell);
    let output = command
        .arg("-c")
        .arg(case.script)
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    let shell = case.shell.display();
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "",
        "{shell}: {}",
        name.display()
    );
    assert!(
        !user.home.path().join("run/entra-psql").exists(),
        "{shell}: {}",
        name.display()
    );
    let mut user_name = OsString::new();
    let mut others = Vec::new();
    for variable in output.stdout.split(|&byte| byte == 0) {
        match variable.strip_prefix(b"PGUSER=") {
            Some(value) => user_name = OsString::from_vec(value.to_vec()),
            None if variable.starts_with(b"PG") => {
                others.push(String::from_utf8_lossy(variable).into_owned());
            }
            None => {}
        }
    }
    others.sort();
    (user_name, others)
}

#[test]
fn every_name_arrives_whole_and_nothing_is_run() {
    for case in cases() {
        for name in NAMES {
            let (found, others) = told(&case, name.as_ref());
            assert_eq!(found, *name, "{}", case.shell.display());
            assert_eq!(others, ["PGHOST=x", "PGPORT=1"], "{}", case.shell.display());
        }
        if case.takes_bytes {
            let name = OsStr::from_bytes(b"caf\xe9 \xff\x81\x88'");
            assert_eq!(told(&case, name).0, name, "{}", case.shell.display());
        }
    }
}
