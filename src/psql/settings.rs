//! The values that psql refuses for `-P` (printing parameters) and `-v` (variables).
//!
//! psql checks both while it reads its options, and ends at the first bad one without connecting.
//! The rules are those of psql 15 (`do_pset`, and the assign hooks of its special variables). What
//! any psql from 13 on accepts is accepted: later parameters, and every value of variables that
//! only later versions check.

/// Returns whether psql accepts `-P WORD`. It refuses unknown names.
pub fn print_setting_is_accepted(word: &[u8]) -> bool {
    let (name, value) = split_at_equals(word);
    let Ok(name) = std::str::from_utf8(name) else {
        return false;
    };
    let check: fn(&[u8]) -> bool = match name {
        "format" => is_format,
        "linestyle" => |v| is_prefix_of_any(v, &["ascii", "old-ascii", "unicode"]),
        "unicode_border_linestyle" | "unicode_column_linestyle" | "unicode_header_linestyle" => {
            |v| is_prefix_of_any(v, &["single", "double"])
        }
        "x" | "expanded" | "vertical" => |v| is_bool(v) || is_word(v, &["auto"]),
        "pager" => |v| is_bool(v) || is_word(v, &["always"]),
        "numericlocale" | "t" | "tuples_only" | "footer" => is_bool,
        "csv_fieldsep" => |v| v.len() == 1 && !matches!(v[0], b'"' | b'\n' | b'\r'),
        // psql 16 and later.
        "xheader_width" => |v| is_word(v, &["full", "column", "page"]) || leading_number(v) != 0,
        "border" | "null" | "fieldsep" | "fieldsep_zero" | "recordsep" | "recordsep_zero" | "C"
        | "title" | "T" | "tableattr" | "pager_min_lines" | "columns" => |_| true,
        _ => return false,
    };
    value.is_none_or(check)
}

/// Returns whether psql accepts `-v WORD`.
pub fn variable_is_accepted(word: &[u8]) -> bool {
    let (name, value) = split_at_equals(word);
    // Without a value the variable is unset. That's never refused: each special one has a default.
    let Some(value) = value else { return true };
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || !b.is_ascii();
    if name.is_empty() || !name.iter().all(is_name) {
        return false;
    }
    let or_bool = |words: &[&str]| value.is_empty() || is_bool(value) || is_word(value, words);
    match name {
        b"AUTOCOMMIT" | b"ON_ERROR_STOP" | b"QUIET" | b"SINGLELINE" | b"SINGLESTEP"
        | b"HIDE_TABLEAM" => or_bool(&[]),
        b"ECHO_HIDDEN" => or_bool(&["noexec"]),
        b"ON_ERROR_ROLLBACK" => or_bool(&["interactive"]),
        b"FETCH_COUNT" | b"HISTSIZE" => is_int(value),
        b"ECHO" => is_word(value, &["queries", "errors", "all", "none"]),
        b"COMP_KEYWORD_CASE" => is_word(
            value,
            &["preserve-upper", "preserve-lower", "upper", "lower"],
        ),
        b"HISTCONTROL" => is_word(value, &["ignorespace", "ignoredups", "ignoreboth", "none"]),
        b"VERBOSITY" => is_word(value, &["default", "verbose", "terse", "sqlstate"]),
        b"SHOW_CONTEXT" => is_word(value, &["never", "errors", "always"]),
        _ => true,
    }
}

fn split_at_equals(word: &[u8]) -> (&[u8], Option<&[u8]>) {
    match word.iter().position(|&b| b == b'=') {
        Some(at) => (&word[..at], Some(&word[at + 1..])),
        None => (word, None),
    }
}

fn is_prefix(value: &[u8], of: &str) -> bool {
    of.len() >= value.len() && of.as_bytes()[..value.len()].eq_ignore_ascii_case(value)
}

fn is_prefix_of_any(value: &[u8], words: &[&str]) -> bool {
    words.iter().any(|word| is_prefix(value, word))
}

fn is_word(value: &[u8], words: &[&str]) -> bool {
    words
        .iter()
        .any(|word| word.as_bytes().eq_ignore_ascii_case(value))
}

/// Returns whether a value is an output format, or abbreviates only one.
fn is_format(value: &[u8]) -> bool {
    const FORMATS: [&str; 8] = [
        "aligned",
        "asciidoc",
        "csv",
        "html",
        "latex",
        "troff-ms",
        "unaligned",
        "wrapped",
    ];
    match FORMATS
        .iter()
        .filter(|format| is_prefix(value, format))
        .count()
    {
        0 => is_prefix(value, "latex-longtable"),
        fitting => fitting == 1,
    }
}

