//! What is written for PowerShell, which is not at hand: it is parsed, and what it does is not
//! seen.

use entra_psql::testing::cli::completions::for_shell;
use tree_sitter::Parser;

use crate::page;
use crate::support::tell;

const PAGE: &str = include_str!("../../docs/shells.md");

fn parses(text: &str) -> bool {
    let mut parser = Parser::new();
    let language = tree_sitter_powershell::LANGUAGE.into();
    parser.set_language(&language).expect("a grammar");
    let tree = parser.parse(text, None).expect("a tree");
    !tree.root_node().has_error()
}

#[test]
fn the_completion_script_and_the_start_up_file_parse() {
    let script = for_shell("powershell").expect("a script").text;
    let start_up_file = page::block(PAGE, "powershell");
    assert!(parses(script) && parses(&start_up_file));
    assert!(!parses(&script.replacen("param(", "param((", 1)));
    tell("PowerShell: 2 texts parsed, 0 run");
}
