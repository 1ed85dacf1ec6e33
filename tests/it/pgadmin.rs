//! pgAdmin 4 in a browser: its query tool through the proxy, by the socket and by the port, and
//! with a token from its password exec command.

use std::env;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use sandbox::{Behaviour, Identity, TokenChanges};
use serde_json::json;

use crate::proxy_support::{ALICE, HOST, Proxy, person};
use crate::real_clients::place;
use crate::support::{PROGRAM, User, tell};

/// Seconds for which the token is good with which the proxies begin.
const LIFETIME: u64 = 20;

/// The package's directory, and the interpreter that has it.
fn pgadmin() -> (PathBuf, PathBuf) {
    let venv = place().join("pgadmin");
    let mut libraries = fs::read_dir(venv.join("lib"))
        .expect("a directory")
        .flatten();
    let library =
        libraries.find(|entry| entry.file_name().to_string_lossy().starts_with("python3"));
    let package = library
        .expect("a Python")
        .path()
        .join("site-packages/pgadmin4");
    (package, venv.join("bin/python"))
}

/// Runs one of pgAdmin's scripts in the user's home.
fn script(user: &User, port: u16, words: &[&str]) -> Command {
    let (package, python) = pgadmin();
    let home = user.home.path();
    // The user's own variables are for the password exec command, and pgAdmin is to take nothing
    // about a connection from them.
    let mut command = user.tool(python);
    for name in ["PGHOST", "PGHOSTADDR", "PGPORT", "PGSSLROOTCERT"] {
        command.env_remove(name);
    }
    command
        .env("PYTHONPATH", home.join("config"))
        .env("PGADMIN_PORT", port.to_string())
        .arg(package.join(words[0]))
        .args(&words[1..])
        .stdin(Stdio::null());
    command
}

/// Ends the process with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn servers(user: &User, socket: &Proxy, port: &Proxy) -> serde_json::Value {
    let server = |name: &str, host: &str, port: u16, more: serde_json::Value| {
        let mut server = json!({
            "Name": name, "Group": "Servers", "Host": host, "Port": port,
            "MaintenanceDB": "app", "Username": ALICE,
        });
        let entries = server.as_object_mut().expect("an object");
        entries.extend(more.as_object().expect("an object").clone());
        server
    };
    let roots = user.sandbox.ca_file();
    json!({ "Servers": {
        "1": server("socket", socket.value("host"), socket.port(), json!({})),
        "2": server("port", "127.0.0.1", port.port(), json!({
            "ConnectionParameters": { "sslmode": "disable", "passfile": port.value("passfile") },
        })),
        "3": server("password exec", HOST, user.sandbox.port(), json!({
            "ConnectionParameters": {
                "sslmode": "verify-full", "sslrootcert": roots, "hostaddr": "127.0.0.1",
            },
            "PasswordExecCommand": format!("{PROGRAM} -h %HOSTNAME% --print-token"),
            "PasswordExecExpiration": 300,
        })),
    }})
}

#[test]
#[ignore = "`.ci/clients` installs what it needs"]
fn pgadmin_queries_through_the_proxy_and_by_its_password_exec_command() {
    let user = person(Identity::Alice);
    let by_socket = person(Identity::Alice).args(["--proxy", "-d", "app"]);
    let by_port = person(Identity::Alice).args(["--proxy=0", "-d", "app"]);
    let lifetime = i64::try_from(LIFETIME).expect("a small number");
    for user in [&by_socket, &by_port] {
        let tokens = TokenChanges::none().expires_in(lifetime);
        user.entra.behave(Behaviour::tokens(tokens));
    }
    let expiry = SystemTime::now() + Duration::from_secs(LIFETIME + 1);
    let socket = Proxy::start(&by_socket);
    let port = Proxy::start(&by_port);
    for user in [&by_socket, &by_port] {
        user.entra.behave(Behaviour::default());
    }

    let home = user.home.path();
    let configuration = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients");
    fs::create_dir_all(home.join("config")).expect("a directory");
    fs::create_dir_all(home.join("pgadmin")).expect("a directory");
    fs::copy(
        configuration.join("pgadmin_config.py"),
        home.join("config/config_local.py"),
    )
    .expect("a copy");
    let list = home.join("servers.json");
    fs::write(&list, servers(&user, &socket, &port).to_string()).expect("a file");
    // The system's choice, which is free a moment later as well.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let list = list.to_string_lossy();
    for words in [
        &["setup.py", "setup-db"][..],
        &["setup.py", "load-servers", &list],
    ] {
        let output = script(&user, address.port(), words)
            .output()
            .expect("Python");
        assert!(output.status.success(), "{output:?}");
    }
    let mut command = script(&user, address.port(), &["pgAdmin4.py"]);
    let mut pgadmin = Running(
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Python"),
    );
    let began = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "pgAdmin doesn't start"
        );
        assert!(
            pgadmin.0.try_wait().expect("a process").is_none(),
            "pgAdmin ended"
        );
        thread::sleep(Duration::from_millis(100));
    }
    if let Ok(left) = expiry.duration_since(SystemTime::now()) {
        thread::sleep(left);
    }

    let mut browser = Command::new("node");
    browser
        .env("NODE_PATH", place().join("npm/node_modules"))
        .env(
            "CHROMIUM",
            env::var_os("CHROMIUM").unwrap_or_else(|| "/usr/bin/chromium".into()),
        )
        .arg(configuration.join("pgadmin.cjs"))
        .arg(format!("http://{address}/browser/"))
        .arg(home.join("profile"))
        .args(["socket", "port", "password exec"]);
    let output = browser.output().expect("node");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        printed,
        format!(
            "socket: asked for a password, {ALICE}|app|42\n\
             port: {ALICE}|app|42\n\
             password exec: {ALICE}|app|42\n"
        ),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    tell("pgAdmin        socket, port, password exec command: its query tool ran a query");
}
