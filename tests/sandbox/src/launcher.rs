//! Builds entra-psql, and runs it in the sandbox.

use std::{
    env,
    ffi::OsString,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode, ExitStatus, Stdio},
};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use sandbox::{Identity, Sandbox, cache::target_dir};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

/// Names a program to run instead of entra-psql, for tests of this one.
const PROGRAM_VARIABLE: &str = "SANDBOX_PROGRAM";

/// The user's own variables that would lead out of the sandbox, in capitals.
const FOREIGN: [&str; 8] = [
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "PSQL_HISTORY",
    "REQUESTS_CA_BUNDLE",
    "SANDBOX_PROGRAM",
];

/// The beginnings of more of them.
const FOREIGN_PREFIXES: [&str; 11] = [
    "ACTIONS_",
    "AZURE_",
    "ENTRA_PSQL_",
    "IDENTITY_",
    "IMDS_",
    "MSI_",
    "PG",
    "PYTHON",
    "SSL_CERT_",
    "SYSTEM_",
    "XDG_",
];

/// Builds entra-psql from this workspace, and returns its path.
pub fn program() -> Result<PathBuf> {
    if let Some(program) = env::var_os(PROGRAM_VARIABLE) {
        return Ok(program.into());
    }
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "build",
            "--release",
            "--package",
            "entra-psql",
            "--message-format=json-render-diagnostics",
        ])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml"))
        .arg("--target-dir")
        .arg(target_dir())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run `cargo`")?;
    if !output.status.success() {
        bail!("`cargo build` of entra-psql failed");
    }
    // There is a message on each line, and the one for the program names the file.
    let messages = String::from_utf8_lossy(&output.stdout);
    let executable = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        let wanted = message["target"]["name"] == "entra-psql";
        message["executable"]
            .as_str()
            .filter(|_| wanted)
            .map(PathBuf::from)
    };
    messages
        .lines()
        .find_map(executable)
        .context("`cargo build` did not report the path of entra-psql")
}

/// Runs entra-psql at this terminal until it ends.
pub fn run(
    program: &Path,
    arguments: &[OsString],
    sandbox: &Sandbox,
    home: &Path,
) -> Result<ExitCode> {
    let mut command = tokio::process::Command::new(program);
    command.args(arguments);
    for (name, _) in env::vars_os() {
        if is_foreign(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    // The sandbox's `az` comes first. PostgreSQL's own programs come last, in case no `psql` is on
    // `PATH`.
    let path = env::var_os("PATH").unwrap_or_default();
    let dirs = [sandbox.az_dir().to_path_buf()]
        .into_iter()
        .chain(env::split_paths(&path));
    command
        .envs(sandbox.az_env(sandbox.entra(), Identity::Alice))
        .env("SSL_CERT_FILE", sandbox.ca_file())
        .env(
            "PATH",
            env::join_paths(dirs.chain([sandbox.postgres_bin_dir().to_path_buf()]))?,
        )
        .env("HOME", home)
        .env("PGHOST", sandbox.host())
        .env("PGHOSTADDR", "127.0.0.1")
        .env("PGPORT", sandbox.port().to_string())
        .env("PGSSLROOTCERT", sandbox.ca_file());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let status = runtime
        .block_on(wait(command))
        .with_context(|| format!("cannot run `{}`", program.display()))?;
    Ok(exit_code(status))
}

fn is_foreign(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    FOREIGN.contains(&name.as_str())
        || FOREIGN_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// Waits for the child. The terminal sends Ctrl-C and Ctrl-\ to the child too, so they do nothing
/// here. A request to end, which only this process got, is passed on.
async fn wait(mut command: tokio::process::Command) -> std::io::Result<ExitStatus> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut child = command.spawn()?;
    let id = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    let pass_on = |signal| {
        // It may have ended already, which is as good.
        id.map(|id| kill_process(id, signal))
    };
    loop {
        tokio::select! {
            status = child.wait() => return status,
            _ = interrupt.recv() => {}
            _ = quit.recv() => {}
            _ = terminate.recv() => drop(pass_on(Signal::TERM)),
            _ = hangup.recv() => drop(pass_on(Signal::HUP)),
        }
    }
}

/// Returns the exit code as a shell reports it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
