//! What the pages in docs/ say to run does run, as it stands there.
//!
//! A block of `sh` is run whole; of a block of `yaml`, the lines that run entra-psql. What cannot
//! be run here is marked in the page, and each test says how much of that there is.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use sandbox::directory::{DATABASE_ADMINISTRATORS, TENANT};
use sandbox::{Identity, Sandbox, TokenChanges};

use crate::identities;
use crate::page::{Block, block, blocks, output_of, shown};
use crate::proxy_support::{ALICE, Proxy};
use crate::support::{PROGRAM, User, tell, tool};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

fn page(name: &str) -> String {
    fs::read_to_string(docs().join(name)).expect("the page is there")
}

/// Somebody in the place that a block is meant for.
fn somebody_in(scene: &str) -> User {
    let user = match scene {
        "" | "full-path" | "port 7432" | "profile" | "tenant" => User::signed_in(Identity::Alice),
        "app-service" => identities::in_app_service(),
        "azure-pipelines" => identities::in_pipelines(),
        "client-secret" => identities::with_secret(),
        "github-actions" => identities::in_actions(),
        "gitlab" | "kubernetes" => identities::with_token_file(),
        "ready-token" => identities::ready(&TokenChanges::none()).0,
        "virtual-machine" => identities::on_a_virtual_machine(),
        "postico" => User::signed_in(Identity::Alice)
            .var("PGHOST", HOST)
            .var("PGUSER", "alice@contoso.example")
            .var("PGPASSWORD", ""),
        "two-profiles" => with_a_profile_of_its_own(),
        other => panic!("no test knows the place `{other}`"),
    };
    // Who is no person has the server in the environment, and so the database.
    let user = if matches!(scene, "" | "profile") {
        user
    } else {
        user.var("PGDATABASE", "app")
    };
    symlink(PROGRAM, user.home.path().join("bin/entra-psql")).expect("a link");
    let service = match scene {
        "profile" => block(&page("profiles.md"), "ini"),
        _ => "[prod]\nhost=mydb.postgres.database.azure.com\ndbname=app\n".to_owned(),
    };
    user.file(".pg_service.conf", &service)
        .file("migrate.sql", "select 'migrated';\n")
}

/// Somebody whose sign-in to az is only in `~/.azure-contoso`.
fn with_a_profile_of_its_own() -> User {
    let user = User::signed_in(Identity::Alice);
    let home = user.home.path();
    fs::rename(home.join(".azure"), home.join(".azure-contoso")).expect("a profile");
    user
}

/// Runs a script; says what was wrong.
fn run(script: &str, scene: &str, expected: Option<&str>) -> Option<String> {
    let user = somebody_in(scene);
    // What a test can't have: the place of a package, and a port of its own choice.
    let port = user.sandbox.port().to_string();
    let script = &script
        .replace(PACKAGED, PROGRAM)
        .replace("-p 7432 ", &format!("-p {port} "));
    let output = user
        .tool(tool("sh"))
        .args(["-euc", script])
        .stdin(std::process::Stdio::null())
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout);
    let is_right = output.status.success()
        && said.is_empty()
        && expected.is_none_or(|expected| shown(&printed) == expected)
        && (!script.contains("--dry-run") || printed.contains("PGPASSWORD=(hidden"))
        && (scene != "tenant" || user.az_calls()[0].contains(&format!("--tenant {TENANT}")));
    (!is_right).then(|| format!("--- {script}{}\n{said}{printed}", output.status))
}

/// Where a package puts the program.
const PACKAGED: &str = "/usr/bin/entra-psql";

const HOST: &str = "mydb.postgres.database.azure.com";

/// The commands of a block that are to be run.
fn scripts(block: &Block) -> Vec<String> {
    match block.language {
        "sh" => vec![block.text.clone()],
        "yaml" => block
            .text
            .lines()
            .map(|line| {
                line.trim_start()
                    .trim_start_matches("- ")
                    .trim_start_matches("run: ")
            })
            .filter(|line| line.starts_with("entra-psql "))
            .map(|line| format!("{line}\n"))
            .collect(),
        _ => Vec::new(),
    }
}

