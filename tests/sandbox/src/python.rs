//! Installing from the Python package index.

use std::{ffi::OsStr, path::Path, process::Command};

use anyhow::Result;

use crate::progress;

/// Installs with the pip of `python`, as `words` say. `what` is shown meanwhile, and `log` gets
/// pip's output.
pub(crate) fn install<W: AsRef<OsStr>>(
    python: &Path,
    what: &str,
    words: impl IntoIterator<Item = W>,
    log: &Path,
) -> Result<()> {
    // The user's environment stays: it may say how to reach the package index.
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
