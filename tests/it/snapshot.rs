//! Whole texts, as they reach a person: `tests/snapshots/AREA.txt` has a section for each case,
//! with the exit code and every line of standard output (`out:`) and standard error (`err:`). What
//! differs from run to run stands there as `{word}`.
//!
//! `UPDATE_DOCS=1 cargo test --test it` writes them again. A test names its case in full, as in
//! `matches("az/missing")`, so that a section that nothing asks for is found by its name.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::{NoExpand, Regex};
use sandbox::Sandbox;

use crate::support::{PROGRAM, Ran, is_windows};

const HEAD: &str = "# Written by `UPDATE_DOCS=1 cargo test --test it`.\n";
const ERROR: &str = "entra-psql: error: ";
const HINT: &str = "entra-psql: hint: ";

/// The texts of this run. Held while a file is read and written, since tests run side by side.
static SEEN: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());

/// What differs from run to run or from machine to machine, besides the places that [`stable`]
/// knows.
static VARYING: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let patterns = [
        (r"eyJ[\w.-]+", "{token}"),
        (r"(127\.0\.0\.1|localhost)(:|%3A)\d{5}\b", "${1}${2}{port}"),
        (r#"(?i)(port(?: |=|%3D)["'`]?)\d{5}\b"#, "${1}{port}"),
        (r"\d{2,} minutes left", "{minutes} minutes left"),
        (r"\d{4}-\d\d-\d\d|\w{3}, \d\d? \w{3} \d{4}", "{date}"),
        (r"\d\d:\d\d:\d\d( \+0000|Z)", "{time}"),
        (r"\d+s ago", "{seconds}s ago"),
        (r"(hidden: |token has )\d+ bytes", "${1}{bytes} bytes"),
        (r"_ssl\.c:\d+", "_ssl.c:{line}"),
        (
            r"psql \(PostgreSQL\) [^,\n]+",
            "psql (PostgreSQL) {version}",
        ),
        (
            r"PostgreSQL \d[^,\n]*, \d+ ms",
            "PostgreSQL {version}, {time}",
        ),
        (r", version [\d.]+;", ", version {version};"),
        (r"for \w+ on \w+", "for {system}"),
        (r"(5432|6432) is (open|closed)", "$1 is {state}"),
        (r"\.s\.PGSQL\.\d+", ".s.PGSQL.{port}"),
        (r"\(os error \d+\)", "(os error {number})"),
        (r"(lookup address information: )[^\n(]+", "${1}{reason}"),
        (r", libpq [\w.]+", ", libpq {version}"),
        (
            r#"(entra-psql"?:? "?)\d+\.\d+\.\d+[\w.+-]*"#,
            "${1}{version}",
        ),
        (r"token-[0-9a-f]{16}", "token-{key}"),
        (r"(state|code_challenge)=[\w-]+", "${1}={random}"),
    ];
    let compiled = patterns.map(|(pattern, word)| (Regex::new(pattern).expect("a pattern"), word));
    compiled.into()
});

impl Ran {
    /// All that was said, and the exit code, are what the snapshot holds.
    #[track_caller]
    pub fn matches(&self, name: &str) {
        let out = lines("out", &self.stdout);
        self.holds(name, &(out + &lines("err", &self.stderr)));
    }

    /// The same for what this program said itself, where psql's or a server's words stand beside
    /// it.
    #[track_caller]
    pub fn matches_in_our_words(&self, name: &str) {
        let ours = self.stderr.split_inclusive('\n');
        let ours: String = ours.filter(|line| is_ours(line)).collect();
        self.holds(name, &lines("err", &ours));
    }

    /// Failed, and said a cause and a remedy and nothing else.
    #[track_caller]
    pub fn fails(&self, name: &str) {
        let said: Vec<&str> = self.stderr.lines().collect();
        let [cause, remedy] = said.as_slice() else {
            panic!("{name}: {}", self.stderr)
        };
        assert!(
            cause.starts_with(ERROR) && remedy.starts_with(HINT),
            "{name}: {}",
            self.stderr
        );
        assert_eq!(self.stdout, "", "{name}");
        assert_ne!(self.code, Some(0), "{name}");
        self.matches(name);
    }

    #[track_caller]
    fn holds(&self, name: &str, said: &str) {
        let code = self.code.map_or("none".to_owned(), |code| code.to_string());
        check(name, &format!("exit {code}\n{said}"));
    }
}

