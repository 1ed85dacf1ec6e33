//! Cleans texts from elsewhere before they are shown: one line, every character visible, no
//! secrets.

use std::borrow::Cow;

/// Replaces what is hidden.
const HIDDEN: &str = "(hidden)";

/// The ends of secrets' names in libpq, az and Entra.
const SECRET_NAMES: [&str; 6] = [
    "password",
    "scram_client_key",
    "scram_server_key",
    "client_secret",
    "access_token",
    "refresh_token",
];

/// `{"` in base64url, which begins every JWT and each of its readable parts.
const TOKEN: &str = "eyJ";

/// A shorter run of letters inside a word isn't a token: `keyJar`.
const SHORTEST_TOKEN: usize = 20;

/// Returns `text` in one line, without secrets, and without anything that moves the cursor or
/// reorders text.
pub fn clean(text: &str) -> String {
    let text = without_secrets(text);
    let mut line = String::with_capacity(text.len());
    let mut is_gap = false;
    for c in text.chars() {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            is_gap = true;
            continue;
        }
        // One space replaces any number of them, unless there is one already.
        if std::mem::take(&mut is_gap) && c != ' ' && !line.ends_with(' ') {
            line.push(' ');
        }
        if is_invisible(c) {
            line.extend(c.escape_unicode());
        } else {
            line.push(c);
        }
    }
    line.trim().to_owned()
}

/// Returns whether a character is invisible: a control character, or one that formats or reorders
/// others.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Returns `text` without tokens, passwords in URIs and values of secrets.
pub fn without_secrets(text: &str) -> String {
    without_tokens(&without_values(&without_credentials(text)))
}

/// Returns whether `word` may be a connection string or URI with a secret in it, even if libpq
/// doesn't accept it.
pub fn may_hold_secret(word: &str) -> bool {
    let has_name = |text: &str| {
        let text = text.to_ascii_lowercase();
        SECRET_NAMES.iter().any(|name| text.contains(name))
    };
    let has_credentials = |(_, rest): (&str, &str)| {
        rest.split_once(':')
            .is_some_and(|(_, rest)| rest.contains('@'))
    };
    has_name(word)
        || has_name(&percent_decoded(word))
        || word.split_once("://").is_some_and(has_credentials)
}

/// Hides the password between a URI's user and host.
fn without_credentials(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut from = 0;
    // A text may hold a great many URIs, so their ends are found once.
    let (mut whole, mut word): (Option<Span>, Option<Span>) = (None, None);
    while let Some(at) = text[from..].find("://") {
        let start = from + at + 3;
        shown.push_str(&text[from..start]);
        from = start;
        // libpq accepts spaces in a URI; in a sentence, one ends any other.
        let is_libpqs =
            ["postgres://", "postgresql://"].map(|scheme| text[..start].ends_with(scheme));
        let span = match is_libpqs {
            [false, false] => {
                word = word.filter(|word| word.end >= start);
                word.get_or_insert_with(|| Span::of_word(text, start))
            }
            _ => whole.get_or_insert_with(|| Span::new(text, start, text.len())),
        };
        if let Some((user, host)) = credentials(text, start, span) {
            shown.push_str(&text[start..user]);
            shown.push_str(HIDDEN);
            from = host;
        }
    }
    shown + &text[from..]
}

/// A part of a text, by its end and the last `@` in it.
struct Span {
    end: usize,
    last_at: Option<usize>,
}

impl Span {
    fn new(text: &str, start: usize, end: usize) -> Self {
        Self {
            end,
            last_at: text[start..end].rfind('@').map(|at| start + at),
        }
    }

    fn of_word(text: &str, start: usize) -> Self {
        let length = text[start..].find(char::is_whitespace);
        let end = length.map_or(text.len(), |length| start + length);
        Self::new(text, start, end)
    }
}

