//! Runs psql and az, each in an environment with nothing but what it is given.

use std::{
    process::{Command, Output, Stdio},
    sync::Once,
};

use sandbox::{Entra, Gateway, Identity, Sandbox, clouds};

/// Returns the shared sandbox.
pub fn sandbox() -> &'static Sandbox {
    static SAID: Once = Once::new();
    let sandbox = Sandbox::shared();
    SAID.call_once(|| println!("PostgreSQL runs in `{}`", sandbox.socket_dir().display()));
    sandbox
}

/// Returns psql, ready to connect to the shared server as `role` with `password`.
pub fn psql(role: &str, password: &str) -> Command {
    psql_at(sandbox().gateway(), role, password)
}

/// Returns psql, ready to connect through another gateway.
pub fn psql_at(gateway: &Gateway, role: &str, password: &str) -> Command {
    let sandbox = sandbox();
    let mut command = Command::new(sandbox.postgres_bin_dir().join("psql"));
    command
        .args(["--no-psqlrc", "--no-align", "--tuples-only"])
        .env_clear()
        .env("PGHOST", sandbox.host())
        .env("PGHOSTADDR", "127.0.0.1")
        .env("PGPORT", gateway.port().to_string())
        .env("PGDATABASE", "postgres")
        .env("PGUSER", role)
        .env("PGPASSWORD", password)
        .env("PGSSLMODE", "verify-full")
        .env("PGSSLROOTCERT", sandbox.ca_file())
        .stdin(Stdio::null());
    command
}

/// Returns what a command that must succeed prints, without the line's end.
#[track_caller]
pub fn answer(command: &mut Command) -> String {
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{command:?}\n{}", stderr(&output));
    String::from_utf8(output.stdout)
        .expect("the answer is UTF-8")
        .trim_end()
        .to_owned()
}

/// Returns what a command that must fail with `code` prints to standard error.
#[track_caller]
pub fn complaint(command: &mut Command, code: i32) -> String {
    let output = command.output().expect("the program runs");
    assert_eq!(
        output.status.code(),
        Some(code),
        "{command:?}\n{}",
        stderr(&output)
    );
    stderr(&output)
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr)
        .trim_end()
        .to_owned()
}

/// Returns the real az, signed in to `entra` as `identity` in a new home.
pub fn az(entra: &Entra, identity: Identity) -> Command {
    let sandbox = sandbox();
    let home = sandbox.new_home(identity).expect("a home can be made");
    let mut command = Command::new(sandbox.az_dir().join("az"));
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", home)
        .envs(sandbox.az_env(entra, identity))
        .stdin(Stdio::null());
    command
}

/// Returns the real az, ready to ask for a database token.
pub fn az_token(entra: &Entra, identity: Identity) -> Command {
    let mut command = az(entra, identity);
    command.args([
        "account",
        "get-access-token",
        "--resource",
        clouds::PUBLIC.resource,
        "--output",
        "json",
    ]);
    command
}
