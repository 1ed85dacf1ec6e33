//! The commands that az recommends to sign in, read from its own text and checked.
//!
//! az writes them for a person to copy (`_generate_login_command` in azure-cli-core): `az logout`
//! if the old sign-in has to go first, and `az login` with the tenant and scope that were refused.

use crate::cli::values;

/// Returns the words of these command lines, without `az` itself, if they are a login and perhaps
/// the logout before it. Options must be ones that az is known to recommend, and values ones that
/// our own options accept. Anything else returns nothing.
pub fn commands(lines: &[String]) -> Vec<Vec<String>> {
    let read = |lines: &[String]| lines.iter().map(|line| words(line)).collect();
    let commands: Option<Vec<Vec<String>>> = match lines {
        [logout, _] if logout == "az logout" => read(lines),
        [_] => read(lines),
        _ => None,
    };
    commands
        .filter(|commands| commands.last().is_some_and(|last| last[0] == "login"))
        .unwrap_or_default()
}

/// Returns the words of the login that a sentence recommends, if it has no options.
pub fn command_in(sentence: &str) -> Vec<Vec<String>> {
    let is_named = ["'az login'", "`az login`"]
        .iter()
        .any(|quoted| sentence.contains(quoted));
    is_named
        .then(|| vec!["login".to_owned()])
        .into_iter()
        .collect()
}

fn words(line: &str) -> Option<Vec<String>> {
    let mut rest = line.split_whitespace();
    let ("az", command @ ("login" | "logout")) = (rest.next()?, rest.next()?) else {
        return None;
    };
    let mut words = vec![command.to_owned()];
    while let Some(option) = rest.next() {
        let value = rest.next()?;
        let value = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'))
            .unwrap_or(value);
        let value = match (command, option) {
            ("login", "--tenant") => values::tenant(value),
            ("login", "--scope") => values::resource(value),
            _ => return None,
        };
        words.extend([option.to_owned(), value.ok()?]);
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Vec<String> {
        let lines: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
        let commands = commands(&lines);
        commands.iter().map(|words| words.join(" ")).collect()
    }

    #[test]
    fn what_az_says() {
        let scope = "https://ossrdbms-aad.database.windows.net/.default";
        assert_eq!(read(&["az login"]), ["login"]);
        assert_eq!(
            read(&[
                "az logout",
                &format!("az login --tenant \"c0a51b7e-1b5c\" --scope \"{scope}\"")
            ]),
            [
                "logout".to_owned(),
                format!("login --tenant c0a51b7e-1b5c --scope {scope}")
            ]
        );
        let named = command_in("Please run 'az login' to setup account");
        assert_eq!(named, [["login"]]);
    }

    #[test]
    fn anything_else_is_not_run() {
        for lines in [
            &[][..],
            &["az logout"],
            &["az login", "az logout"],
            &["az login", "az login"],
            &["az logout", "az login", "az login"],
            &["az account clear"],
            &["az account clear", "az login"],
            &["az login --tenant"],
            &["az login --tenant --scope"],
            &["az login --tenant \"a b\""],
            &["az login --tenant \"a&calc\""],
            &["az login --tenant \"%PATH%\""],
            &["az login --scope \"http://x/.default\""],
            &["az login --scope \"https://x/$(id)\""],
            &["az login --password x"],
            &["az login; id"],
            &["az logout --username x", "az login"],
        ] {
            assert_eq!(read(lines), Vec::<String>::new(), "{lines:?}");
        }
        assert_eq!(
            command_in("use 'az login --tenant TENANT_ID'"),
            Vec::<Vec<String>>::new()
        );
    }
}
