//! Opens the person's browser, without a shell and without waiting for it.
//!
//! Whether one opened can't be known, so the address is shown too.

use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};

use crate::environment::SECRETS;
use crate::system::threads;

/// Opens `address` with the first command in `browser` (the value of `BROWSER`) that starts, or
/// else as the system does it.
pub fn open(address: &str, browser: Option<&OsStr>) {
    let commands = match browser.filter(|browser| !browser.is_empty()) {
        Some(browser) => of_variable(browser, address),
        None => vec![of_system(address)],
    };
    // If none starts, the address is still on the screen.
    let started = commands.iter().find_map(|words| start(words).ok());
    if let Some(mut child) = started {
        // Many such programs pass the address on and exit long before psql starts. Without a thread
        // to reap it, psql has a zombie child.
        let _ = threads::start(move || {
            let _ = child.wait();
        });
    }
}

/// Separates commands in `BROWSER`, as it does directories in `PATH`.
const SEPARATOR: char = if cfg!(windows) { ';' } else { ':' };

/// Returns the commands in `BROWSER`, separated like `PATH`. The address replaces `%s`, or is the
/// last argument.
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

/// Starts a command without our input, output and secrets.
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

/// Starts the browser in another process group: a Ctrl-C in psql would end it too.
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