/// `found` is what the section of this name holds.
#[track_caller]
fn check(name: &str, found: &str) {
    let found = stable(found);
    let (area, case) = name.split_once('/').expect("an area and a case");
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let earlier = seen.insert(name.to_owned(), found.clone());
    if let Some(earlier) = earlier.filter(|_| !is_windows()) {
        assert_eq!(earlier, found, "two texts for {name}");
    }
    let file = file_of(area);
    let mut sections = read(&file);
    if is_updating() {
        sections.insert(case.to_owned(), found);
        write(&file, &sections);
        return;
    }
    drop(seen);
    let held = sections.get(case).map_or("", String::as_str);
    // Paths, quotes and what the system itself says are others on Windows.
    let is_same = if is_windows() {
        outline(held) == outline(&found)
    } else {
        held == found
    };
    assert!(
        is_same,
        "{name} differs; if it is right, UPDATE_DOCS=1 cargo test --test it\n--- held\n{held}--- found\n{found}"
    );
}

/// The exit code, and how many errors, hints and warnings there are, in their order.
fn outline(text: &str) -> Vec<&str> {
    let code = text.lines().take(1);
    let said = text.lines().filter_map(|line| line.strip_prefix("err: "));
    let kinds = said.filter_map(|line| {
        let kinds = [ERROR, HINT, "entra-psql: warning: "];
        kinds.into_iter().find(|kind| line.starts_with(kind))
    });
    code.chain(kinds).collect()
}

fn is_ours(line: &str) -> bool {
    line.starts_with("entra-psql: ")
}

/// Each line with what it came from in front of it; what a terminal would not show is escaped.
fn lines(stream: &str, text: &str) -> String {
    let mut marked = String::new();
    for line in text.lines() {
        let space = if line.is_empty() { "" } else { " " };
        write!(marked, "{stream}:{space}").expect("a string");
        for c in line.chars() {
            match c {
                '\t' => marked.push(c),
                c if c.is_control() => marked.extend(c.escape_default()),
                c => marked.push(c),
            }
        }
        marked.push('\n');
    }
    if !text.is_empty() && !text.ends_with('\n') {
        writeln!(marked, "{stream} ends within a line").expect("a string");
    }
    marked
}

/// A text without what differs from run to run.
fn stable(text: &str) -> String {
    let sandbox = Sandbox::shared();
    let mut text = text.to_owned();
    for (place, word) in [
        (Path::new(PROGRAM), "{entra-psql}"),
        (sandbox.postgres_bin_dir(), "{postgres}"),
        (sandbox.ca_file(), "{authority}"),
        (sandbox.socket_dir(), "{sockets}"),
        (sandbox.az_dir(), "{az}"),
    ] {
        text = text.replace(&*place.to_string_lossy(), word);
    }
    let temporary = std::env::temp_dir();
    let temporary = regex::escape(&temporary.to_string_lossy());
    let home = Regex::new(&format!(r"{temporary}/*\.tmp\w{{6}}")).expect("a pattern");
    text = home.replace_all(&text, NoExpand("{home}")).into_owned();
    for (pattern, word) in &*VARYING {
        text = pattern.replace_all(&text, *word).into_owned();
    }
    text
}

fn is_updating() -> bool {
    // The words of the program for Windows are not those of the files.
    std::env::var_os("UPDATE_DOCS").is_some() && !is_windows()
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots")
}

fn file_of(area: &str) -> PathBuf {
    directory().join(area).with_extension("txt")
}

/// The sections of a file, which need not be there.
fn read(file: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let sections = text.split("\n== ").skip(1);
    sections
        .filter_map(|section| section.split_once('\n'))
        .map(|(case, held)| {
            (
                case.to_owned(),
                format!("{}\n", held.trim_end_matches('\n')),
            )
        })
        .collect()
}

fn write(file: &Path, sections: &BTreeMap<String, String>) {
    let mut text = HEAD.to_owned();
    for (case, held) in sections {
        write!(text, "\n== {case}\n{held}").expect("a string");
    }
    fs::create_dir_all(directory()).expect("the directory");
    fs::write(file, text).expect("the file is written");
}

/// Every source of this test program.
fn sources(directory: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            all += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all += &fs::read_to_string(path).expect("a source");
        }
    }
    all
}

#[test]
fn every_section_belongs_to_a_case() {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it"));
    let _seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut left_over = Vec::new();
    for entry in fs::read_dir(directory()).into_iter().flatten().flatten() {
        let file = entry.path();
        let area = file.file_stem().expect("a name").to_string_lossy();
        let mut sections = read(&file);
        let before = sections.len();
        sections.retain(|case, _| {
            let name = format!("{area}/{case}");
            let is_asked_for = sources.contains(&format!("\"{name}\""));
            if !is_asked_for {
                left_over.push(name);
            }
            is_asked_for
        });
        if is_updating() && sections.is_empty() {
            fs::remove_file(&file).expect("the file is removed");
        } else if is_updating() && sections.len() < before {
            write(&file, &sections);
        }
    }
    assert!(
        left_over.is_empty() || is_updating(),
        "no test asks for {left_over:?}: UPDATE_DOCS=1 cargo test --test it"
    );
}
