//! One case: a command line, the variables and the files around it, as data that can be tried and
//! made smaller.

use std::ffi::OsString;
use std::fmt::{self, Write as _};
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Stands for the directory that a case is tried in, in words, variables and files.
pub const DIRECTORY: &str = "{dir}";
/// Stands for the operating system's name for us, in files.
pub const SYSTEM_USER: &str = "{user}";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Options of psql that it reads and goes on.
    Psql,
    /// An operand.
    Operand,
    /// An option of ours, with its value.
    Own,
    /// Our option that names a program: it and all that follows is not psql's.
    Program,
    /// `--`
    Dashes,
    /// psql may end here, so that what follows is not read.
    Ends,
}

/// Words that belong together.
#[derive(Clone, Debug)]
pub struct Segment {
    pub kind: Kind,
    pub words: Vec<Vec<u8>>,
}

impl Segment {
    pub fn new<W: Into<Vec<u8>>>(kind: Kind, words: impl IntoIterator<Item = W>) -> Self {
        Self {
            kind,
            words: words.into_iter().map(Into::into).collect(),
        }
    }
}

/// A file of the case, by its path in the case's directory.
#[derive(Clone, Debug)]
pub struct File {
    pub path: &'static str,
    pub mode: u32,
    /// Its text; a directory has none.
    pub text: Option<Vec<u8>>,
}

#[derive(Clone, Default)]
pub struct Case {
    pub segments: Vec<Segment>,
    pub variables: Vec<(String, Vec<u8>)>,
    pub files: Vec<File>,
}

/// A case with its directory made: words and variables as they are given to a program.
pub struct Prepared {
    /// All words.
    pub words: Vec<OsString>,
    /// The words without ours.
    pub psql_words: Vec<OsString>,
    pub variables: Vec<(OsString, OsString)>,
}

impl Case {
    /// A case from its words, all of them psql's.
    pub fn of(words: &[&str]) -> Self {
        Self {
            segments: vec![Segment::new(Kind::Psql, words.iter().copied())],
            ..Self::default()
        }
        .variable("HOME", "{dir}/home")
    }

    /// Adds words of psql that belong together.
    pub fn add_words(&mut self, words: impl IntoIterator<Item = Vec<u8>>) {
        self.segments.push(Segment::new(Kind::Psql, words));
    }

