//! Measures `--proxy` against a direct TLS connection and, if it is installed, PgBouncer:
//! `cargo bench -- --proxy`. All connect to PostgreSQL itself over TLS, check its certificate and
//! name, and take turns in one run. The token is the role's password there.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sandbox::{Identity, Sandbox};
use tempfile::TempDir;

use crate::contest::median;
use crate::launch::{Desk, PROGRAM};

/// One way to the server: its name and its variables.
struct Way {
    name: &'static str,
    variables: Vec<(String, String)>,
}

/// A program that serves connections until it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Measures, and prints the results.
pub fn run(sandbox: &'static Sandbox, quick: bool) {
    let desk = Desk::new(sandbox);
    let role = Identity::Alice.name();
    let grant = format!("grant create on schema public to \"{role}\"");
    sandbox.superuser_sql(&grant).expect("granted");
    let desk = desk.facing_postgres(sandbox);
    let (socket, conninfo) = proxy(&desk, "--proxy=./sockets");
    let (port, at_port) = proxy(&desk, "--proxy=0");
    let mut ways = vec![
        Way {
            name: "direct",
            variables: direct(&desk),
        },
        Way {
            name: "socket",
            variables: from_conninfo(&conninfo),
        },
        Way {
            name: "TCP",
            variables: from_conninfo(&at_port),
        },
    ];
    let bouncer = Bouncer::start(sandbox, &desk);
    if let Some(bouncer) = &bouncer {
        ways.extend(bouncer.ways());
    } else {
        println!("PgBouncer is not measured: it is not installed");
    }
    let mut init = tool(sandbox, "pgbench", &ways[0]);
    init.args(["-i", "-q", "-s", "10"]);
    succeed(&mut init);

    println!("| share of direct | {} |", names(&ways));
    println!("|---|{}", "---|".repeat(ways.len() - 1));
    let (turns, seconds) = if quick { (3, "2") } else { (15, "2") };
    for clients in ["1", "8", "64"] {
        let words = ["-n", "-S", "-c", clients, "-T", seconds];
        let rates = in_turns(sandbox, turns, &ways, |way| rate(sandbox, way, &words));
        row(&format!("`pgbench -S`, {clients} clients"), &rates);
    }
    let words = ["-n", "-S", "-C", "-c", "4", "-T", seconds];
    let rates = in_turns(sandbox, turns, &ways, |way| rate(sandbox, way, &words));
    // PgBouncer has them wait for connections that it keeps.
    row("new connections a second", &rates);
    let rows = if quick { 200_000 } else { 2_000_000 };
    let copied =
        format!("copy (select generate_series(1, {rows}), 'some text that fills a row') to stdout");
    let file = desk.home().join("rows");
    let mut out = tool(sandbox, "psql", &ways[0]);
    out.args(["-Xqc", &copied])
        .stdout(fs::File::create(&file).expect("a file"));
    succeed(&mut out);
    let copy_out = |way: &Way| {
        let mut psql = tool(sandbox, "psql", way);
        psql.args(["-Xqc", &copied]).stdout(Stdio::null());
        succeed(&mut psql)
    };
    let rates = in_turns(sandbox, turns, &ways, |way| 1.0 / copy_out(way));
    row("COPY out", &rates);
    let size = fs::metadata(&file).expect("a file").len();
    let mut programs = vec![(&ways[1], socket.0.id())];
    if let Some(bouncer) = &bouncer {
        programs.push((&ways[3], bouncer.running.0.id()));
    }
    let per_second = programs.iter().map(|(way, id)| {
        let before = cpu_seconds(*id);
        for _ in 0..turns {
            copy_out(way);
        }
        #[expect(clippy::cast_precision_loss, reason = "a measurement")]
        let bytes = size as f64 * turns as f64;
        bytes / (cpu_seconds(*id) - before)
    });
    let per_second: Vec<f64> = per_second.collect();
    let rates = in_turns(sandbox, turns, &ways, |way| {
        let mut psql = tool(sandbox, "psql", way);
        psql.args(["-Xq", "-c", "create temp table t (a int, b text)"])
            // The server's disk is not what is measured.
            .args(["-c", "copy t from stdin where false"])
            .stdin(fs::File::open(&file).expect("a file"));
        1.0 / succeed(&mut psql)
    });
    row("COPY in", &rates);
    wait_for_quiet(sandbox);
    if let [ours, theirs] = per_second[..] {
        println!(
            "\nbytes a CPU second, socket / PgBouncer's: {:.2}",
            ours / theirs
        );
    }
    idle(&socket, &conninfo);
    drop((socket, port));
}

