//! The list of what needs a Unix names tests that there are, once, and says why.

use std::collections::BTreeSet;
use std::process::Command;

const LIST: &str = include_str!("unix_only.txt");

#[test]
fn the_list_is_of_tests_that_there_are() {
    let program = std::env::current_exe().expect("this program");
    let listed = Command::new(program).arg("--list").output();
    let listed = String::from_utf8(listed.expect("a list").stdout).expect("text");
    let tests: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .collect();
    assert!(tests.len() > 200, "{listed}");
    let mut names = BTreeSet::new();
    for line in LIST
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let (name, why) = line.split_once(' ').expect("a name and a reason");
        assert!(!why.trim().is_empty(), "{name}");
        assert!(names.insert(name), "{name} is there twice");
        let module = format!("{name}::");
        let is_meant = |test: &&str| **test == *name || test.starts_with(&module);
        assert!(tests.iter().any(is_meant), "there is no {name}");
    }
    for name in &names {
        let parts = name.rmatch_indices("::").map(|(at, _)| &name[..at]);
        let above = parts.into_iter().find(|module| names.contains(module));
        assert_eq!(above, None, "{name} is listed with all of its module");
    }
}
