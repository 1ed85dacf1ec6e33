//! What the sandbox needs from the machine: PostgreSQL, and a Python that can make environments. As
//! root on Debian it installs them; otherwise it reports how to. Tests ask for more programs here.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::{cache::Cache, postgres::bin_dir};

/// Makes Debian's packages not create and start a database of their own.
const NO_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/entra-psql-sandbox.conf";

/// Makes sure that everything is installed.
pub(crate) fn ensure() -> Result<()> {
    if missing().is_empty() {
        return Ok(());
    }
    if !may_install() {
        bail!(
            "{} must be installed first:\n    {}",
            missing().join(" and "),
            install_command(has("apt-get"))
        );
    }
    eprintln!("sandbox: installing {}", missing().join(" and "));
    install()?;
    match missing().as_slice() {
        [] => Ok(()),
        still => bail!("not found after installing: {}", still.join(" and ")),
    }
}

/// Returns a program that only some tests need. If it is missing, Debian's package of the same name
/// is installed.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    ensure_programs(&[(name, name)])?;
    find(name).with_context(|| format!("`{name}` is not installed, or not on `PATH`"))
}

/// Makes sure that the other programs of a test are installed: pairs of a program's name and the
/// name of Debian's package.
pub fn ensure_programs(wanted: &[(&str, &str)]) -> Result<()> {
    let missing = || -> Vec<&str> {
        let absent = |(program, _): &&(&str, &str)| !has(program);
        wanted
            .iter()
            .filter(absent)
            .map(|(_, package)| *package)
            .collect()
    };
    if missing().is_empty() {
        return Ok(());
    }
    // Only one apt-get at a time.
    let _turn = Cache::open()?.turn("apt-get")?;
    let packages = missing();
    if packages.is_empty() {
        return Ok(());
    }
    if !may_install() {
        bail!(
            "`{}` must be installed first, with your package manager",
            packages.join("` and `")
        );
    }
    eprintln!("sandbox: installing {}", packages.join(" and "));
    apt_get(&["update", "--quiet=2"])?;
    let install = ["install", "--quiet=2", "-y", "--no-install-recommends"];
    apt_get(&[&install[..], &packages].concat())?;
    match missing().as_slice() {
        [] => Ok(()),
        still => bail!(
            "`{}` cannot be found after installing",
            still.join("` and `")
        ),
    }
}

fn may_install() -> bool {
    has("apt-get") && rustix::process::geteuid().is_root()
}

fn missing() -> Vec<&'static str> {
    let mut missing = Vec::new();
    if bin_dir().is_none() {
        missing.push("PostgreSQL");
    }
    let python = Command::new("python3")
        .args(["-c", "import ensurepip, venv"])
        .stdin(Stdio::null())
        .output();
    if !python.is_ok_and(|output| output.status.success()) {
        missing.push("Python 3 with venv");
    }
    missing
}

fn has(program: &str) -> bool {
    find(program).is_some()
}

fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let mut places = env::split_paths(&path).map(|dir| dir.join(program));
    places.find(|place| place.is_file())
}

fn install_command(apt: bool) -> &'static str {
    if apt {
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends postgresql python3-venv"
    } else if has("brew") {
        "brew install postgresql@17 python3"
    } else if has("dnf") {
        "sudo dnf install -y postgresql-server python3"
    } else {
        "your package manager, for PostgreSQL's server and Python 3"
    }
}

fn install() -> Result<()> {
    let dir = Path::new(NO_CLUSTER)
        .parent()
        .expect("the path has a parent");
    fs::create_dir_all(dir)?;
    fs::write(NO_CLUSTER, "create_main_cluster = false\n")?;
    let outcome = apt_get(&["update"]).and_then(|()| {
        apt_get(&[
            "install",
            "-y",
            "--no-install-recommends",
            "postgresql",
            "python3-venv",
        ])
    });
    // It was only for this installation.
    fs::remove_file(NO_CLUSTER)?;
    // The directory stays if it belongs to a package, or if something else is there.
    let _ = fs::remove_dir(dir);
    outcome
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let status = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .status()
        .context("cannot run `apt-get`")?;
    if !status.success() {
        bail!("`apt-get {}` failed", arguments.join(" "));
    }
    Ok(())
}