/// Returns where the password of a URI, whose `://` ends at `start`, begins and ends.
fn credentials(text: &str, start: usize, span: &Span) -> Option<(usize, usize)> {
    let authority = text[start..span.end].find(['/', '?', '#']);
    let authority = authority.map_or(span.end, |length| start + length);
    // A password may contain a slash, although libpq ends it there.
    let host = text[start..authority]
        .rfind('@')
        .map(|at| start + at)
        .or_else(|| span.last_at.filter(|at| *at >= start))?;
    let user = start + text[start..host].find(':')? + 1;
    Some((user, host))
}

/// Hides what follows the name of a secret and `=`.
fn without_values(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('=') {
        let (before, after) = rest.split_at(at + 1);
        shown.push_str(before);
        rest = after;
        if is_secret(&before[..at]) {
            let length = length_of_value(after);
            if length > 0 {
                shown.push_str(HIDDEN);
            }
            rest = &after[length..];
        }
    }
    shown + rest
}

/// Returns whether `before` ends in the name of a secret, which may be percent-encoded.
fn is_secret(before: &str) -> bool {
    let before = before.trim_end();
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '%');
    let name = before.trim_end_matches(is_part).len();
    let name = percent_decoded(&before[name..]).to_ascii_lowercase();
    SECRET_NAMES.iter().any(|secret| name.ends_with(secret))
}

/// Returns the length of a value as libpq reads it: quoted, or up to a space that has no backslash
/// before it.
fn length_of_value(text: &str) -> usize {
    let start = text.len() - text.trim_start().len();
    let quote = text[start..]
        .chars()
        .next()
        .filter(|c| matches!(c, '\'' | '"'));
    let mut is_escaped = false;
    let end = text[start..]
        .char_indices()
        .skip(usize::from(quote.is_some()))
        .find_map(|(at, c)| {
            let ends = match quote {
                Some(quote) => c == quote,
                None => c.is_whitespace(),
            };
            if ends && !is_escaped {
                return Some(start + at + quote.map_or(0, char::len_utf8));
            }
            is_escaped = c == '\\' && !is_escaped;
            None
        });
    let value = &text[..end.unwrap_or(text.len())];
    if value.trim_start().is_empty() {
        return 0;
    }
    // Messages put quotations in backticks.
    let unquoted = value.trim_end_matches([',', '.', ';', ':', ')']);
    unquoted.strip_suffix('`').map_or(value.len(), str::len)
}

/// Hides anything that looks like a JWT, whole or cut, as it is or percent-encoded.
fn without_tokens(text: &str) -> String {
    let is_part =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '%' | '+' | '/' | '=');
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(TOKEN) {
        let (before, token) = rest.split_at(at);
        let length = token.find(|c| !is_part(c)).unwrap_or(token.len());
        let is_inside_word = before.ends_with(|c: char| c.is_ascii_alphanumeric());
        shown.push_str(before);
        if is_inside_word && length < SHORTEST_TOKEN {
            shown.push_str(&token[..length]);
        } else {
            shown.push_str(HIDDEN);
            // A sentence's full stop isn't part of the token.
            if token[..length].ends_with('.') {
                shown.push('.');
            }
        }
        rest = &token[length..];
    }
    shown + rest
}

