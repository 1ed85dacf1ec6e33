//! Tries entra-psql without Azure: `cargo run -p sandbox` starts the sandbox and runs entra-psql in
//! it, with Alice signed in. Put the arguments for entra-psql after `--`; without any, she signs in
//! as a group.
//!
//! The exit code is that of entra-psql.

mod greeting;
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
        greeting::greet(&sandbox, Identity::Alice, PROD_DB_READONLY.name);
        arguments = vec!["--group".into(), PROD_DB_READONLY.name.into()];
    }
    launcher::run(&program, &arguments, &sandbox, &home)
}
