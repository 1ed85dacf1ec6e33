//! What the documents point to exists: links, headings, and the paths of files that they name.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::{fs, iter};

use regex::Regex;

use crate::place;

/// Every file below `directory`, hidden ones too.
pub fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The documents that people read on a web page.
pub fn documents() -> Vec<PathBuf> {
    let is_text = |path: &PathBuf| {
        let extension = path.extension().unwrap_or_default();
        ["md", "yml"].iter().any(|known| extension == *known)
    };
    let below = ["docs", ".github"].map(|name| files_below(&place(name)));
    let mut documents = vec![place("README.md"), place("CHANGELOG.md")];
    documents.extend(below.into_iter().flatten().filter(is_text));
    documents
}

fn shown(path: &Path) -> String {
    let root = place("");
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// A page without its blocks of code, in which a `#` or a bracket means something else.
fn without_code(page: &str) -> String {
    let mut is_code = false;
    let lines = page.lines().map(|line| {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        if is_code || is_fence || line.starts_with("    ") {
            ""
        } else {
            line
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The anchors of a page's headings, as the web page of a repository makes them.
fn anchors(page: &str) -> BTreeSet<String> {
    let page = without_code(page);
    let headings = page.lines().filter_map(|line| {
        let heading = line.trim_start_matches('#').strip_prefix(' ')?;
        (heading.len() + 1 < line.len()).then_some(heading)
    });
    headings
        .map(|heading| {
            let kept = heading
                .chars()
                .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
            kept.collect::<String>().to_lowercase().replace(' ', "-")
        })
        .collect()
}

/// `path` without `..`.
fn normal(path: &Path) -> PathBuf {
    path.components()
        .fold(PathBuf::new(), |mut normal, part| match part {
            Component::ParentDir => {
                normal.pop();
                normal
            }
            part => normal.join(part),
        })
}

#[test]
fn every_link_and_anchor_leads_somewhere() {
    let link = Regex::new(r#"\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)""#).expect("a pattern");
    let (mut broken, mut followed) = (Vec::new(), 0);
    for file in documents() {
        let text = fs::read_to_string(&file).expect("a document");
        for found in link.captures_iter(&without_code(&text)) {
            let target = found.get(1).or(found.get(2)).expect("a target").as_str();
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            followed += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() {
                file.clone()
            } else {
                normal(&file.parent().expect("a directory").join(path))
            };
            let leads_there = path.exists()
                && (anchor.is_empty()
                    || fs::read_to_string(&path).is_ok_and(|to| anchors(&to).contains(anchor)));
            if !leads_there {
                broken.push(format!("{}: {target}", shown(&file)));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(followed > 50, "{followed}");
}

#[test]
fn every_path_that_the_documents_name_exists() {
    let path =
        Regex::new(r"(?m)(?:^|[\s`(|,])((?:src|tests|docs|completions|\.ci|\.github)/[\w./*-]*)")
            .expect("a pattern");
    let (mut missing, mut named) = (Vec::new(), 0);
    for file in documents() {
        let text = fs::read_to_string(&file).expect("a document");
        for found in path.captures_iter(&text) {
            let name = found[1].trim_end_matches('.');
            // A pattern, and what is below it.
            let name = name.split('*').next().unwrap_or(name);
            named += 1;
            if !place(name).exists() {
                missing.push(format!("{}: {name}", shown(&file)));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(named > 80, "{named}");
}

#[test]
fn every_test_that_the_page_on_security_names_exists() {
    let page = fs::read_to_string(place("docs/security.md")).expect("the page");
    let rows = page
        .lines()
        .skip_while(|line| !line.contains("| tested by |"));
    let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
    let mut tests = 0;
    for row in rows {
        let cell = row.trim_end_matches(" |").rsplit(" | ").next();
        for name in cell.unwrap_or_default().split(", ") {
            let name = name.trim_matches('`');
            let places = [format!("tests/it/{name}.rs"), format!("tests/{name}")];
            assert!(places.iter().any(|at| place(at).exists()), "{name}: {row}");
            tests += 1;
        }
    }
    assert!(tests >= 20, "{tests}");
}

#[test]
fn the_index_names_every_page() {
    let index = fs::read_to_string(place("docs/README.md")).expect("the index");
    let pages = files_below(&place("docs")).into_iter();
    let pages = pages.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let other = |name: &String| name != "README.md";
    let names = pages
        .map(|path| path.file_name().unwrap_or_default().display().to_string())
        .filter(other)
        .chain(iter::once("entra-psql.1".to_owned()));
    let unnamed: Vec<_> = names
        .filter(|name| !index.contains(&format!("({name})")))
        .collect();
    assert!(unnamed.is_empty(), "{unnamed:?}");
}