/// Decodes as libpq does, but keeps what can't be decoded.
fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let [first, rest @ ..] = bytes {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let byte = match rest {
            [high, low, ..] if *first == b'%' => digit(*high)
                .zip(digit(*low))
                .and_then(|(high, low)| u8::try_from(high << 4 | low).ok()),
            _ => None,
        };
        decoded.push(byte.unwrap_or(*first));
        bytes = if byte.is_some() { &rest[2..] } else { rest };
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_of_visible_characters() {
        for (text, shown) in [
            ("a\tb\u{1b}[31m\u{9b}31mred\r\n\nb\n", "a b [31m 31mred b"),
            (
                "a\u{202e}cba\u{2066}\u{200b}",
                "a\\u{202e}cba\\u{2066}\\u{200b}",
            ),
            ("\u{1b}a \u{2028} b\u{0}c \r d", "a  b c  d"),
            ("\u{fb00} Größe 名前 👋", "\u{fb00} Größe 名前 👋"),
        ] {
            assert_eq!(clean(text), shown);
            assert_eq!(clean(shown), shown);
        }
    }

    #[test]
    fn tokens_are_hidden() {
        for (text, shown) in [
            ("x eyJhbGciOi.eyJhdWQi.c2ln, and on", "x (hidden), and on"),
            ("\"eyJ0.x.y\" z", "\"(hidden)\" z"),
            ("a eyJ", "a (hidden)"),
            ("it is eyJ0eXAi.", "it is (hidden)."),
            ("?a=eyJ0eXAi%2EeyJhdWQi%2Ec2ln&b", "?a=(hidden)&b"),
            ("%22eyJ0eXAiOiJKV1QiLCJhbGci", "%22(hidden)"),
            ("\\neyJ0eXAiOiJKV1QiLCJhbGci\\n", "\\n(hidden)\\n"),
            (
                "ey\u{200b}J0.eyJhdWQiOiJodHRwczovLyJ9.c2ln",
                "ey\\u{200b}J0.(hidden)",
            ),
            ("monkeyJungle", "monkeyJungle"),
        ] {
            assert_eq!(clean(text), shown);
        }
    }

    #[test]
    fn passwords_are_hidden() {
        for (text, shown) in [
            ("postgres://u:p@h?nope=1", "postgres://u:(hidden)@h?nope=1"),
            ("postgres://u:p%@h", "postgres://u:(hidden)@h"),
            (
                "`postgresql://u:a b@c@h/d`",
                "`postgresql://u:(hidden)@h/d`",
            ),
            ("postgres://u:a/b@h/d", "postgres://u:(hidden)@h/d"),
            (
                "via http://u:p@proxy:80 to a@b",
                "via http://u:(hidden)@proxy:80 to a@b",
            ),
            ("https://h:443/a and x@y", "https://h:443/a and x@y"),
            (
                "host=x Password = 'a b\\' c' y",
                "host=x Password =(hidden) y",
            ),
            ("sslpassword=a\\ b c", "sslpassword=(hidden) c"),
            ("x?pass%77ord=a&b", "x?pass%77ord=(hidden)"),
            ("`scram_client_key=a`, b", "`scram_client_key=(hidden)`, b"),
            (
                "oauth_client_secret=\"a b\"",
                "oauth_client_secret=(hidden)",
            ),
            ("password='never ended", "password=(hidden)"),
            ("`password=` x=y", "`password=` x=y"),
            ("take `password` out", "take `password` out"),
        ] {
            assert_eq!(clean(text), shown);
        }
    }

    /// Searching again for each of them would take minutes.
    #[test]
    fn a_great_many_of_anything_is_cleaned_at_once() {
        for piece in [
            "://",
            ":// ",
            "://:",
            "postgres://",
            "postgres://a ",
            "http://a postgres://",
            "eyJ",
            "password=",
            "password= ",
            "%70",
            "\u{202e}",
            "\n ",
        ] {
            let text = piece.repeat(200_000 / piece.len());
            let began = std::time::Instant::now();
            let _ = clean(&text);
            let took = began.elapsed();
            assert!(took.as_secs() < 5, "{piece:?} takes {took:?}");
        }
    }

    #[test]
    fn words_with_secrets_are_known() {
        for word in [
            "postgres://u:p@h?nope=1",
            "-dpostgresql://u:p%@h",
            "--dbname=postgres://u:a b@h",
            "postgres://h?pass%77ord=x",
            "postgres://h?PASSWORD%3Dx",
            "host=x scram_server_key = y",
            "-vx=oauth_client_secret=y",
            "alter role a password 'b'",
        ] {
            assert!(may_hold_secret(word), "{word}");
        }
        for word in [
            "postgres://a@h:5432/d",
            "postgres://h:5432/d",
            "select 1",
            "%",
        ] {
            assert!(!may_hold_secret(word), "{word}");
        }
    }
}
