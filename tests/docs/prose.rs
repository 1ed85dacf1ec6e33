//! The phrases that the project's rules for prose replace don't come back: in documents, comments,
//! messages, completions and snapshots.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::links::{documents, files_below};
use crate::place;

/// Files, and how to find the prose in one.
struct Tree {
    files: fn() -> Vec<PathBuf>,
    prose: fn(&str) -> String,
    /// Whether users read it, and not only those who change the program.
    is_for_users: bool,
}

const TREES: &[Tree] = &[
    Tree {
        // Documents.
        files: || {
            let is_generated = |path: &PathBuf| path.ends_with("docs/cli.md");
            documents()
                .into_iter()
                .filter(|path| !is_generated(path))
                .collect()
        },
        prose: prose_of_markdown,
        is_for_users: true,
    },
    Tree {
        // Generated.
        files: || vec![place("docs/cli.md"), place("docs/entra-psql.1")],
        prose: prose_of_markdown,
        is_for_users: true,
    },
    Tree {
        // Snapshots.
        files: || files_below(&place("tests/snapshots")),
        prose: prose_of_markdown,
        is_for_users: true,
    },
    Tree {
        // Completions.
        files: || files_below(&place("completions")),
        prose: prose_of_scripts,
        is_for_users: false,
    },
    Tree {
        // Messages.
        files: sources,
        prose: |text| prose_of_rust(text, Part::Strings),
        is_for_users: true,
    },
    Tree {
        // Comments.
        files: sources,
        prose: |text| prose_of_rust(text, Part::Comments),
        is_for_users: false,
    },
];

/// A phrase, and what to write. A space in the pattern is any white space.
struct Phrase {
    pattern: &'static str,
    /// Good English that the pattern would find too.
    except: &'static str,
    instead: &'static str,
    /// Whether it is left alone where only those read it who change the program.
    is_for_users: bool,
}

const fn phrase(pattern: &'static str, instead: &'static str) -> Phrase {
    Phrase {
        pattern,
        except: "",
        instead,
        is_for_users: false,
    }
}

const fn phrase_except(
    pattern: &'static str,
    except: &'static str,
    instead: &'static str,
) -> Phrase {
    Phrase {
        except,
        ..phrase(pattern, instead)
    }
}

const fn phrase_for_users(
    pattern: &'static str,
    except: &'static str,
    instead: &'static str,
) -> Phrase {
    Phrase {
        is_for_users: true,
        ..phrase_except(pattern, except, instead)
    }
}

const PHRASES: &[Phrase] = &[
    phrase_except(
        r"(?i)\b(is|are|was|were) no\b",
        r"(?i)\bthere (is|are|was|were) no\b|\b(is|are|was|were) no (longer|more than|less|better|different)\b",
        "isn't a",
    ),
    phrase(r"(?i)\banew\b", "again"),
    phrase(r"(?i)\bmend(s|ed|ing)?\b", "fix"),
    phrase(r"(?i)\b(whoever|whomever)\b", "someone, you"),
    phrase_except(r"(?i)\bso that\b", r"(?i)\bso that's\b", "so"),
    phrase_except(
        r"(?i)\bbehind\b",
        r"(?i)\bbehind (a|an|the|your|its|this) (\w+ )?(proxy|proxies|firewall|gateway|balancer|vpn)\b|\bleft behind\b",
        "after",
    ),
    phrase(
        r"(?i)\bbecom(e|es|ing) (psql|the program)\b|\b(psql|program) to become\b",
        "run psql",
    ),
    phrase(r"(?i)\blook(s|ed|ing)? at\b", "check"),
    phrase(r"(?i)\bat hand\b", "configured, available"),
    // A condition. A comment may begin with a place.
    phrase_for_users(r"\bWhere\b[^.;:?|\x00]{3,90}?, ", "", "If …, When …"),
    phrase(
        r"(?i)\bwhere (there (is|are)|nothing|none|nobody|no one|neither|somebody)\b",
        "if",
    ),
    phrase(r"(?i)\bremember(s|ed|ing)?\b", "cache"),
    phrase(r"(?i)\b(isn't|aren't|is|are|not) spoken\b", "supported"),
    phrase_except(
        r"(?i)\b(psql|psql\.exe|az|azd|libpq|entra-psql|entra|graph|openssl|rustls|clap|pgadmin|cmd|server|servers|program|programs|host|shell|system|sdk|store|token|file|endpoint|message|messages|error|errors|help|variable|option) ((also|still|itself|then|never|only|may|can|already) )?(says?|said|wants?|wanted|speaks?|spoke|knows?|knew|tells?|told|thinks?)\b",
        r"(?i)\berror (that )?says so\b",
        "reports, supports, requires, returns",
    ),
    phrase(r"(?i)\bspelled so\b", "exactly"),
    phrase_except(
        r"(?i)\bwhat (\S+ ){0,4}(comes?|came) (of|to)\b",
        "",
        "the result of",
    ),
    phrase_except(
        r"(?i)\bstands? (beside|behind|there|alone|in)\b",
        r"(?i)\bstands? in for\b",
        "is",
    ),
    phrase(r"(?i)\bfor good\b", "permanently"),
    phrase(
        r"(?i)\b(thereof|therein|thereby|wherein|whereof|whereby|hitherto|heretofore|herein)\b",
        "plain words",
    ),
    phrase_for_users(r"(\d|\}) s\b", "", "30s"),
    phrase_for_users(
        r"(?i)\bwords?\b",
        r"(?i)\bin other words\b|\b\d+ words\b",
        "argument, message",
    ),
    phrase_for_users(
        r"(?m)(?:^|[\s(`])(we|We|us|our|Our|ours)\b",
        "",
        "entra-psql",
    ),
];

