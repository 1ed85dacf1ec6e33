//! Opens the person's browser, without a shell and without waiting for it.
//!
//! Whether one opened cannot be known, and nothing depends on it: the address is shown too.

use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};

use crate::environment::SECRETS;
use crate::system::threads;

/// Opens `address` with the first of the commands in `browser` (the value of `BROWSER`) that
/// starts, or else as the system does it.
pub fn open(address: &str, browser: Option<&OsStr>) {
    let commands = match browser.filter(|browser| !browser.is_empty()) {
        Some(browser) => of_variable(browser, address),
        None => vec![of_system(address)],
    };
    // What does not start is no loss: the next one is tried, and the address is on the screen.
    let started = commands.iter().find_map(|words| start(words).ok());
    if let Some(mut child) = started {
        // Many such programs only hand the address on and end, long before psql begins. Where there
        // is no thread to wait for that, psql has a child that ended.
        let _ = threads::start(move || {
            let _ = child.wait();
        });
    }
}

/// What stands between two commands, and between two directories of `PATH`.
const SEPARATOR: char = if cfg!(windows) { ';' } else { ':' };

/// Commands as `BROWSER` has them: several with the path separator between, each with words, and
/// `%s` where the address belongs.
fn of_variable(browser: &OsStr, address: &str) -> Vec<Vec<OsString>> {
    let browser = browser.to_string_lossy();
    let commands = browser.split(SEPARATOR).map(|command| {
        let mut words: Vec<OsString> = command
            .split_whitespace()
            .map(|word| word.replace("%s", address).into())
            .collect();
        if !command.contains("%s") {
            words.push(address.into());
        }
        words
    });
    commands.filter(|words| words.len() > 1).collect()
}

#[cfg(target_os = "macos")]
fn of_system(address: &str) -> Vec<OsString> {
    vec!["open".into(), address.into()]
}

#[cfg(windows)]
fn of_system(address: &str) -> Vec<OsString> {
    vec![
        "rundll32".into(),
        "url.dll,FileProtocolHandler".into(),
        address.into(),
    ]
}

#[cfg(not(any(target_os = "macos", windows)))]
fn of_system(address: &str) -> Vec<OsString> {
    vec!["xdg-open".into(), address.into()]
}

/// Starts a command that has nothing to do with our input and output, nor with our secrets.
fn start(words: &[OsString]) -> std::io::Result<std::process::Child> {
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    for name in SECRETS {
        command.env_remove(name);
    }
    apart(&mut command);
    command.spawn()
}

/// Not in our group of processes: psql takes a Ctrl-C as the end of a query, and the browser would
/// take it as its own.
#[cfg(unix)]
fn apart(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(windows)]
fn apart(_command: &mut Command) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_the_variable() {
        let words = |browser: &str| of_variable(browser.as_ref(), "https://x/?a=1&b=2");
        assert_eq!(words("firefox"), [["firefox", "https://x/?a=1&b=2"]]);
        assert_eq!(
            words(&format!("w3m --url=%s  -x{SEPARATOR}{SEPARATOR} lynx")),
            [
                vec!["w3m", "--url=https://x/?a=1&b=2", "-x"],
                vec!["lynx", "https://x/?a=1&b=2"]
            ]
        );
        assert!(words(&SEPARATOR.to_string()).is_empty());
    }
}
