//! The lists of what is left out where the program for Windows is run name tests that there are,
//! once.

use std::collections::BTreeSet;
use std::process::Command;

const LIST: &str = concat!(
    include_str!("unix_only.txt"),
    include_str!("behind_operands.txt")
);

#[test]
fn the_lists_are_of_tests_that_there_are() {
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
        let name = line.split(' ').next().expect("a name");
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
