//! A real Secret Service: GNOME's keyring on a message bus of its own, in a temporary directory.
//!
//! Its keyring is unlocked without a question, and no program that could ask is on the bus. It ends
//! when the value is dropped, or when this process ends.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::prerequisites;

/// The bus. A call starts nothing on it.
const CONFIGURATION: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=BUS</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// Starts the bus and the keyring in `$1`, prints the keyring's process id, and ends both at the end
/// of its input.
const SUPERVISOR: &str = r#"
dir=$1
export HOME="$dir" XDG_RUNTIME_DIR="$dir" DBUS_SESSION_BUS_ADDRESS="unix:path=$dir/bus"
dbus-daemon --config-file="$dir/bus.conf" --nofork --nopidfile </dev/null >"$dir/bus.log" 2>&1 &
bus=$!
keyring=
end() {
    [ -z "$keyring" ] || kill -CONT $keyring
    kill $keyring $bus
    wait
    rm -rf "$dir"
}
tries=0
again() {
    tries=$((tries + 1))
    [ $tries -lt 500 ] && kill -0 $1 || { end; exit 1; }
    sleep 0.02
}
call() {
    dbus-send --session --print-reply --reply-timeout=1000 --dest=org.freedesktop.secrets /org/freedesktop/secrets "$@" 2>&1
}
until [ -S "$dir/bus" ]; do again $bus; done
printf secret >"$dir/password"
gnome-keyring-daemon --foreground --components=secrets --unlock <"$dir/password" >"$dir/keyring.log" 2>&1 &
keyring=$!
until call org.freedesktop.Secret.Service.ReadAlias string:default | grep -q collection; do
    again $keyring
done
echo $keyring
cat >/dev/null
end
"#;

/// A running Secret Service.
#[derive(Debug)]
pub struct SecretService {
    dir: PathBuf,
    supervisor: Child,
    /// It ends with the supervisor.
    input: Option<ChildStdin>,
    keyring: Pid,
}

impl SecretService {
    /// Starts one. The first time, this installs GNOME's keyring if it is missing, as root on Debian.
    pub fn start() -> Result<Self> {
        prerequisites::ensure_programs(&[
            ("gnome-keyring-daemon", "gnome-keyring"),
            ("dbus-daemon", "dbus-daemon"),
            ("dbus-send", "dbus-bin"),
        ])?;
        let dir = tempfile::Builder::new()
            .prefix("entra-secrets-")
            .tempdir_in("/tmp")?
            .keep();
        let bus = dir.join("bus").display().to_string();
        std::fs::write(dir.join("bus.conf"), CONFIGURATION.replace("BUS", &bus))?;
        let mut supervisor = Command::new("/bin/sh")
            .args(["-c", SUPERVISOR, "sh"])
            .arg(&dir)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // The terminal's Ctrl-C must not reach it.
            .process_group(0)
            .spawn()
            .context("cannot run `sh`")?;
        let input = supervisor.stdin.take();
        let output = supervisor.stdout.take().context("the output is a pipe")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let Some(keyring) = line.trim().parse().ok().and_then(Pid::from_raw) else {
            bail!("GNOME's keyring does not come up");
        };
        Ok(Self {
            dir,
            supervisor,
            input,
            keyring,
        })
    }

    /// Returns the value for `DBUS_SESSION_BUS_ADDRESS`.
    pub fn address(&self) -> String {
        format!("unix:path={}", self.dir.join("bus").display())
    }

    /// Returns where the keyring keeps its files, encrypted.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Locks the keyring. Nothing can unlock it.
    pub fn lock(&self) -> Result<()> {
        let output = Command::new("dbus-send")
            .args(["--session", "--print-reply"])
            .args(["--dest=org.freedesktop.secrets", "/org/freedesktop/secrets"])
            .arg("org.freedesktop.Secret.Service.Lock")
            .arg("array:objpath:/org/freedesktop/secrets/aliases/default")
            .env("DBUS_SESSION_BUS_ADDRESS", self.address())
            .stdin(Stdio::null())
            .output()
            .context("cannot run `dbus-send`")?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// Stops the keyring's process: a program that asks it waits.
    pub fn silence(&self) -> Result<()> {
        Ok(kill_process(self.keyring, Signal::STOP)?)
    }
}

impl Drop for SecretService {
    fn drop(&mut self) {
        self.input.take();
        // It fails only if other code has waited for the child.
        let _ = self.supervisor.wait();
    }
}
