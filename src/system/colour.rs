//! Colours what a person reads at a terminal: only the words that classify a line.
//!
//! The usual conventions decide: `NO_COLOR`, then `CLICOLOR_FORCE`, then `CLICOLOR=0`, then whether
//! the stream is a terminal that shows colours (`TERM` is neither unset nor `dumb`).

use std::io::IsTerminal;

use anstyle::{AnsiColor, Style};

pub const GOOD: Style = bold(AnsiColor::Green);
pub const BAD: Style = bold(AnsiColor::Red);
pub const WORRYING: Style = bold(AnsiColor::Yellow);
pub const HELPFUL: Style = bold(AnsiColor::Cyan);

const fn bold(colour: AnsiColor) -> Style {
    colour.on_default().bold()
}

/// Returns whether to colour what is written to `stream`.
pub fn is_wanted(stream: &impl IsTerminal) -> bool {
    if anstyle_query::no_color() {
        return false;
    }
    if anstyle_query::clicolor_force() {
        return true;
    }
    anstyle_query::clicolor() != Some(false) && has_escapes(stream)
}

/// Returns whether `stream` is a terminal that understands escape sequences, which a Windows
/// console has to be told to do.
pub fn has_escapes(stream: &impl IsTerminal) -> bool {
    stream.is_terminal()
        && anstyle_query::term_supports_color()
        && anstyle_query::windows::enable_ansi_colors().unwrap_or(true)
}

/// Returns `text` in `style`, or unchanged if no colour is wanted.
pub fn paint(text: &str, style: Style, is_wanted: bool) -> String {
    if is_wanted {
        format!("{style}{text}{style:#}")
    } else {
        text.to_owned()
    }
}
