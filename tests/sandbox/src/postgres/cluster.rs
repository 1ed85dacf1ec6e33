//! One PostgreSQL cluster in a temporary directory.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use super::{
    Server,
    binaries::{Account, bin_dir, unprivileged_account},
    supervised::{Supervised, TemporaryDir},
};
use crate::cache::{chown, copy_tree};

/// How long PostgreSQL may take to start, on the slowest machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A running cluster. Dropping it stops it and removes it.
#[derive(Debug)]
pub(super) struct Cluster {
    // Declared, and so dropped, before the directory it runs in.
    _server: Supervised,
    dir: TemporaryDir,
    bin: PathBuf,
    port: u16,
}

impl Cluster {
    /// Starts a copy of a data directory.
    pub(super) fn start(template: &Path) -> Result<Self> {
        let place = Place::create()?;
        copy_tree(
            template,
            &place.data(),
            place.account.map(|account| (account.user, account.group)),
        )?;
        place.start()
    }

    /// Returns how to reach it.
    pub(super) fn server(&self) -> Server {
        Server {
            socket_dir: self.dir.path().to_path_buf(),
            port: self.port,
        }
    }

    pub(super) fn bin_dir(&self) -> &Path {
        &self.bin
    }

    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The data directory.
    pub(super) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Shuts the server down. Its data directory stays until the result is dropped.
    pub(super) fn stop(self) -> Stopped {
        let data = self.data();
        let Self {
            _server: server,
            dir,
            ..
        } = self;
        drop(server);
        Stopped { data, _dir: dir }
    }
}

/// The data directory of a cluster that has stopped.
#[derive(Debug)]
pub(super) struct Stopped {
    pub(super) data: PathBuf,
    _dir: TemporaryDir,
}

/// A place for a cluster, and the user it will run as.
#[derive(Debug)]
pub(super) struct Place {
    dir: TemporaryDir,
    bin: PathBuf,
    account: Option<Account>,
}

impl Place {
    pub(super) fn create() -> Result<Self> {
        let bin = bin_dir().context(
            "PostgreSQL is not installed (no `initdb`, `postgres` and `psql` in one place)",
        )?;
        let account = unprivileged_account()?;
        let dir = TemporaryDir::create()?;
        chown(
            dir.path(),
            account.map(|account| (account.user, account.group)),
        )?;
        Ok(Self { dir, bin, account })
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Returns one of PostgreSQL's programs, to run as the cluster's user.
    fn command(&self, program: &str) -> Command {
        use std::os::unix::process::CommandExt as _;
        let mut command = Command::new(self.bin.join(program));
        command
            .env_clear()
            .env("PATH", &self.bin)
            .env("TZ", "UTC")
            .current_dir(self.dir.path());
        if let Some(account) = self.account {
            command.uid(account.user).gid(account.group);
        }
        command
    }

    /// Fills a new data directory.
    pub(super) fn initialise(&self) -> Result<()> {
        let output = self
            .command("initdb")
            .args([
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ])
            .args(["--wal-segsize=1", "--pgdata"])
            .arg(self.data())
            .output()
            .context("cannot run `initdb`")?;
        if !output.status.success() {
            bail!(
                "`initdb` failed: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(())
    }

    /// Starts the server on the data directory.
    pub(super) fn start(self) -> Result<Cluster> {
        fs::set_permissions(self.data(), fs::Permissions::from_mode(0o700))?;
        let log = self.dir.path().join("log");
        // The port is free now. If another program takes it first, the next one will do.
        for _ in 0..5 {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
                .local_addr()?
                .port();
            let mut command = self.command("postgres");
            command
                .arg("-D")
                .arg(self.data())
                .arg("-k")
                .arg(self.dir.path());
            command.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
            let server = self.dir.run(&command, &log, self.account)?;
            if self.is_ready()? {
                return Ok(Cluster {
                    _server: server,
                    dir: self.dir,
                    bin: self.bin,
                    port,
                });
            }
            if !fs::read_to_string(&log)?.contains("Address already in use") {
                break;
            }
        }
        bail!("PostgreSQL did not start: {}", fs::read_to_string(&log)?)
    }

    /// Waits until the server is ready, which it reports in the eighth line of its lock file. Returns
    /// `false` if it ended instead, which removes the file.
    fn is_ready(&self) -> Result<bool> {
        let lock_file = self.data().join("postmaster.pid");
        let start = Instant::now();
        let mut seen = false;
        while start.elapsed() < PATIENCE {
            let contents = fs::read_to_string(&lock_file);
            if contents.as_ref().is_ok_and(|text| {
                text.lines()
                    .nth(7)
                    .is_some_and(|line| line.trim() == "ready")
            }) {
                return Ok(true);
            }
            let log = fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            if log.contains("FATAL:") || (seen && contents.is_err()) {
                return Ok(false);
            }
            seen |= contents.is_ok();
            sleep(Duration::from_millis(5));
        }
        bail!(
            "PostgreSQL did not start within {} seconds",
            PATIENCE.as_secs()
        )
    }
}
