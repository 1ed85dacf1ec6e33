//! The page that `--help` prints before psql's own, for a terminal of any width.

use super::table::{Group, OwnOption, VARIABLES};
use super::values;

/// The column at which descriptions start.
const COLUMN: usize = 24;

/// Narrower or wider lines are hard to read.
const WIDTHS: std::ops::RangeInclusive<usize> = 40..=120;

const ABOUT: &str = "\
psql that signs in to Azure Database for PostgreSQL with Microsoft Entra ID";

const USAGE: &str = "\
Usage: entra-psql [OPTION | PSQL OPTION]... [DBNAME [USERNAME]]";

const WHEN: &str = "\
entra-psql signs in if the host is NAME.postgres.database.azure.com, or a server of another Azure \
cloud, and no other password is configured. For any other server it just runs psql. All options of \
psql keep their meaning.";

/// Commands to start from, and what each does.
pub const EXAMPLES: &[(&str, &str)] = &[
    (
        "Connect as yourself",
        "entra-psql -h mydb.postgres.database.azure.com -d app",
    ),
    (
        "Connect as a group",
        "entra-psql -h mydb.postgres.database.azure.com --group 'Prod DB Readonly'",
    ),
    (
        "Run another program with the connection",
        "entra-psql -h mydb.postgres.database.azure.com -d app --exec pg_dump -Fc",
    ),
];

const MORE: &str = "\
To find out why a connection fails, add --doctor. To read more, run `man entra-psql` or see docs/ \
in the source. The help of psql follows.";

/// Returns the page, wrapped to `width` columns.
pub fn page(width: usize) -> String {
    let width = width.clamp(*WIDTHS.start(), *WIDTHS.end());
    let paragraph = |text: &str| wrap(text, "", width);
    let mut parts = vec![paragraph(ABOUT), paragraph(USAGE), paragraph(WHEN)];
    for group in Group::ALL {
        let items = group.options().map(|option| {
            let spelled = format!("--{}{}", option.name, option.value.shown());
            item(&spelled, &description(option), width)
        });
        parts.push(section(group.title(), items));
    }
    let variables = VARIABLES
        .iter()
        .map(|(name, about)| item(name, about, width));
    parts.push(section("Environment variables", variables));
    let examples = EXAMPLES.iter().map(|(_, command)| format!("  {command}"));
    parts.push(section("Examples", examples));
    parts.push(paragraph(MORE));
    parts.join("\n\n") + "\n"
}

fn section(title: &str, items: impl Iterator<Item = String>) -> String {
    std::iter::once(format!("{title}:"))
        .chain(items)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Returns a name and its description in two columns.
fn item(name: &str, description: &str, width: usize) -> String {
    let text = wrap(description, &" ".repeat(COLUMN), width);
    if name.len() + 4 > COLUMN {
        format!("  {name}\n{text}")
    } else {
        format!("  {name:<0$}{1}", COLUMN - 2, text.trim_start())
    }
}

fn wrap(text: &str, indent: &str, width: usize) -> String {
    let options = textwrap::Options::new(width)
        .initial_indent(indent)
        .subsequent_indent(indent)
        // Words such as `managed-identity` are typed as they are printed.
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .break_words(false);
    // A bracket with the name of a variable stays in one line.
    let text = text.replace("[env: ", "[env:\u{a0}");
    textwrap::fill(&text, options).replace('\u{a0}', " ")
}

/// Returns all that there is to say about an option, in one line.
pub fn description(option: &OwnOption) -> String {
    let mut parts = vec![option.help.to_owned()];
    let choices = values::choices(option.name);
    if !choices.is_empty() {
        let name = option.value.shown();
        let name = name.trim_matches(|c: char| !c.is_ascii_alphabetic());
        parts[0].push('.');
        parts.push(format!("{name}: {}", choices.join(", ")));
    }
    if let Some(detail) = option.detail {
        let last = parts.len() - 1;
        if !parts[last].ends_with('.') {
            parts[last].push('.');
        }
        parts.push(detail.to_owned());
    }
    if let Some(default) = option.default {
        parts.push(format!("[default: {default}]"));
    }
    if let Some(variable) = option.variable {
        parts.push(format!("[env: {variable}]"));
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::table::OPTIONS;
    use super::*;

    #[test]
    fn every_option_is_in_one_group_and_one_line() {
        let listed: Vec<_> = Group::ALL.into_iter().flat_map(Group::options).collect();
        assert_eq!(listed.len(), OPTIONS.len());
        for (listed, option) in listed.iter().zip(OPTIONS) {
            assert_eq!(listed.name, option.name, "the table follows the groups");
            assert!(option.help.len() <= 72, "{}", option.help);
            assert!(!option.help.ends_with('.'), "{}", option.help);
        }
    }

    #[test]
    fn lines_are_as_long_as_the_terminal_at_most() {
        for width in [60, 80, 100, 120] {
            let page = page(width);
            let long = page.lines().find(|line| {
                let is_command = line.starts_with("  entra-psql ");
                line.chars().count() > width && !is_command
            });
            assert_eq!(long, None);
        }
        assert_eq!(page(0), page(40));
        assert_eq!(page(500), page(120));
    }
}