#[test]
fn no_phrase_comes_back() {
    let mut failures = Vec::new();
    for tree in TREES {
        for file in (tree.files)() {
            failures.extend(found_in(&file, tree));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn sources() -> Vec<PathBuf> {
    files_below(&place("src"))
}

fn found_in(file: &Path, tree: &Tree) -> Vec<String> {
    let text = fs::read_to_string(file).expect("a text");
    let name = file.strip_prefix(place("")).unwrap_or(file).display();
    let found = phrases_in(&(tree.prose)(&text), tree.is_for_users);
    found
        .into_iter()
        .map(|(line, phrase, instead)| format!("{name}:{line}: `{phrase}`: write {instead}"))
        .collect()
}

/// Each phrase with its line, and what to write.
fn phrases_in(prose: &str, is_for_users: bool) -> Vec<(usize, String, &'static str)> {
    let mut found = Vec::new();
    for (phrase, pattern, except) in &*COMPILED {
        if phrase.is_for_users && !is_for_users {
            continue;
        }
        let prose = match except {
            Some(except) => blank(prose, except),
            None => prose.to_owned(),
        };
        for hit in pattern.find_iter(&prose) {
            let line = prose[..hit.start()].matches('\n').count() + 1;
            let words: Vec<&str> = hit.as_str().split_whitespace().collect();
            found.push((line, words.join(" "), phrase.instead));
        }
    }
    found.sort();
    found
}

/// Each phrase with its patterns.
static COMPILED: LazyLock<Vec<(&Phrase, Regex, Option<Regex>)>> = LazyLock::new(|| {
    let except = |text: &str| (!text.is_empty()).then(|| compiled(text));
    let both = |phrase: &'static Phrase| (phrase, compiled(phrase.pattern), except(phrase.except));
    PHRASES.iter().map(both).collect()
});

/// A pattern in which each space is any white space.
fn compiled(pattern: &str) -> Regex {
    Regex::new(&pattern.replace(' ', r"\s+")).expect("a pattern")
}

/// `text` with what matches replaced by characters that no phrase has, and every line where it was.
fn blank(text: &str, pattern: &Regex) -> String {
    let cover = |found: &Captures<'_>| covered(&found[0]);
    pattern.replace_all(text, cover).into_owned()
}

fn covered(text: &str) -> String {
    let cover = |c| if c == '\n' { '\n' } else { '\0' };
    text.chars().map(cover).collect()
}

/// Without code, in blocks and between backticks.
fn prose_of_markdown(text: &str) -> String {
    let mut is_code = false;
    let mut prose = String::new();
    for line in text.split_inclusive('\n') {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        if is_code || is_fence || line.starts_with("    ") {
            prose += &covered(line);
        } else if line == "\n" || line.starts_with('#') {
            // A sentence doesn't go on after a heading or an empty line.
            prose += &line.replace('\n', "\0\n");
        } else {
            prose += line;
        }
    }
    without_quoted_code(&prose)
}

fn without_quoted_code(prose: &str) -> String {
    static CODE: LazyLock<Regex> = LazyLock::new(|| compiled("``[^\0]*?``|`[^`\0]*`"));
    blank(prose, &CODE)
}

/// Comments, and texts between quotes that have several words.
fn prose_of_scripts(text: &str) -> String {
    let prose =
        Regex::new(r#"(?m)(?:^|\s)#.*$|'[^'\n]* [^'\n]* [^'\n]*'|"[^"$\n]* [^"$\n]* [^"$\n]*""#);
    let mut kept = String::new();
    let mut at = 0;
    for found in prose.expect("a pattern").find_iter(text) {
        kept += &covered(&text[at..found.start()]);
        kept += found.as_str();
        at = found.end();
    }
    kept + &covered(&text[at..])
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Comments,
    Strings,
}

/// The comments of a Rust source, or the texts in its strings. A text goes on in the next line
/// after a backslash, and a comment after its slashes.
fn prose_of_rust(text: &str, part: Part) -> String {
    static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
        let token = Regex::new(
            r#"(?x)
        (?<comment> //[^\n]* (?: \n \s* //[^\n]* )* )
        | (?<raw> b?r\#+"(?s:.*?)"\#+ | b?r"[^"]*" )
        | (?<string> b?"(?: \\(?s:.) | [^"\\] )*" )
        | '(?: \\.[^']* | [^'\\] )'
        "#,
        );
        token.expect("a pattern")
    });
    // A place for a value, whose name is code.
    static NAME: LazyLock<Regex> = LazyLock::new(|| compiled(r"\{\w+(:[^}\s]*)?\}"));
    let (mut prose, mut at) = (String::new(), 0);
    for found in TOKEN.captures_iter(text) {
        let all = found.get(0).expect("a match");
        prose += &covered(&text[at..all.start()]);
        let is_comment = found.name("comment").is_some();
        let is_string = found.name("raw").or(found.name("string")).is_some();
        prose += &match part {
            Part::Comments if is_comment => all.as_str().replace(['/', '!'], " "),
            // Without a space it is a name.
            Part::Strings if is_string && all.as_str().contains(' ') => {
                NAME.replace_all(all.as_str(), "{}").replace("\\\n", " \n")
            }
            _ => covered(all.as_str()),
        };
        at = all.end();
    }
    prose += &covered(&text[at..]);
    without_quoted_code(&prose)
}

#[test]
fn bad_sentences_are_found_and_good_ones_pass() {
    for bad in [
        "Where the server wants an Entra token, it gets one.",
        "Everywhere else it becomes psql at once",
        "untouched, so\nthat this is safe to keep for good",
        "It is looked at before it is used",
        "the identity endpoint of Azure Arc is not spoken here",
        "other sign-ins as the same took all of 30 s",
        "this is no number of seconds above 0",
        "Its own words stand behind it",
        "Get a new token, whatever is remembered",
        "Is another password at hand?",
        "whoever holds it is you",
        "The libpq that psql knows wants a file",
        "it has to be mended, and written anew",
    ] {
        assert!(!phrases_in(bad, true).is_empty(), "{bad}");
    }
    for good in [
        "If the server uses Entra, entra-psql gets a token, so you can alias it permanently.",
        "There is no release yet, and it is no longer used behind a proxy.",
        "The place where the server's file is says nothing about you.",
        "It isn't a number of seconds greater than 0: it timed out after 30s.",
        "Put the program's own arguments after it.",
        "The US Government's password: whatever the server, amend nothing.",
    ] {
        assert_eq!(phrases_in(good, true), [], "{good}");
    }
}

#[test]
fn prose_is_found_in_every_form() {
    let rust = "/// One `anew`\n/// anew.\nfn anew() { say(\"{anew} mended \\\n   anew\", 'a', \"\\\"anew now\"); } // anew\n";
    let lines = |part| {
        let found = phrases_in(&prose_of_rust(rust, part), true);
        found.into_iter().map(|(line, ..)| line).collect::<Vec<_>>()
    };
    assert_eq!(lines(Part::Comments), [2, 4]);
    assert_eq!(lines(Part::Strings), [3, 4, 4]);
    let page = "anew\n```sh\nanew\n```\n`anew` anew\n\n    anew\n";
    let found = phrases_in(&prose_of_markdown(page), true);
    assert_eq!(
        found.iter().map(|(line, ..)| *line).collect::<Vec<_>>(),
        [1, 5]
    );
    let script = "anew=1 # anew\nsay 'do it anew' 'anew'\n";
    let found = phrases_in(&prose_of_scripts(script), false);
    assert_eq!(
        found.iter().map(|(line, ..)| *line).collect::<Vec<_>>(),
        [1, 2]
    );
}
