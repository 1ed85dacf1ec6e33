//! Tries entra-psql without an Azure: `cargo run -p sandbox` brings up the sandbox and runs the
//! launcher in it, with Alice signed in. Words after `--` are the launcher's command line; without
//! any she signs in as a group.
//!
//! The launcher's exit code is this program's.

mod launcher;

use std::{env, ffi::OsString, process::ExitCode};

use anyhow::Result;
use sandbox::{Identity, Sandbox, directory::PROD_DB_READONLY};

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("sandbox: error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode> {
    let program = launcher::program()?;
    let sandbox = Sandbox::start()?;
    let home = sandbox.new_home(Identity::Alice)?;
    let mut arguments: Vec<OsString> = env::args_os().skip(1).collect();
    if arguments.is_empty() {
        arguments = vec!["--group".into(), PROD_DB_READONLY.name.into()];
    }
    launcher::run(&program, &arguments, &sandbox, &home)
}
