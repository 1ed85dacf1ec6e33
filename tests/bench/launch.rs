//! What the launcher costs, as ratios taken in one run on the sandbox: `cargo bench`.
//!
//! The contenders of a ratio take turns, so that a busy moment meets both; each is represented by
//! its median. Peak memory and instructions do not depend on what else the machine does.
//! `cargo bench -- --quick` takes fewer turns, `cargo bench -- --proxy` measures the proxy, and
//! `cargo bench -- --compare OLD NEW` measures two builds of the launcher against each
//! other.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use sandbox::{Entra, Identity, Sandbox, TokenChanges};
use tempfile::TempDir;

use crate::contest::{self, Contest};
use crate::footprint;
use crate::proxy;

/// The program that is measured, after [`build_as_shipped`].
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_entra-psql");

/// Measures, and prints what it found.
pub fn run() {
    if let Some(program) = std::env::args()
        .skip_while(|word| word != footprint::ASIDE)
        .nth(1)
    {
        footprint::print_peak_memory(&program);
        return;
    }
    let quick = std::env::args().any(|word| word == "--quick");
    build_as_shipped();
    let sandbox = Sandbox::shared();
    let mut compared = std::env::args().skip_while(|word| word != "--compare");
    if compared.next().is_some() {
        let mut build = || compared.next().expect("--compare OLD NEW");
        compare(sandbox, &build(), &build(), quick);
        return;
    }
    if std::env::args().any(|word| word == "--proxy") {
        proxy::run(sandbox, quick);
        return;
    }
    println!("| what | ratio | limit |\n|---|---|---|");
    pass_through(sandbox, if quick { 50 } else { 1000 });
    remembered(sandbox, if quick { 20 } else { 300 });
    with_derived_roots(sandbox, if quick { 20 } else { 300 });
    signing_in(sandbox, if quick { 3 } else { 40 });
    many_at_once(sandbox, if quick { 1 } else { 9 });
    println!("\n| what | amount |\n|---|---|");
    let desk = Desk::new(sandbox);
    // The first launch is a miss, and leaves a token behind.
    contest::time_at_once(1, || desk.launcher(PROGRAM));
    footprint::report(PROGRAM, &desk.variables);
}

/// Builds the program alone. What `cargo bench` built has the features of libraries that only the
/// sandbox needs: tokio's scheduler for several threads loads the mathematics library.
fn build_as_shipped() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--release", "--locked", "--package", "entra-psql"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    // With the variables of the cargo that runs this, build scripts would run anew.
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"CARGO_") && name != "CARGO_HOME" {
            cargo.env_remove(name);
        }
    }
    assert!(cargo.status().expect("cargo runs").success());
}

/// Two builds of the launcher that take turns.
fn compare(sandbox: &'static Sandbox, old: &str, new: &str, quick: bool) {
    let desk = Desk::new(sandbox);
    println!("| what | new / old |\n|---|---|");
    let compare_on = |what: &str, turns: usize, prepare: &dyn Fn(&str) -> Command| {
        let mut contest = Contest::new(turns);
        let old = contest.enter(|| prepare(old));
        let new = contest.enter(|| prepare(new));
        let medians = contest.run();
        println!("| {what} | {:.3} |", medians[new] / medians[old]);
    };
    compare_on("pass-through", if quick { 100 } else { 2000 }, &|program| {
        on_socket(sandbox, program, &[])
    });
    compare_on("hit", if quick { 50 } else { 600 }, &|program| {
        desk.launcher(program)
    });
    compare_on("miss", if quick { 3 } else { 40 }, &|program| {
        let mut command = desk.launcher(program);
        command.env("ENTRA_PSQL_CACHE", "off");
        command
    });
    for (which, program) in [("old", old), ("new", new)] {
        println!("\n| {which} | amount |\n|---|---|");
        footprint::report(program, &desk.variables);
    }
}

/// psql on a socket, by itself and behind us; and behind a shell's `exec`, which does as little as
/// can be done.
fn pass_through(sandbox: &Sandbox, turns: usize) {
    let psql = sandbox.postgres_bin_dir().join("psql");
    let psql = psql.to_str().expect("a path");
    let script = ["-c", "exec psql \"$@\"", "sh"];
    let mut contest = Contest::new(turns);
    let bare = contest.enter(|| on_socket(sandbox, psql, &[]));
    let ours = contest.enter(|| on_socket(sandbox, PROGRAM, &[]));
    let shell = contest.enter(|| on_socket(sandbox, "/bin/sh", &script));
    let medians = contest.run();
    line(
        "pass-through / psql on a socket",
        medians[ours] / medians[bare],
        "1.15",
    );
    line(
        "`exec` from sh / psql on a socket",
        medians[shell] / medians[bare],
        "",
    );
}

