//! Our tables of psql's options, settings and variables and of libpq's parameters, held against the
//! installed ones.

use std::collections::BTreeMap;
use std::process::Command;

use entra_psql::testing::cli;
use entra_psql::testing::psql::options::{self, Argument, OPTIONS};
use entra_psql::testing::psql::settings;

use super::psql;

fn said(word: &str) -> String {
    let output = Command::new(psql::find())
        .arg(word)
        .env("LC_ALL", "C")
        .output()
        .expect("psql runs");
    String::from_utf8(output.stdout).expect("psql's help is text")
}

/// The options of `psql --help`: `  -c, --command=COMMAND    run only …`.
fn options_in_help() -> BTreeMap<String, (Option<u8>, Argument)> {
    let mut found = BTreeMap::new();
    let help = said("--help");
    for line in help.lines().map(str::trim_start) {
        if !line.starts_with('-') {
            continue;
        }
        let (spellings, _) = line.split_once("  ").unwrap_or((line, ""));
        let mut short = None;
        for spelling in spellings.split(", ") {
            let Some(long) = spelling.strip_prefix("--") else {
                // `-?` is no letter of an option to getopt_long, which has another use for it.
                short = Some(spelling.as_bytes()[1]).filter(|&letter| letter != b'?');
                continue;
            };
            let (name, argument) = match long.split_once(['=', '[']) {
                None => (long, Argument::None),
                Some((name, _)) if long[name.len()..].starts_with('[') => {
                    (name, Argument::Optional)
                }
                Some((name, _)) => (name, Argument::Required),
            };
            // `--help=commands` stands there after `--help[=options]`.
            found.entry(name.to_owned()).or_insert((short, argument));
        }
    }
    found
}

/// The names in one part of `psql --help=variables`, which are indented by two.
fn names_in_help(part: &str) -> Vec<String> {
    let help = said("--help=variables");
    let parts: Vec<&str> = help.split("\n\n").collect();
    let heading = parts
        .iter()
        .position(|text| text.starts_with(part))
        .unwrap_or_else(|| panic!("psql's help has no part {part:?}"));
    let names: Vec<String> = parts[heading + 1]
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '))
        // `expanded (or x)`
        .flat_map(|line| line.split([' ', '(', ')']))
        .filter(|word| !matches!(*word, "" | "or"))
        .map(str::to_owned)
        .collect();
    assert!(names.len() > 10, "{names:?}");
    names
}

#[test]
fn the_option_table_is_psqls() {
    let ours: BTreeMap<_, _> = OPTIONS
        .iter()
        .map(|option| (option.long.to_owned(), (option.short, option.argument)))
        .collect();
    assert_eq!(ours, options_in_help());
}

#[test]
fn every_printing_parameter_of_psql_is_known() {
    for name in names_in_help("Display settings:") {
        assert!(
            settings::print_setting_is_accepted(name.as_bytes()),
            "{name}"
        );
    }
}

#[test]
fn no_option_of_ours_is_one_of_psqls() {
    for ours in cli::OPTIONS {
        assert_eq!(
            options::by_long(ours.name.as_bytes()),
            None,
            "{}",
            ours.name
        );
        let output = Command::new(psql::find())
            .args([&format!("--{}", ours.name), "--version"])
            .env("LC_ALL", "C")
            .output()
            .expect("psql runs");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(
            complaint.contains("unrecognized option"),
            "--{}: {complaint}",
            ours.name
        );
    }
}

/// What only libpq, or psql with values at hand, can say.
#[cfg(target_os = "linux")]
mod asked {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use entra_psql::testing::libpq::keywords::{KEYWORDS, WITHOUT_EFFECT};

    use super::{names_in_help, settings};
    use crate::case::Case;
    use crate::oracle::Oracle;
    use crate::random::on_all_processors;
    use crate::words::{PRINT_SETTINGS, SETTING_VALUES, VARIABLES};
    use crate::{verdict, versions};

    #[test]
    fn the_parameter_table_is_libpqs() {
        let libpq = &Oracle::get().plain;
        let has_effect = |name: &str| !WITHOUT_EFFECT.contains(&name.as_bytes());
        for (name, variable) in libpq.known.iter().filter(|(name, _)| has_effect(name)) {
            let keyword = KEYWORDS
                .iter()
                .find(|keyword| keyword.name == name)
                .unwrap_or_else(|| panic!("libpq knows `{name}`"));
            assert_eq!(keyword.variable.unwrap_or_default(), variable, "{name}");
        }
        let unknown: BTreeSet<&str> = KEYWORDS
            .iter()
            .map(|keyword| keyword.name)
            .filter(|name| !libpq.known.contains_key(*name))
            .collect();
        assert_eq!(unknown, versions::unknown_to(libpq.version).collect());
    }

    /// Every name with every value: those that we say psql takes in one run, each of the others in
    /// one of its own.
    fn hold_against_psql(option: &str, names: BTreeSet<String>, is_accepted: fn(&[u8]) -> bool) {
        let mut cases = Vec::new();
        for name in names {
            let with = |value: &[u8]| [name.as_bytes(), b"=", value].concat();
            let mut accepted = Case::of(&[]);
            let words = SETTING_VALUES.iter().map(|value| with(value));
            for word in words.chain([name.clone().into_bytes()]) {
                if is_accepted(&word) {
                    accepted.add_words([option.into(), word]);
                } else {
                    let mut refused = Case::of(&[]);
                    refused.add_words([option.into(), word]);
                    cases.push(refused);
                }
            }
            cases.push(accepted);
        }
        let failures = Mutex::new(Vec::new());
        on_all_processors(cases.len() as u64, |n| {
            let case = &cases[usize::try_from(n).expect("a place in a list")];
            if !verdict::of(case).agrees() {
                let case = case.minimal(|case| !verdict::of(case).agrees());
                let text = format!("{case}{}", verdict::of(&case).text());
                failures.lock().expect("no thread failed").push(text);
            }
        });
        let failures = failures.into_inner().expect("no thread failed");
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }

    fn with_those_in_help(names: &[&str], part: &str) -> BTreeSet<String> {
        let in_list = names.iter().copied().map(str::to_owned);
        in_list.chain(names_in_help(part)).collect()
    }

    #[test]
    fn printing_parameters_take_what_psql_takes() {
        let mut names = with_those_in_help(PRINT_SETTINGS, "Display settings:");
        if Oracle::get().plain.version / 10000 >= 16 {
            names.remove(versions::LATER_NUMBER);
        }
        hold_against_psql("-P", names, settings::print_setting_is_accepted);
    }

    #[test]
    fn variables_take_what_psql_takes() {
        hold_against_psql(
            "-v",
            // To a psql that does not know these, any value is one.
            with_those_in_help(VARIABLES, "psql variables:")
                .into_iter()
                .filter(|name| !versions::VARIABLES.contains(&name.as_str()))
                .collect(),
            settings::variable_is_accepted,
        );
    }

    #[test]
    fn variables_of_later_psqls_take_anything() {
        for name in versions::VARIABLES {
            for value in SETTING_VALUES {
                let word = [name.as_bytes(), b"=", value].concat();
                assert!(settings::variable_is_accepted(&word), "{name}");
            }
        }
    }
}
