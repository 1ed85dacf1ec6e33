//! Operands, repeated options, our own arguments, and what ends psql.

use super::*;

fn read(line: &str) -> CommandLine {
    let words = line.split_whitespace().map(OsString::from).collect();
    CommandLine::read(words, false, |name| match name {
        "group" => Some(Argument::Required),
        "entra" => Some(Argument::None),
        "exec" => Some(Argument::Program),
        _ => None,
    })
}

fn wanted(line: &str) -> Wanted {
    match read(line).outcome {
        Outcome::Connects(wanted) => wanted,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn operands_fill_what_options_left_open() {
    let w = wanted("-d X Y");
    assert_eq!(w.database.as_deref(), Some("X".as_ref()));
    assert_eq!(w.user.map(|u| u.text), Some("Y".into()));
    let w = wanted("X -U Z Y");
    assert_eq!(w.user.map(|u| u.text), Some("Z".into()));
}

#[test]
fn the_last_of_repeated_options_counts() {
    let w = wanted("-h a -d host=b -h c -d d");
    assert_eq!(w.host.as_deref(), Some("c".as_ref()));
    assert_eq!(w.database.as_deref(), Some("d".as_ref()));
    assert!(!wanted("-W -w").asks_password);
}

/// On Windows, file names and arguments may hold half of a surrogate pair.
#[cfg(windows)]
#[test]
fn half_a_character_is_forwarded_as_it_is() {
    use std::os::windows::ffi::OsStringExt as _;

    let words: Vec<OsString> = [&[0x2d, 0x66][..], &[0x61, 0xd83d, 0x62], &[0xdc18]]
        .into_iter()
        .map(OsString::from_wide)
        .collect();
    let line = CommandLine::read(words.clone(), false, |_| None);
    assert_eq!(line.forwarded, words);
}

#[test]
fn list_connects_to_postgres_if_no_database_is_named() {
    assert_eq!(wanted("-l").database.as_deref(), Some("postgres".as_ref()));
    assert_eq!(wanted("-l x").database.as_deref(), Some("x".as_ref()));
}

#[test]
fn what_ends_psql_ends_the_reading() {
    assert_eq!(
        read("--version --group").outcome,
        Outcome::Version { spelled_out: true }
    );
    assert!(read("--version --group").own.is_empty());
    assert_eq!(read("-V").outcome, Outcome::Version { spelled_out: false });
    assert_eq!(
        read("--help=commands").outcome,
        Outcome::Help { spelled_out: false }
    );
    assert_eq!(read("--help=x").outcome, Outcome::Complains);
    assert_eq!(read("-P format=x --help").outcome, Outcome::Complains);
    assert!(matches!(read("-v 1=2 -v a").outcome, Outcome::Connects(_)));
}

#[test]
fn what_is_beside_the_connection_is_noted() {
    let noted = |line: &str| wanted(line).beside_connection.map(|option| option.long);
    assert_eq!(noted("-h h -p 1 -U u -wW -d d"), None);
    assert_eq!(noted("d u"), None);
    assert_eq!(noted("-h h -XAt"), Some("no-psqlrc"));
    assert_eq!(noted("-l"), Some("list"));
    assert_eq!(wanted("d u v w").surplus, ["v", "w"]);
    let action = |line: &str| wanted(line).action.map(|option| option.long);
    assert_eq!(action("-XAtq -x -P pager=off -v a=b -F, -1 -s --csv"), None);
    for (line, name) in [
        ("-XAtc q", "command"),
        ("-q -f x", "file"),
        ("-l", "list"),
        ("-o x", "output"),
        ("--log-file=x", "log-file"),
    ] {
        assert_eq!(action(line), Some(name));
    }
}

#[test]
fn what_is_refused_is_told() {
    let refused = |line: &str| read(line).refused.map(|it| (it.word, it.first_operand));
    assert_eq!(refused("-h h --groop x"), Some(("--groop".into(), None)));
    assert_eq!(
        refused("pg_dump x -Fc --schema-only"),
        Some(("--schema-only".into(), Some("pg_dump".into())))
    );
    assert_eq!(refused("-P format=x"), None);
    assert_eq!(refused("db"), None);
}

#[test]
fn a_program_ends_psqls_arguments() {
    let line = read("-h h --entra --exec pg_dump -Fc --entra");
    assert_eq!(line.forwarded, ["-h", "h"]);
    assert_eq!(line.own.len(), 1);
    let program = line.program.expect("a program");
    assert_eq!(program.name, "pg_dump");
    assert_eq!(program.words, ["-Fc", "--entra"]);
    assert_eq!(read("--version --exec x").program, None);
}

#[test]
fn our_arguments_are_cut_and_the_place_of_the_user_is_kept() {
    let line = read("--group G -q --entra -qU bob -- --group");
    assert_eq!(line.forwarded, ["-q", "-qU", "bob", "--", "--group"]);
    assert_eq!(line.own.len(), 2);
    let Outcome::Connects(Wanted {
        user: Some(user), ..
    }) = line.outcome
    else {
        panic!("no user");
    };
    assert_eq!((user.word, user.text), (2, "bob".into()));
}
