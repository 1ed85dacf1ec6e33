//! A temporary directory and a program in it. Neither outlives this process.
//!
//! Two small shells wait for the end of pipes that this process holds, so they notice its end even
//! if it is killed. The one that runs the program may run as another user, since PostgreSQL does not
//! run as root, and could not remove root's files from the directory. So the other one removes it,
//! after the first has ended: its pipe is also held by the first.

use std::{
    env,
    fs::Permissions,
    io::{PipeWriter, pipe},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result};

use super::binaries::Account;

/// On macOS a socket's path may have at most 103 bytes. The names below need less than 40.
const LONGEST_BASE: usize = 60;

/// Removes `$1` at the end of its input.
const JANITOR: &str = r#"cat; rm -rf "$1""#;

/// Runs `$2…` with its output in the file `$1`, and stops it with SIGINT at the end of its input.
const SUPERVISOR: &str = r#"
log=$1; shift
"$@" </dev/null >"$log" 2>&1 &
cat >/dev/null
kill -INT $!
wait $!
"#;

/// A temporary directory. It is removed when this is dropped, or when this process ends.
#[derive(Debug)]
pub(super) struct TemporaryDir {
    path: PathBuf,
    janitor: Child,
    pipe: Option<PipeWriter>,
}

impl TemporaryDir {
    /// Makes a directory that only its owner can read.
    pub(super) fn create() -> Result<Self> {
        let usual = env::temp_dir();
        let base = if usual.as_os_str().len() > LONGEST_BASE {
            Path::new("/tmp")
        } else {
            &usual
        };
        let path = tempfile::Builder::new()
            .prefix("entra-sandbox-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(base)
            .context("cannot create a temporary directory")?
            .keep();
        let (reader, writer) = pipe()?;
        let janitor = shell(JANITOR)
            .arg(&path)
            .stdin(reader)
            .stdout(Stdio::null())
            .spawn()
            .context("cannot run `sh`")?;
        Ok(Self {
            path,
            janitor,
            pipe: Some(writer),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `command` until the result is dropped or this process ends.
    pub(super) fn run(
        &self,
        command: &Command,
        log: &Path,
        account: Option<Account>,
    ) -> Result<Supervised> {
        let (reader, writer) = pipe()?;
        let held = self
            .pipe
            .as_ref()
            .expect("the pipe is held until the directory is dropped")
            .try_clone()?;
        let mut shell = shell(SUPERVISOR);
        shell
            .arg(log)
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(reader)
            .stdout(held);
        if let Some(account) = account {
            shell.uid(account.user).gid(account.group);
        }
        let supervisor = shell
            .current_dir(&self.path)
            .spawn()
            .context("cannot run `sh`")?;
        Ok(Supervised {
            supervisor,
            pipe: Some(writer),
        })
    }
}

impl Drop for TemporaryDir {
    fn drop(&mut self) {
        self.pipe.take();
        // It fails only if other code has waited for the child.
        let _ = self.janitor.wait();
    }
}

/// A running program. Dropping it stops it and waits for its end.
#[derive(Debug)]
pub(super) struct Supervised {
    supervisor: Child,
    pipe: Option<PipeWriter>,
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.pipe.take();
        let _ = self.supervisor.wait();
    }
}

/// Returns `sh -c SCRIPT sh …`, in a process group of its own that the terminal's Ctrl-C does not
/// reach.
fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, "sh"]).process_group(0);
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .stderr(Stdio::null());
    command
}