    pub fn variable(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    pub fn file(mut self, path: &'static str, mode: u32, text: impl Into<Vec<u8>>) -> Self {
        self.files.push(File {
            path,
            mode,
            text: Some(text.into()),
        });
        self
    }

    pub fn directory(mut self, path: &'static str) -> Self {
        self.files.push(File {
            path,
            mode: 0o700,
            text: None,
        });
        self
    }

    pub fn has_variable(&self, name: &str) -> bool {
        self.variables.iter().any(|(set, _)| set == name)
    }

    pub fn is_posix(&self) -> bool {
        self.has_variable("POSIXLY_CORRECT")
    }

    /// Whether `word` is there as one of ours.
    pub fn has_own(&self, word: &str) -> bool {
        self.marked_words()
            .any(|(bytes, ours)| ours && bytes == word.as_bytes())
    }

    /// Whether `part` is in any word.
    pub fn has_in_words(&self, part: &[u8]) -> bool {
        self.marked_words().any(|(word, _)| contains(word, part))
    }

    /// Whether `part` is in any file.
    pub fn has_in_files(&self, part: &[u8]) -> bool {
        let mut texts = self.files.iter().filter_map(|file| file.text.as_ref());
        texts.any(|text| contains(text, part))
    }

    /// Puts `to` in the place of `from` in every word, variable and file.
    pub fn replace(&mut self, from: &[u8], to: &[u8]) {
        let words = self.segments.iter_mut().flat_map(|all| &mut all.words);
        let values = self.variables.iter_mut().map(|(_, value)| value);
        let texts = self.files.iter_mut().filter_map(|file| file.text.as_mut());
        for text in words.chain(values).chain(texts) {
            *text = replaced(text, from, to);
        }
    }

    /// Words, and whether each is one of ours in a place where psql would look for an option.
    fn marked_words(&self) -> impl Iterator<Item = (&[u8], bool)> {
        let posix = self.is_posix();
        let mut reading = true;
        let mut behind_program = false;
        self.segments.iter().flat_map(move |segment| {
            match segment.kind {
                Kind::Ends | Kind::Dashes => reading = false,
                Kind::Operand if posix => reading = false,
                Kind::Program => behind_program |= reading,
                Kind::Psql | Kind::Operand | Kind::Own => {}
            }
            let ours = behind_program || reading && segment.kind == Kind::Own;
            segment
                .words
                .iter()
                .map(move |word| (word.as_slice(), ours))
        })
    }

    /// Makes the case's files in `directory`, and its words and variables for it.
    pub fn prepare(&self, directory: &Path, system_user: &[u8]) -> Prepared {
        let fill = |text: &[u8]| {
            let path = directory.as_os_str().as_encoded_bytes();
            replaced(
                &replaced(text, DIRECTORY.as_bytes(), path),
                SYSTEM_USER.as_bytes(),
                system_user,
            )
        };
        for name in ["home", "work", "etc"] {
            fs::create_dir_all(directory.join(name)).expect("a directory of the case");
        }
        for file in &self.files {
            let path = directory.join(file.path);
            match &file.text {
                Some(text) => fs::write(&path, fill(text)).expect("a file of the case"),
                None => fs::create_dir_all(&path).expect("a directory of the case"),
            }
            let mode = fs::Permissions::from_mode(file.mode);
            fs::set_permissions(&path, mode).expect("a mode of the case");
        }
        let word = |bytes: &[u8]| OsString::from_vec(fill(bytes));
        let is_psqls = |marked: &(&[u8], bool)| !marked.1;
        Prepared {
            words: self.marked_words().map(|(bytes, _)| word(bytes)).collect(),
            psql_words: self
                .marked_words()
                .filter(is_psqls)
                .map(|(bytes, _)| word(bytes))
                .collect(),
            variables: self
                .variables
                .iter()
                .map(|(name, value)| (name.into(), word(value)))
                .collect(),
        }
    }

    /// The smallest case that can be cut out of this one and still `fails`.
    pub fn minimal(&self, fails: impl Fn(&Self) -> bool) -> Self {
        let mut smallest = self.clone();
        while let Some(smaller) = smallest.smaller().into_iter().find(&fails) {
            smallest = smaller;
        }
        smallest
    }

    /// Cases with one thing less.
    fn smaller(&self) -> Vec<Self> {
        let mut cases = Vec::new();
        let mut add = |change: &dyn Fn(&mut Self)| {
            let mut case = self.clone();
            change(&mut case);
            cases.push(case);
        };
        for n in 0..self.files.len() {
            add(&|case| drop(case.files.remove(n)));
        }
        for n in 0..self.segments.len() {
            add(&|case| drop(case.segments.remove(n)));
        }
        for n in 0..self.variables.len() {
            add(&|case| drop(case.variables.remove(n)));
        }
        for (n, file) in self.files.iter().enumerate() {
            let lines = file.text.iter().flat_map(|text| lines(text)).count();
            for line in 0..lines {
                add(&|case| {
                    if let Some(text) = &mut case.files[n].text {
                        let mut kept: Vec<_> = lines_of(text);
                        kept.remove(line);
                        *text = kept.concat();
                    }
                });
            }
        }
        cases
    }
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|&b| b == b'\n')
}

fn lines_of(text: &[u8]) -> Vec<Vec<u8>> {
    lines(text).map(<[u8]>::to_vec).collect()
}

/// Whether `part` is anywhere in `text`.
pub fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut all = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(from) {
            all.extend_from_slice(to);
            rest = after;
        } else {
            all.push(first);
            rest = after;
        }
    }
    all
}

impl fmt::Display for Case {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = String::new();
        for (word, ours) in self.marked_words() {
            let mark = if ours { "  (ours)" } else { "" };
            writeln!(all, "    word      \"{}\"{mark}", word.escape_ascii())?;
        }
        for (name, value) in &self.variables {
            writeln!(all, "    variable  {name}=\"{}\"", value.escape_ascii())?;
        }
        for File { path, mode, text } in &self.files {
            match text {
                None => writeln!(all, "    directory {path}")?,
                Some(text) => writeln!(
                    all,
                    "    file      {path} {mode:o} \"{}\"",
                    text.escape_ascii()
                )?,
            }
        }
        to.write_str(&all)
    }
}
