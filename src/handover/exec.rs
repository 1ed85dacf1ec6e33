//! Runs a program in the place of entra-psql: one function with two bodies.

#[cfg(unix)]
use std::ffi::{CString, OsStr};
use std::io;

use crate::environment::Environment;
use crate::failure::{Failure, Kind};
use crate::system::platform;

use crate::psql::ourselves;

use super::launch::{Launch, Role};

/// Execs `launch.program`. On Unix this returns only if it failed.
///
/// The process keeps its id, open files, umask, and the state of every signal. Rust's start-up
/// would have changed SIGPIPE, so entra-psql starts without it.
#[cfg(unix)]
pub fn become_program(launch: &Launch) -> Result<i32, Failure> {
    let program = c_string(launch.program.as_os_str(), || {
        "the program's path".to_owned()
    })?;
    let mut words = vec![program.clone()];
    for (n, word) in launch.words.iter().enumerate() {
        words.push(c_string(word, || format!("argument {}", n + 1))?);
    }
    let environment = changed_environment(launch);
    let refused = match environment.as_ref().or(launch.environment.as_ref()) {
        None => nix::unistd::execv(&program, &words),
        Some(environment) => {
            let mut variables = Vec::new();
            for (name, value) in environment.iter() {
                let mut variable = name.to_owned();
                variable.push("=");
                variable.push(value);
                variables.push(c_string(&variable, || {
                    format!("the variable `{}`", name.display())
                })?);
            }
            nix::unistd::execve(&program, &words, &variables)
        }
    };
    let Err(why) = refused;
    Err(cannot_run(launch, &why.into()))
}

/// Returns a text as a program gets it, which ends at a NUL. What was inherited has none, but what
/// was worked out since may.
#[cfg(unix)]
fn c_string(text: &OsStr, what: impl FnOnce() -> String) -> Result<CString, Failure> {
    use std::os::unix::ffi::OsStrExt as _;

    CString::new(text.as_bytes()).map_err(|_| {
        let cause = format!("{} contains a NUL, which would cut it off", what());
        Failure::new(Kind::NotRunnable, cause)
            .hint("correct the option, file or environment variable that it comes from")
    })
}

/// Runs `launch.program` and returns its exit code, with all 32 bits.
///
/// Ctrl-C is for psql to cancel its query. A handler takes the event here and does nothing, so
/// entra-psql outlives it. psql would inherit it if the event were ignored instead.
#[cfg(windows)]
pub fn become_program(launch: &Launch) -> Result<i32, Failure> {
    use std::os::windows::io::AsRawHandle as _;

    own_ctrl_c();
    let mut command = std::process::Command::new(&launch.program);
    command.args(&launch.words);
    let environment = changed_environment(launch);
    if let Some(environment) = environment.as_ref().or(launch.environment.as_ref()) {
        command.env_clear().envs(environment.iter());
    }
    let mut child = command.spawn().map_err(|why| cannot_run(launch, &why))?;
    // If entra-psql is ended, psql ends too, but not what psql started. It also works without a
    // job.
    let mut limits = win32job::ExtendedLimitInfo::new();
    limits.limit_kill_on_job_close().limit_silent_breakaway_ok();
    let job = win32job::Job::create_with_limit_info(&limits);
    if let Ok(job) = &job {
        let _ = job.assign_process(child.as_raw_handle() as isize);
    }
    let status = child.wait().map_err(|why| cannot_run(launch, &why))?;
    Ok(status.code().unwrap_or(1))
}

/// Returns the variables for the program if those of `launch` don't fit.
fn changed_environment(launch: &Launch) -> Option<Environment> {
    match launch.role {
        Role::Psql => ourselves::variables(&launch.program, launch.environment.as_ref()),
        Role::Program => None,
    }
}

/// Makes Ctrl-C and Ctrl-Break do nothing here, without psql inheriting that.
#[cfg(windows)]
#[expect(unsafe_code, reason = "the console's handlers are set by a raw call")]
fn own_ctrl_c() {
    use windows_sys::Win32::System::Console::SetConsoleCtrlHandler;

    unsafe extern "system" fn taken(_event: u32) -> windows_sys::core::BOOL {
        1
    }
    // SAFETY: the handler touches nothing.
    unsafe { SetConsoleCtrlHandler(Some(taken), 1) };
}

fn cannot_run(launch: &Launch, why: &io::Error) -> Failure {
    let shown = launch.program.display();
    if platform::are_words_too_long(why) {
        let cause =
            format!("the arguments for `{shown}` are longer than the system supports: {why}");
        return Failure::new(Kind::NotRunnable, cause)
            .hint("put SQL into a file for `-f FILE`, or pass it on standard input");
    }
    let kind = match why.kind() {
        io::ErrorKind::NotFound => Kind::NotFound,
        _ => Kind::NotRunnable,
    };
    Failure::new(kind, format!("`{shown}` cannot be run: {why}")).hint(launch.role.remedy())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `E2BIG`, or `ERROR_FILENAME_EXCED_RANGE` on Windows.
    const TOO_LONG: i32 = if cfg!(windows) { 206 } else { 7 };

    #[cfg(unix)]
    #[test]
    fn a_nul_is_an_error_and_nothing_is_cut() {
        let variable =
            |name: &str, value: &str| [(name.into(), value.into())].into_iter().collect();
        let launch = |words: &[&str], environment| Launch {
            program: "/nowhere/psql".into(),
            words: words.iter().map(Into::into).collect(),
            environment,
            role: Role::Psql,
        };
        for (launch, said) in [
            (launch(&["a", "b\0c"], None), "argument 2 contains a NUL"),
            (
                launch(&[], Some(variable("PGUSER", "a\0b"))),
                "the variable `PGUSER` contains a NUL",
            ),
        ] {
            let failure = become_program(&launch).unwrap_err();
            assert!(failure.cause().starts_with(said), "{failure}");
            assert_eq!(failure.exit_code(), 126);
        }
    }

    #[test]
    fn too_many_arguments_are_not_psqls_fault() {
        let launch = Launch {
            program: "psql".into(),
            words: Vec::new(),
            environment: None,
            role: Role::Psql,
        };
        let failure = cannot_run(&launch, &io::Error::from_raw_os_error(TOO_LONG));
        assert_eq!(failure.exit_code(), 126);
        assert!(
            failure
                .to_string()
                .contains("longer than the system supports")
        );
        assert!(failure.hints()[0].contains("`-f FILE`"), "{failure}");
    }
}