/// A query on the server's socket, where no token is due.
fn on_socket(sandbox: &Sandbox, program: &str, first: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(first)
        .args(["-XAtqc", "select 1"])
        .env_clear()
        .env("PATH", sandbox.postgres_bin_dir())
        .env("PGHOST", sandbox.socket_dir())
        .env("PGPORT", sandbox.tcp_port().to_string())
        .env("PGUSER", "postgres")
        .env("PGDATABASE", "app");
    command
}

/// Signing in with az over TLS, and the lines that people paste.
fn signing_in(sandbox: &'static Sandbox, turns: usize) {
    let desk = Desk::new(sandbox);
    let by_hand = "PGPASSWORD=$(az account get-access-token --resource-type oss-rdbms --query accessToken -o tsv) exec psql";
    let recipe = "PGUSER=$(az ad signed-in-user show --query userPrincipalName -o tsv)
        PGPASSWORD=$(az account get-access-token --resource-type oss-rdbms --query accessToken -o tsv)
        export PGUSER PGPASSWORD; exec psql";
    let mut contest = Contest::new(turns);
    let one_call =
        contest.enter(|| desk.shell(&format!("PGUSER={} {by_hand}", Identity::Alice.name())));
    let two_calls = contest.enter(|| desk.shell(recipe));
    let ours = contest.enter(|| {
        let mut command = desk.launcher(PROGRAM);
        command.env("ENTRA_PSQL_CACHE", "off");
        command
    });
    let medians = contest.run();
    line(
        "miss / one `az account get-access-token` and psql",
        medians[ours] / medians[one_call],
        "1.03",
    );
    line(
        "the documented two calls and psql / miss",
        medians[two_calls] / medians[ours],
        "",
    );
}

/// A cached token, against psql with everything set by hand, with the same file of one root. The
/// whole store is what psql by hand would parse without such a file.
fn remembered(sandbox: &'static Sandbox, turns: usize) {
    let desk = Desk::new(sandbox);
    let store = desk.store(sandbox);
    let mut contest = Contest::new(turns);
    let by_hand = contest.enter(|| desk.psql(sandbox));
    let ours = contest.enter(|| desk.launcher(PROGRAM));
    let whole_store = contest.enter(|| {
        let mut command = desk.psql(sandbox);
        command.env("PGSSLROOTCERT", &store);
        command
    });
    let medians = contest.run();
    let by_hand = medians[by_hand];
    line("hit / psql set by hand", medians[ours] / by_hand, "1.10");
    line(
        "psql set by hand, the whole store / the same, one root",
        medians[whole_store] / by_hand,
        "",
    );
}

/// The same with the system's roots, of which a launch derives a smaller file: against psql with
/// that file, and what the file costs psql.
fn with_derived_roots(sandbox: &'static Sandbox, turns: usize) {
    let desk = Desk::new(sandbox);
    let store = desk.store(sandbox);
    let ours = || {
        let mut command = desk.launcher(PROGRAM);
        command
            .env_remove("PGSSLROOTCERT")
            .env("SSL_CERT_FILE", &store);
        command
    };
    // The first launch derives the file.
    contest::time_at_once(1, ours);
    let derived = desk.derived();
    let mut contest = Contest::new(turns);
    let same_file = contest.enter(|| {
        let mut command = desk.psql(sandbox);
        command.env("PGSSLROOTCERT", &derived);
        command
    });
    let ours = contest.enter(ours);
    let one_root = contest.enter(|| desk.psql(sandbox));
    let medians = contest.run();
    line(
        "hit with the system's roots / psql set by hand, the file derived from them",
        medians[ours] / medians[same_file],
        "1.06",
    );
    line(
        "hit with the system's roots / psql set by hand, one root",
        medians[ours] / medians[one_root],
        "",
    );
}

/// 32 launches at once without a token at hand, against one az call and then 32 psql at once.
fn many_at_once(sandbox: &'static Sandbox, rounds: usize) {
    let mut ratios = Vec::new();
    for _ in 0..rounds {
        let desk = Desk::new(sandbox);
        let ours = contest::time_at_once(32, || desk.launcher(PROGRAM));
        let desk = Desk::new(sandbox);
        let az = contest::time_at_once(1, || {
            desk.shell("az account get-access-token --resource-type oss-rdbms -o none && echo 1 #")
        });
        ratios.push(ours / (az + contest::time_at_once(32, || desk.psql(sandbox))));
    }
    line(
        "32 at once / one az call and 32 psql at once",
        contest::median(ratios),
        "1.5",
    );
}