#[track_caller]
fn runs(name: &str, expected: usize) {
    let page = page(name);
    let (mut ran, mut left, mut failures) = (0, 0, String::new());
    let all = blocks(&page);
    for (at, block) in all.iter().enumerate() {
        if let Some(why) = block.scene.strip_prefix("not-here: ") {
            left += 1;
            tell(&format!("{name}: not run, {why}"));
            continue;
        }
        // These have tests of their own.
        if matches!(block.scene, "az" | "proxy" | "client") {
            continue;
        }
        for script in scripts(block) {
            ran += 1;
            failures.extend(run(&script, block.scene, output_of(&all, at)));
        }
    }
    tell(&format!("{name}: {ran} run, {left} not run"));
    assert!(failures.is_empty(), "{failures}");
    assert_eq!(ran, expected);
}

#[test]
fn shells() {
    runs("shells.md", 2);
}

#[test]
fn other_tools() {
    runs("other-tools.md", 6);
}

#[test]
fn tenants() {
    runs("tenants.md", 4);
}

#[test]
fn profiles() {
    runs("profiles.md", 1);
}

#[test]
fn other_servers() {
    runs("other-servers.md", 5);
}

#[test]
fn connections_that_outlive_the_token() {
    runs(RENEWAL, 3);
}

#[test]
fn long_sessions() {
    runs("long-sessions.md", 1);
}

const RENEWAL: &str = "connections-that-outlive-the-token.md";

/// Starts the proxy that a command line asks for, on a port of the system's choice.
fn serving(user: User, command: &str) -> (User, Proxy) {
    let (program, arguments) = command.trim_end().split_once(' ').expect("arguments");
    assert!(program.ends_with("entra-psql"), "{command}");
    let arguments = arguments.replace("=6432", "=0");
    let user = user.args(arguments.split(' '));
    let proxy = Proxy::start(&user);
    (user, proxy)
}

#[test]
fn the_proxy_of_the_page_serves_its_client() {
    let page = page(RENEWAL);
    let all = blocks(&page);
    let at = |scene: &str| {
        let mut places = all.iter().enumerate();
        let found = places.find(|(_, block)| block.scene == scene);
        found.expect("a block").0
    };
    let (user, proxy) = serving(somebody_in(""), &all[at("proxy")].text);
    let port = format!("port={}", proxy.port());
    let printed = proxy.conninfo.replace(&port, "port=6432");
    let home = user.home.path().display().to_string();
    let printed = printed.replace(&home, "/home/alice") + "\n";
    assert_eq!(output_of(&all, at("proxy")), Some(printed.as_str()));
    let script = all[at("client")].text.replace("port=6432", &port);
    let output = Command::new(tool("sh"))
        .args(["-euc", &script])
        .env_clear()
        .env("HOME", user.home.path())
        .env("PATH", user.sandbox.postgres_bin_dir())
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stderr);
    let rows = String::from_utf8_lossy(&output.stdout);
    assert!(said.is_empty() && rows.contains(ALICE), "{said}{rows}");
}

#[test]
fn the_service_of_the_page_serves_and_ends() {
    let unit = block(&page(RENEWAL), "ini");
    let mut commands = unit
        .lines()
        .filter_map(|line| line.strip_prefix("ExecStart="));
    let command = commands.next().expect("a command");
    assert!(command.starts_with(PACKAGED), "{command}");
    let user = somebody_in("");
    let runtime = user.home.path().display().to_string();
    let (user, proxy) = serving(user, &command.replace("%t", &runtime));
    assert_eq!(proxy.value("host"), format!("{runtime}/mydb"));
    proxy.is_signed_in(&user, "", ALICE, "app");
    proxy.signal(Signal::SIGTERM);
    assert_eq!(proxy.ended().0, Some(0));
}

