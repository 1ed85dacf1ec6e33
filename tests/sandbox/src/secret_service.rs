//! A real Secret Service: GNOME's keyring on a message bus of its own, in a temporary directory.
//!
//! Its keyring is unlocked without anybody being asked, and no program that could ask is on the
//! bus. It ends with the value, and with this process.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::prerequisites;

/// The bus, on which nothing is started by being called.
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

/// Brings the bus and the keyring up in `$1`, says so with the keyring's process, and ends all at
/// the end of its input.
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
    /// Its end is the supervisor's.
    input: Option<ChildStdin>,
    keyring: Pid,
}

impl SecretService {
    /// Brings one up. The first time, it installs GNOME's keyring where it is missing and may be
    /// installed.
    ///
    /// # Errors
    ///
    /// Where it is missing, or does not come up.
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
            // The terminal's Ctrl-C is not for it.
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

    /// The value for `DBUS_SESSION_BUS_ADDRESS`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("unix:path={}", self.dir.join("bus").display())
    }

    /// Where the keyring keeps its files, encrypted.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Locks the keyring. Nobody is there to unlock it.
    ///
    /// # Errors
    ///
    /// Where it does not do so.
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

    /// Stops the keyring in its tracks: whoever asks it waits.
    ///
    /// # Errors
    ///
    /// Where the system refuses.
    pub fn silence(&self) -> Result<()> {
        Ok(kill_process(self.keyring, Signal::STOP)?)
    }
}

impl Drop for SecretService {
    fn drop(&mut self) {
        self.input.take();
        // It can only fail where somebody else has waited for the child.
        let _ = self.supervisor.wait();
    }
}