fn line(what: &str, ratio: f64, limit: &str) {
    println!("| {what} | {ratio:.2} | {limit} |");
}

/// Alice's home and environment, with everything that is not measured set by hand.
pub struct Desk {
    home: TempDir,
    _entra: Entra,
    pub variables: Vec<(String, String)>,
    pub token: String,
}

impl Desk {
    pub fn new(sandbox: &Sandbox) -> Self {
        let home = tempfile::tempdir().expect("a home");
        sandbox
            .sign_in(home.path(), Identity::Alice)
            .expect("a profile");
        let entra = sandbox.new_entra().expect("an Entra");
        let mut variables = sandbox.az_env(&entra, Identity::Alice);
        let path = format!(
            "{}:{}:/usr/bin:/bin",
            sandbox.az_dir().display(),
            sandbox.postgres_bin_dir().display()
        );
        let run = home.path().join("run");
        fs::create_dir(&run).expect("a directory");
        fs::set_permissions(&run, Permissions::from_mode(0o700)).expect("its mode");
        for (name, value) in [
            ("PATH", path.as_str()),
            ("HOME", &home.path().display().to_string()),
            ("XDG_RUNTIME_DIR", &run.display().to_string()),
            ("PGHOST", sandbox.host()),
            ("PGHOSTADDR", "127.0.0.1"),
            ("PGPORT", &sandbox.port().to_string()),
            ("PGDATABASE", "postgres"),
            ("PGSSLMODE", "verify-full"),
            ("PGSSLROOTCERT", &sandbox.ca_file().display().to_string()),
        ] {
            variables.push((name.to_owned(), value.to_owned()));
        }
        Self {
            home,
            _entra: entra,
            variables,
            token: sandbox.issue(Identity::Alice, &TokenChanges::none()),
        }
    }

    /// Leads everything to PostgreSQL itself, without the gateway, with one token for all.
    pub fn facing_postgres(mut self, sandbox: &Sandbox) -> Self {
        let (role, token) = (Identity::Alice.name(), &self.token);
        sandbox.serve_tls().expect("TLS");
        // A password that takes no time to check, as tokens don't.
        let password =
            format!("set password_encryption = md5; alter role \"{role}\" password '{token}'");
        sandbox.superuser_sql(&password).expect("a password");
        let port = sandbox.tcp_port().to_string();
        self.set("PGPORT", &port);
        let token = self.token.clone();
        self.set("ENTRA_PSQL_TOKEN", &token);
        self.set("ENTRA_PSQL_AUTH", "env");
        self
    }

    fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(other, _)| other != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    fn launcher(&self, program: &str) -> Command {
        self.prepared(Command::new(program))
    }

    /// psql with role and token set by hand.
    fn psql(&self, sandbox: &Sandbox) -> Command {
        let mut command = self.prepared(Command::new(sandbox.postgres_bin_dir().join("psql")));
        command
            .env("PGUSER", Identity::Alice.name())
            .env("PGPASSWORD", &self.token);
        command
    }

    /// A store of roots as a system has it, with the sandbox's own among them.
    fn store(&self, sandbox: &Sandbox) -> PathBuf {
        let system = [
            "/etc/ssl/certs/ca-certificates.crt",
            "/etc/pki/tls/certs/ca-bundle.crt",
            "/etc/ssl/cert.pem",
        ];
        let system = system
            .iter()
            .find_map(|file| fs::read_to_string(file).ok())
            .expect("this system's roots");
        let store = self.home.path().join("store.pem");
        let own = fs::read_to_string(sandbox.ca_file()).expect("the sandbox's root");
        fs::write(&store, system + &own).expect("a store");
        store
    }

    /// The file of roots that a launch derived from the store.
    fn derived(&self) -> PathBuf {
        let kept = fs::read_dir(self.home.path().join("run/entra-psql"));
        let mut files = kept.expect("what is kept").flatten();
        let file = files.find(|file| file.file_name().to_string_lossy().starts_with("roots-"));
        file.expect("a derived file").path()
    }

    fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("{script} \"$@\""), "sh"]);
        self.prepared(command)
    }

    fn prepared(&self, mut command: Command) -> Command {
        command
            .args(["-XAtqc", "select 1"])
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.home.path());
        command
    }
}
