//! Reads the fenced blocks of a page, so that what a page says to run is what a test runs.
//!
//! The first word behind the fence is the language. What follows it says where the block is to be
//! run; `not-here: WHY` that it cannot be run in the sandbox.

/// A fenced block.
#[derive(Debug)]
pub struct Block<'a> {
    pub language: &'a str,
    /// Where it is to be run; empty for a person who is signed in to az.
    pub scene: &'a str,
    pub text: String,
}

/// Every block of a page, in order.
pub fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            continue;
        };
        let (language, scene) = info.split_once(' ').unwrap_or((info, ""));
        let inside = lines.by_ref().take_while(|line| *line != "```");
        let text = inside.flat_map(|line| [line, "\n"]).collect();
        blocks.push(Block {
            language,
            scene,
            text,
        });
    }
    blocks
}

/// What a page shows below the block at `at` as its output: the block after it, of plain text.
pub fn output_of<'a>(blocks: &'a [Block<'_>], at: usize) -> Option<&'a str> {
    let next = blocks.get(at + 1)?;
    (next.language == "text").then_some(&next.text)
}

/// What a program printed, as a page shows it: without spaces at the ends of lines.
pub fn shown(printed: &str) -> String {
    let lines = printed.trim_end().lines();
    lines.flat_map(|line| [line.trim_end(), "\n"]).collect()
}

/// The text of the one block in `language`.
#[track_caller]
pub fn block(page: &str, language: &str) -> String {
    let mut found = blocks(page);
    found.retain(|block| block.language == language);
    assert_eq!(found.len(), 1, "{language}");
    found.remove(0).text
}
