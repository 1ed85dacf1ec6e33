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
    let script = for_shell("powershell").expect("a script");
    let start_up_file = page::block(PAGE, "powershell");
    let (text, words_only) = (script.print(false), script.print(true));
    assert!(parses(&text) && parses(&words_only) && parses(&start_up_file));
    assert!(!parses(&text.replacen("param(", "param((", 1)));
    assert!(text.contains("Help = 'Run this psql'") && !words_only.contains("Help = '"));
    tell("PowerShell: 3 texts parsed, 0 run");
}
