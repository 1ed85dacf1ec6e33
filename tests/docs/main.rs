//! Everything that is generated from the program's own description, tests that fail when a file is
//! stale, and tests of what the documents link to and how they are worded.
//!
//! `UPDATE_DOCS=1 cargo test --test docs` writes them. The generators are not beside the tables
//! that they read, because the program never runs them.

#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};

mod completions;
mod links;
mod manual;
mod options;
mod prose;
mod psql_words;
mod reference;

const BEGIN: &str = "# BEGIN GENERATED\n";
const END: &str = "# END GENERATED\n";

/// Returns the text of a file.
type Generate = fn() -> String;

/// The files that are generated as a whole.
const WHOLE: &[(&str, Generate)] = &[
    ("docs/cli.md", reference::page),
    ("docs/entra-psql.1", manual::page),
];

/// The files that are generated only between their marks.
const BETWEEN_MARKS: &[(&str, Generate)] = &[
    ("completions/entra-psql.bash", completions::bash),
    ("completions/_entra-psql", completions::zsh),
    ("completions/entra-psql.fish", completions::fish),
    ("completions/entra-psql.ps1", completions::powershell),
    ("completions/entra-psql.elv", completions::elvish),
];

#[test]
fn every_generated_file_is_fresh() {
    let whole = WHOLE.iter().map(|(name, page)| (*name, page()));
    let marked = BETWEEN_MARKS.iter().map(|(name, part)| {
        let text = fs::read_to_string(place(name)).expect("a file with marks");
        (*name, between_marks(&text, &part()))
    });
    let mut stale = Vec::new();
    for (name, text) in whole.chain(marked) {
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(place(name), &text).expect("the file is written");
        }
        if fs::read_to_string(place(name)).ok() != Some(text) {
            stale.push(name);
        }
    }
    assert!(
        stale.is_empty(),
        "{} stale: UPDATE_DOCS=1 cargo test --test docs",
        stale.join(", ")
    );
}

/// Returns `text` with `part` between its marks.
fn between_marks(text: &str, part: &str) -> String {
    let place_of = |mark: &str| {
        let mut found = text.match_indices(mark);
        let (at, _) = found.next().unwrap_or_else(|| panic!("no `{mark}`"));
        assert_eq!(found.next(), None, "`{mark}` is there twice");
        at
    };
    let begin = place_of(BEGIN) + BEGIN.len();
    // Before the indentation of the mark.
    let end = text[..place_of(END)]
        .rfind('\n')
        .expect("a mark on a line of its own");
    assert!(begin <= end + 1, "the marks are the wrong way round");
    format!("{}{part}{}", &text[..begin], &text[end..])
}

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
