//! Finds out which shell started us, as far as that can be known.

use crate::environment::Environment;

use super::Shell;

/// Returns the calling shell: the program that started us if the system reports it, else by the
/// variables, else sh.
pub fn shell(environment: &Environment) -> Shell {
    parent()
        .and_then(|program| Shell::of_program(&program))
        .or_else(|| by_variables(environment))
        .unwrap_or(Shell::Sh)
}

/// Returns the name of the program that started us.
#[cfg(target_os = "linux")]
fn parent() -> Option<String> {
    let id = nix::unistd::getppid();
    let name = std::fs::read_to_string(format!("/proc/{id}/comm")).ok()?;
    Some(name.trim_end().to_owned())
}

/// Other systems don't tell it as easily.
#[cfg(not(target_os = "linux"))]
fn parent() -> Option<String> {
    None
}

/// Returns the shell that set these variables. `SHELL` is the login shell, or on Windows that of
/// Git and MSYS. PowerShell on Windows adds your own directory to `PSModulePath` for what it
/// starts.
fn by_variables(environment: &Environment) -> Option<Shell> {
    let text = |name| environment.get_filled(name)?.to_str();
    if let Some(shell) = text("SHELL").and_then(Shell::of_program) {
        return Some(shell);
    }
    if !cfg!(windows) {
        return None;
    }
    let is_in_power_shell = text("PSModulePath")
        .zip(text("USERPROFILE"))
        .is_some_and(|(places, home)| places.contains(home));
    Some(if is_in_power_shell {
        Shell::PowerShell
    } else {
        Shell::Cmd
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_login_shell_if_nothing_else_is_known() {
        let said = |shell: &str| {
            let variables = [("SHELL".into(), shell.into())];
            by_variables(&variables.into_iter().collect())
        };
        assert_eq!(said("/usr/bin/fish"), Some(Shell::Fish));
        assert_eq!(said("/bin/tcsh"), None);
        assert_eq!(by_variables(&Environment::default()), None);
    }
}