/// Returns whether psql reads a value as a Boolean: `true`, `false`, `yes`, `no` and their
/// prefixes, `on`, `off`, `of`, 1, 0.
fn is_bool(value: &[u8]) -> bool {
    if value.is_empty() {
        return false;
    }
    is_prefix_of_any(value, &["true", "false", "yes", "no"])
        || is_word(value, &["on", "of", "off", "1", "0"])
}

/// Returns whether C's `strtol` with base 0 reads a value to its end, and an `int` holds the
/// result.
fn is_int(value: &[u8]) -> bool {
    let (negative, digits) = sign_and_digits(value);
    let (radix, digits) = match digits {
        [b'0', b'x' | b'X', rest @ ..] if !rest.is_empty() => (16, rest),
        [b'0', _, ..] => (8, digits),
        _ => (10, digits),
    };
    if !digits.first().is_some_and(u8::is_ascii_hexdigit) {
        return false;
    }
    std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| i64::from_str_radix(digits, radix).ok())
        .is_some_and(|n| i32::try_from(if negative { -n } else { n }).is_ok())
}

/// Returns what glibc's `atoi` returns: the lower half of the `long` that a value starts with, or
/// 0.
#[expect(clippy::cast_possible_truncation, reason = "as `atoi` does")]
fn leading_number(value: &[u8]) -> i32 {
    let (negative, rest) = sign_and_digits(value);
    let digits = rest.iter().take_while(|b| b.is_ascii_digit());
    let number = digits.fold(0_i64, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(i64::from(digit - b'0'))
    });
    let number = match number {
        i64::MAX if negative => i64::MIN,
        number if negative => -number,
        number => number,
    };
    number as i32
}

fn sign_and_digits(value: &[u8]) -> (bool, &[u8]) {
    let blank = |b: &u8| b.is_ascii_whitespace() || *b == 0x0b;
    let start = value.iter().take_while(|b| blank(b)).count();
    match &value[start..] {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_parameters() {
        for good in [
            "format=un",
            "format",
            "format=latex-l",
            "format=LATEX",
            "border=junk",
            "x",
            "x=auto",
            "pager=always",
            "t=of",
            "footer=YE",
            "linestyle=",
            "csv_fieldsep=;",
            "null=",
            "fieldsep_zero=x",
            "unicode_border_linestyle=d",
            "xheader_width=40",
            "xheader_width= -1x",
            "xheader_width=99999999999999999999",
        ] {
            assert!(print_setting_is_accepted(good.as_bytes()), "{good}");
        }
        for bad in [
            "format=a",
            "format=",
            "format=xml",
            "x=maybe",
            "t=",
            "t=o",
            "csv_fieldsep=ab",
            "csv_fieldsep=\"",
            "unknown",
            "",
            "=x",
            "Border=1",
            "linestyle=x",
            "xheader_width=0",
            "xheader_width=x1",
            "xheader_width=4294967296",
            "xheader_width=-99999999999999999999",
        ] {
            assert!(!print_setting_is_accepted(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn variables() {
        for good in [
            "a=b",
            "a",
            "a b",
            "",
            "AUTOCOMMIT=",
            "AUTOCOMMIT=off",
            "AUTOCOMMIT",
            "ECHO",
            "FETCH_COUNT= 0x1F",
            "FETCH_COUNT=-010",
            "IGNOREEOF=x",
            "HISTSIZE",
            "\u{e4}=1",
            "ON_ERROR_ROLLBACK=Interactive",
            "PROMPT1=%",
            "HISTSIZE=0",
            // psql 13 doesn't check it.
            "SHOW_ALL_RESULTS=maybe",
        ] {
            assert!(variable_is_accepted(good.as_bytes()), "{good}");
        }
        for bad in [
            "a b=c",
            "=c",
            "AUTOCOMMIT=maybe",
            "FETCH_COUNT=",
            "FETCH_COUNT=1x",
            "FETCH_COUNT=09",
            "FETCH_COUNT=2147483648",
            "ECHO=",
            "VERBOSITY=loud",
            "FETCH_COUNT=+-1",
            "HISTSIZE=0x",
        ] {
            assert!(!variable_is_accepted(bad.as_bytes()), "{bad}");
        }
    }
}