#[test]
fn ci() {
    runs("ci.md", 5);
}

#[test]
fn kubernetes_and_vms() {
    runs("kubernetes-and-vms.md", 4);
}

#[test]
fn security() {
    runs("security.md", 1);
}

#[test]
fn by_hand() {
    runs("by-hand.md", 2);
}

#[test]
fn roles_and_groups() {
    runs("roles-and-groups.md", 2);
}

#[test]
fn the_manual() {
    let manual = page("entra-psql.1");
    let mut failures = String::new();
    let mut commands = 0;
    for example in manual.split(".EX\n").skip(1) {
        let (command, _) = example.split_once(".EE").expect("an end");
        let command = command
            .replace("\\-", "-")
            .replace("\\(aq", "'")
            .replace("\\e", "\\");
        commands += 1;
        failures.extend(run(&command, "", None));
    }
    assert!(failures.is_empty(), "{failures}");
    assert_eq!(commands, 5);
}

/// The SQL is an administrator's, and changes who may sign in: it has a sandbox of its own.
#[test]
fn the_sql_for_administrators() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let superuser = |sql: &str| drop(sandbox.superuser_sql(sql).expect(sql));
    for role in ["Prod DB Readonly", "orders-identity"] {
        superuser(&format!("drop role \"{role}\""));
    }
    let mut ran = 0;
    for block in blocks(&page("roles-and-groups.md")) {
        if block.language != "sql" {
            continue;
        }
        if block.scene == "after enable_group_sync" {
            superuser("alter system set pgaadauth.enable_group_sync = on");
            superuser("select pg_reload_conf()");
        }
        let output = Command::new(sandbox.postgres_bin_dir().join("psql"))
            .args(["-X", "-v", "ON_ERROR_STOP=1", "-f", "-"])
            .env_clear()
            .env("PGHOST", sandbox.host())
            .env("PGHOSTADDR", "127.0.0.1")
            .env("PGPORT", sandbox.port().to_string())
            .env("PGSSLMODE", "verify-full")
            .env("PGSSLROOTCERT", sandbox.ca_file())
            .env("PGUSER", DATABASE_ADMINISTRATORS.name)
            .env("PGDATABASE", "postgres")
            .env(
                "PGPASSWORD",
                sandbox.issue(Identity::Alice, &TokenChanges::none()),
            )
            .stdin(written(&block.text))
            .output()
            .expect("psql");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && said.is_empty(),
            "{}{said}",
            block.text
        );
        ran += 1;
    }
    assert_eq!(ran, 6);
}

/// A file with this text, open to be read.
fn written(text: &str) -> fs::File {
    use std::io::{Seek as _, Write as _};
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(text.as_bytes()).expect("written");
    file.rewind().expect("the start");
    file
}

/// The messages of libpq, OpenSSL and PostgreSQL, which no source of ours has.
const OTHERS: &[&str] = &[
    "certificate verify failed",
    "does not match host name",
    "root certificate file",
    "does not exist",
];

#[test]
fn every_message_of_the_troubleshooting_page_is_still_said() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    for directory in ["src", "tests/sandbox/src"] {
        read_all(&root.join(directory), &mut sources);
    }
    let page = page("troubleshooting.md");
    let cells = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let mut messages = 0;
    for cell in cells {
        for message in cell
            .trim_matches(['`', ' '])
            .split("`, `")
            .flat_map(|part| part.split("` … `"))
        {
            // The sandbox's Entra has its codes as numbers.
            let said = message.strip_prefix("AADSTS").unwrap_or(message);
            let known = sources.contains(said) || OTHERS.contains(&message);
            assert!(known, "nobody says {message:?}");
            messages += 1;
        }
    }
    assert!(messages > 30, "{messages}");
}

fn read_all(directory: &Path, into: &mut String) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_all(&path, into);
        } else {
            write!(into, "{}", fs::read_to_string(&path).expect("a source")).expect("a string");
        }
    }
}
