//! Installs from the Python package index.

use std::{ffi::OsStr, path::Path, process::Command};

use anyhow::Result;

use crate::progress;

/// Runs `pip install` of `python` with the arguments `words`. `what` is shown meanwhile, and `log`
/// gets pip's output.
pub(crate) fn install<W: AsRef<OsStr>>(
    python: &Path,
    what: &str,
    words: impl IntoIterator<Item = W>,
    log: &Path,
) -> Result<()> {
    // The user's environment stays, since it may be needed to reach the package index.
    let mut command = Command::new(python);
    command
        .args([
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
        ])
        .args(words);
    progress::run(what, &mut command, log)
}
