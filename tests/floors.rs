//! The house has floors: a file of `src/` imports from its own floor or from one below it, never
//! from above, and no two folders import each other in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// From top to bottom. `docs/how-it-works.md` says what each is for.
const FLOORS: &[&str] = &[
    "main",
    "lib",
    "doctor",
    "whoami",
    "handover",
    "sign_in",
    "servers",
    "token",
    "intent",
    "cli",
    "libpq",
    "psql",
    "shell",
    "system",
    "entra",
    "failure",
    "environment",
    "plain_text",
];

/// One import: the file it stands in, the folder of that file, and the folder or file that it takes
/// something from.
struct Import {
    file: String,
    from: String,
    to: String,
}

#[test]
fn no_import_runs_up() {
    let floor = |module: &str| {
        let name = module.split("::").next().unwrap_or_default();
        let known = FLOORS.iter().position(|floor| *floor == name);
        known.unwrap_or_else(|| panic!("`{name}` is on no floor"))
    };
    let runs_up = |import: &&Import| floor(&import.to) < floor(&import.from);
    let imports = imports();
    let up: Vec<String> = imports
        .iter()
        .filter(runs_up)
        .map(|import| format!("{} imports from {}", import.file, import.to))
        .collect();
    assert!(up.is_empty(), "these run up:\n{}", up.join("\n"));
}

#[test]
fn no_folders_import_each_other_in_a_circle() {
    let imports = imports();
    let mut below: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for Import { from, to, .. } in &imports {
        // A folder and what it holds are one house.
        let holds = |outer: &str, inner: &str| inner.starts_with(&format!("{outer}::"));
        if from != to && !holds(from, to) && !holds(to, from) {
            below.entry(from).or_default().insert(to);
        }
    }
    // What leads to nothing but what was taken away is on no circle. From all else, a walk goes
    // round.
    while let Some(end) = below
        .keys()
        .copied()
        .find(|from| !below[from].iter().any(|to| below.contains_key(to)))
    {
        below.remove(end);
    }
    let Some((start, _)) = below.first_key_value() else {
        return;
    };
    let mut walk = vec![*start];
    loop {
        let next = below[walk[walk.len() - 1]]
            .iter()
            .find(|to| below.contains_key(*to))
            .expect("a way on");
        let seen = walk.iter().position(|folder| folder == next);
        walk.push(next);
        if let Some(seen) = seen {
            panic!("a circle: {}", walk[seen..].join(" -> "));
        }
    }
}

fn imports() -> Vec<Import> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&source, "", &mut files);
    let mut folders: BTreeSet<String> = files.iter().map(|(_, folder, _)| folder.clone()).collect();
    folders.extend(files.iter().map(|(_, _, module)| top(module)));
    let mut found = Vec::new();
    for (file, from, module) in &files {
        let text = fs::read_to_string(source.join(file)).expect("a file");
        for path in paths(&text, module) {
            let mut to = path.as_str();
            while !folders.contains(to) {
                // What is at the crate's root itself is in `lib.rs`.
                to = to.rsplit_once("::").map_or("lib", |(outer, _)| outer);
            }
            found.push(Import {
                file: file.clone(),
                from: if from.is_empty() {
                    top(module)
                } else {
                    from.clone()
                },
                to: to.to_owned(),
            });
        }
    }
    assert!(found.len() > 100, "only {} imports are seen", found.len());
    found
}

fn top(module: &str) -> String {
    module.split("::").next().unwrap_or_default().to_owned()
}

/// Every file below a folder: its name, the folder as a path of modules, and the module that it is.
fn collect(source: &Path, below: &str, files: &mut Vec<(String, String, String)>) {
    let folder = below.trim_end_matches('/').replace('/', "::");
    for entry in fs::read_dir(source.join(below)).expect("a folder") {
        let name = entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a name");
        let path = format!("{below}{name}");
        match name.strip_suffix(".rs") {
            Some("mod") => files.push((path, folder.clone(), folder.clone())),
            Some(_) => {
                let module = path.trim_end_matches(".rs").replace('/', "::");
                files.push((path, folder.clone(), module));
            }
            None if source.join(&path).is_dir() => collect(source, &format!("{path}/"), files),
            None => {}
        }
    }
}

/// Every path that a text of the module takes from elsewhere in the crate, from its root on: what
/// begins with `crate::` anywhere, and `use super::` but for that of an inline module, which takes
/// from the file around it.
fn paths(text: &str, module: &str) -> Vec<String> {
    let code: String = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n")
        .collect();
    let mut found = Vec::new();
    for (at, word) in code.match_indices("crate::") {
        let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        if !code[..at].ends_with(is_part) {
            read(&code[at + word.len()..], "", &mut found);
        }
    }
    for line in ["\nuse ", "\npub use ", "\npub(crate) use "] {
        for (at, _) in code.match_indices(&format!("{line}super::")) {
            let (mut rest, mut base) = (&code[at + line.len()..], module);
            while let Some(outer) = rest.strip_prefix("super::") {
                rest = outer;
                base = base.rsplit_once("::").map_or("", |(outer, _)| outer);
            }
            read(rest, base, &mut found);
        }
    }
    found
}

/// Reads a path, or the paths of a group in braces. Returns what follows.
fn read<'a>(text: &'a str, before: &str, found: &mut Vec<String>) -> &'a str {
    let (mut text, mut path) = (text.trim_start(), before.to_owned());
    loop {
        if let Some(mut group) = text.strip_prefix('{') {
            loop {
                group = group.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
                if group.is_empty() || group.starts_with('}') {
                    return group.get(1..).unwrap_or_default();
                }
                group = read(group, &path, found);
                // A new name, or the `*` of all names.
                group = group.trim_start_matches(|c: char| c != ',' && c != '}');
            }
        }
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
        let (name, rest) = text.split_at(end.unwrap_or(text.len()));
        if !name.is_empty() && name != "self" {
            path = if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}::{name}")
            };
        }
        let Some(rest) = rest.strip_prefix("::") else {
            found.push(path);
            return rest;
        };
        text = rest.trim_start();
    }
}

#[test]
fn imports_are_read_as_rust_reads_them() {
    let cases: &[(&str, &[&str])] = &[
        ("use crate::a::b;", &["a::b"]),
        (
            "use crate::a::{self, b::C as D, e::*, f::{G, H}};",
            &["a", "a::b::C", "a::e", "a::f::G", "a::f::H"],
        ),
        ("use crate::{\n    a::B,\n    c,\n};", &["a::B", "c"]),
        (
            "fn f() { crate::a::f(crate::b::g::<u8>()) }",
            &["a::f", "b::g"],
        ),
        ("/// See [`crate::a`].\n// crate::a\nfn f() {}", &[]),
        ("use my_crate::a;", &[]),
        (
            "\nuse super::h;\npub use super::super::{i, j::k};",
            &["x::h", "i", "j::k"],
        ),
        (
            "\nmod tests {\n    use super::*;\n    use crate::a;\n}",
            &["a"],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(paths(text, "x::y"), *expected, "{text}");
    }
}