/// Measures the memory of an idle session.
fn idle(proxy: &Running, conninfo: &str) {
    const SESSIONS: usize = 500;
    let resident = || {
        let status =
            fs::read_to_string(format!("/proc/{}/status", proxy.0.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
        number.unwrap_or(f64::NAN)
    };
    let variables = from_conninfo(conninfo);
    let value = |name: &str| {
        let found = variables.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let path = format!("{}/.s.PGSQL.{}", value("PGHOST"), value("PGPORT"));
    let open = || {
        let mut client = UnixStream::connect(&path).expect("a connection");
        let parameters = format!("user\0{}\0database\0postgres\0\0", value("PGUSER"));
        let length = u32::try_from(parameters.len() + 8).expect("a short one");
        let packet = [
            &length.to_be_bytes()[..],
            &[0, 3, 0, 0],
            parameters.as_bytes(),
        ]
        .concat();
        client.write_all(&packet).expect("sent");
        let mut said = Vec::new();
        let mut bytes = [0; 4096];
        // The end of the server's last message before it is ready.
        while !said.ends_with(b"Z\0\0\0\x05I") {
            let count = client.read(&mut bytes).expect("read");
            assert!(count > 0, "{}", String::from_utf8_lossy(&said));
            said.extend(&bytes[..count]);
        }
        client
    };
    let first: Vec<UnixStream> = (0..5).map(|_| open()).collect();
    let before = resident();
    let sessions: Vec<UnixStream> = (0..SESSIONS).map(|_| open()).collect();
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let each = (resident() - before) / SESSIONS as f64;
    println!("\nan idle session takes {each:.1} KiB (limit 24)");
    drop((first, sessions));
}

/// What `measure` says of each way, in as many turns. The first way of a turn is the last one of the
/// next, and a turn's figures are compared with each other: the machine may be slower for a while.
fn in_turns(
    sandbox: &Sandbox,
    turns: usize,
    ways: &[Way],
    measure: impl Fn(&Way) -> f64,
) -> Vec<Vec<f64>> {
    let turn = |turn: usize| {
        let mut numbers = vec![0.0; ways.len()];
        for at in 0..ways.len() {
            let at = (turn + at) % ways.len();
            wait_for_quiet(sandbox);
            numbers[at] = measure(&ways[at]);
        }
        numbers
    };
    (0..turns).map(turn).collect()
}

/// Waits until the sessions of the measurement before have ended.
fn wait_for_quiet(sandbox: &Sandbox) {
    let sql = "select count(*) from pg_stat_activity where backend_type = 'client backend'";
    let sessions = || {
        let rows = sandbox.superuser_sql(sql).expect("a number");
        rows[0][0]
            .as_deref()
            .and_then(|count| count.parse::<u32>().ok())
    };
    let began = Instant::now();
    while sessions().is_none_or(|count| count > 4) {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "sessions don't end"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// How long a process has kept a processor busy.
fn cpu_seconds(id: u32) -> f64 {
    let line = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // The program's name, in parentheses, may contain anything.
    let fields = line.rsplit(')').next().unwrap_or_default();
    let ticks = |n| fields.split_whitespace().nth(n)?.parse::<u32>().ok();
    let [user, system] = [11, 12].map(|n| ticks(n).map_or(f64::NAN, f64::from));
    // The kernel counts in hundredths for programs.
    (user + system) / 100.0
}

fn names(ways: &[Way]) -> String {
    let names: Vec<&str> = ways[1..].iter().map(|way| way.name).collect();
    names.join(" | ")
}

/// Prints the median of each way's shares of the direct connection's rate.
fn row(what: &str, turns: &[Vec<f64>]) {
    let direct = median(turns.iter().map(|rates| rates[0]).collect());
    let share = |way: usize| {
        let shares = turns.iter().map(|rates| rates[way] / rates[0]);
        format!("{:.2}", median(shares.collect()))
    };
    let shares: Vec<String> = (1..turns[0].len()).map(share).collect();
    println!("| {what} ({direct:.1} direct) | {} |", shares.join(" | "));
}

/// Returns pgbench's transactions per second.
fn rate(sandbox: &Sandbox, way: &Way, words: &[&str]) -> f64 {
    let mut pgbench = tool(sandbox, "pgbench", way);
    let output = pgbench.args(words).output().expect("pgbench runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.starts_with("tps = "));
    let number = line.and_then(|line| line.split(' ').nth(2)?.parse().ok());
    number.unwrap_or_else(|| {
        panic!(
            "{}: {text}{}",
            way.name,
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

/// Runs a command to its end, and returns how many seconds it took.
fn succeed(command: &mut Command) -> f64 {
    let began = Instant::now();
    let status = command.stderr(Stdio::inherit()).status();
    assert!(status.expect("it runs").success());
    began.elapsed().as_secs_f64()
}

fn tool(sandbox: &Sandbox, name: &str, way: &Way) -> Command {
    let mut command = Command::new(sandbox.postgres_bin_dir().join(name));
    let variables = way.variables.iter().map(|(name, value)| (name, value));
    command
        .env_clear()
        .env("PGDATABASE", "postgres")
        .envs(variables);
    command
}

fn direct(desk: &Desk) -> Vec<(String, String)> {
    let mut variables = desk.variables.clone();
    variables.retain(|(name, _)| name.starts_with("PG"));
    variables.push(("PGUSER".to_owned(), Identity::Alice.name().to_owned()));
    variables.push(("PGPASSWORD".to_owned(), desk.token.clone()));
    variables
}

fn from_conninfo(conninfo: &str) -> Vec<(String, String)> {
    let variable = |word: &str| {
        let (name, value) = word.split_once('=')?;
        let variable = match name {
            "host" => "PGHOST",
            "port" => "PGPORT",
            "user" => "PGUSER",
            "sslmode" => "PGSSLMODE",
            "passfile" => "PGPASSFILE",
            _ => return None,
        };
        Some((variable.to_owned(), value.to_owned()))
    };
    conninfo.split(' ').filter_map(variable).collect()
}

/// Starts a proxy, and returns it with its connection string.
fn proxy(desk: &Desk, listen: &str) -> (Running, String) {
    let mut command = Command::new(PROGRAM);
    let variables = desk.variables.iter().map(|(name, value)| (name, value));
    let mut child = command
        .arg(listen)
        .env_clear()
        .envs(variables)
        .current_dir(desk.home())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the proxy starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("a pipe");
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    (Running(child), line.trim_end().to_owned())
}

/// PgBouncer with session pooling. It signs in with a token in its file.
struct Bouncer {
    _directory: TempDir,
    running: Running,
    host: PathBuf,
    port: u16,
}

impl Bouncer {
    fn start(sandbox: &Sandbox, desk: &Desk) -> Option<Self> {
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"];
        let program = program.into_iter().find(|path| Path::new(path).exists())?;
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr());
        let port = port.expect("a port").port();
        let role = Identity::Alice.name();
        fs::write(at("users"), format!("\"{role}\" \"{}\"\n", desk.token)).expect("a file");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir = {dir}\n\
             auth_type = trust\nauth_file = {dir}/users\npool_mode = session\nserver_tls_sslmode = verify-full\n\
             server_tls_ca_file = {ca}\nmax_client_conn = 200\ndefault_pool_size = 90\nserver_idle_timeout = 1\n\
             ignore_startup_parameters = extra_float_digits\nlogfile = {dir}/log\npidfile = {dir}/pid\n",
            sandbox.tcp_port(),
            dir = directory.path().display(),
            ca = sandbox.ca_file().display(),
        );
        fs::write(at("ini"), text).expect("a file");
        for path in [directory.path().to_owned(), at("ini"), at("users")] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("its mode");
        }
        // PgBouncer refuses to run as root.
        let mut command = Command::new("/usr/bin/setpriv");
        command.args([
            "--reuid",
            "54321",
            "--regid",
            "54321",
            "--clear-groups",
            program,
        ]);
        if !nix::unistd::geteuid().is_root() {
            command = Command::new(program);
        }
        let child = command.arg(at("ini")).stderr(Stdio::null()).spawn().ok()?;
        let running = Running(child);
        let socket = at(&format!(".s.PGSQL.{port}"));
        let began = Instant::now();
        while !socket.exists() {
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "PgBouncer doesn't start"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(Self {
            host: directory.path().to_owned(),
            _directory: directory,
            running,
            port,
        })
    }

    fn ways(&self) -> [Way; 2] {
        let way = |name, host: String| Way {
            name,
            variables: [
                ("PGHOST", host),
                ("PGPORT", self.port.to_string()),
                ("PGUSER", Identity::Alice.name().to_owned()),
                ("PGSSLMODE", "disable".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        };
        [
            way("PgBouncer, socket", self.host.display().to_string()),
            way("PgBouncer, TCP", "127.0.0.1".to_owned()),
        ]
    }
}
