//! Finds out which shell we were called from, as far as that can be known.

use crate::environment::Environment;

use super::Shell;

/// The calling shell: the program that started us where the system says it, else by the variables,
/// else sh.
pub fn shell(environment: &Environment) -> Shell {
    parent()
        .and_then(|program| Shell::of_program(&program))
        .or_else(|| by_variables(environment))
        .unwrap_or(Shell::Sh)
}

/// The name of the program that started us.
#[cfg(target_os = "linux")]
fn parent() -> Option<String> {
    let id = nix::unistd::getppid();
    let name = std::fs::read_to_string(format!("/proc/{id}/comm")).ok()?;
    Some(name.trim_end().to_owned())
}

/// Elsewhere the system does not say it without more ado.
#[cfg(not(target_os = "linux"))]
fn parent() -> Option<String> {
    None
}

/// By the variables that shells leave: `SHELL`, which is the login shell and on Windows that of Git
/// and MSYS, and on Windows else the person's own place among PowerShell's modules, which
/// PowerShell adds for what it starts.
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
    fn the_login_shell_where_nothing_else_is_known() {
        let said = |shell: &str| {
            let variables = [("SHELL".into(), shell.into())];
            by_variables(&variables.into_iter().collect())
        };
        assert_eq!(said("/usr/bin/fish"), Some(Shell::Fish));
        assert_eq!(said("/bin/tcsh"), None);
        assert_eq!(by_variables(&Environment::default()), None);
    }
}
