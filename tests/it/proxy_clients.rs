//! psql and tokio-postgres through the proxy, connected again after the token has expired. The
//! libraries of other languages are in `real_clients`.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sandbox::{Behaviour, Identity, Sandbox, TokenChanges};
use tokio_postgres::{Client, Config, Error, NoTls};

use crate::proxy_support::{ALICE, GROUP, Proxy, line, person, talking, within};
use crate::support::{User, heeding_signals, tell, text};

/// Seconds for which the first token is good: it is used, and then has expired.
const LIFETIME: u16 = 12;

/// Somebody whose first token ends at the time that is returned.
fn with_a_short_token(user: &User, lifetime: u16) -> SystemTime {
    let tokens = TokenChanges::none().expires_in(lifetime.into());
    user.entra.behave(Behaviour::tokens(tokens));
    SystemTime::now() + Duration::from_secs(u64::from(lifetime) + 1)
}

fn wait_until(time: SystemTime) {
    if let Ok(left) = time.duration_since(SystemTime::now()) {
        thread::sleep(left);
    }
}

/// A proxy at each sort of door, with its user, and when the first tokens of both have ended. Later
/// tokens are as `later` says.
fn proxies(lifetime: u16, later: &Behaviour) -> ([(User, Proxy); 2], SystemTime) {
    let mut expiry = SystemTime::now();
    let proxies = ["--proxy", "--proxy=0"].map(|listen| {
        let user = person(Identity::Alice).args([listen]);
        expiry = with_a_short_token(&user, lifetime);
        let proxy = Proxy::start(&user);
        user.entra.behave(later.clone());
        (user, proxy)
    });
    (proxies, expiry)
}

#[test]
fn psql_connects_again_after_the_token_has_expired() {
    psql_connects_again_after(LIFETIME, Behaviour::default);
}

#[test]
#[ignore = "`.ci/clients` runs it, since it takes a minute and a half"]
fn psql_connects_again_with_tokens_of_ninety_seconds() {
    // Each is counted from the moment at which it is asked for.
    psql_connects_again_after(90, || {
        Behaviour::tokens(TokenChanges::none().expires_in(90))
    });
}

fn psql_connects_again_after(lifetime: u16, later: impl Fn() -> Behaviour) {
    let (proxies, expiry) = proxies(lifetime, &later());
    let who = "select current_user || '|' || current_database();";
    let running = proxies.each_ref().map(|(user, proxy)| {
        let mut psql = talking(proxy, user);
        assert_eq!(line(&mut psql, who), format!("{ALICE}|postgres"));
        psql
    });
    wait_until(expiry);
    for ((user, _), mut psql) in proxies.iter().zip(running) {
        user.entra.behave(later());
        assert_eq!(line(&mut psql, who), format!("{ALICE}|postgres"));
        let other = format!("\\c app\n{who}");
        assert_eq!(line(&mut psql, &other), connected("app", ALICE));
        assert_eq!(line(&mut psql, ""), format!("{ALICE}|app"));
        let other = format!("\\c postgres '{GROUP}'\n{who}");
        assert_eq!(line(&mut psql, &other), connected("postgres", GROUP));
        assert_eq!(line(&mut psql, ""), format!("{GROUP}|postgres"));
        drop(psql.stdin.take());
        let output = psql.wait_with_output().expect("its end");
        assert_eq!(text(&output.stderr), "");
        assert!(user.az_calls().len() > 1);
    }
}

/// What psql says of a `\c`.
fn connected(database: &str, role: &str) -> String {
    format!("You are now connected to database \"{database}\" as user \"{role}\".")
}

#[test]
fn an_interrupt_cancels_psqls_query() {
    for listen in ["--proxy", "--proxy=0"] {
        let user = person(Identity::Alice).args([listen]);
        let proxy = Proxy::start(&user);
        is_interrupted(proxy.psql(&user, ""), "of an interrupt");
    }
}

/// Has psql run a long query, which returns `what`, and interrupts it.
#[track_caller]
fn is_interrupted(psql: Command, what: &str) {
    let psql = heeding_signals(psql)
        .args(["-c", &format!("select pg_sleep(20), '{what}'")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()
        .expect("psql runs");
    let sql = format!(
        "select count(*) from pg_stat_activity
         where query like 'select pg_sleep(20), ''{what}''' and state = 'active'"
    );
    within("the query", || {
        let rows = Sandbox::shared().superuser_sql(&sql).expect("rows");
        rows[0][0].as_deref() == Some("1")
    });
    let pid = Pid::from_raw(i32::try_from(psql.id()).expect("an id"));
    kill(pid, Signal::SIGINT).expect("it is there");
    let output = psql.wait_with_output().expect("its end");
    assert_eq!(
        text(&output.stderr),
        "Cancel request sent\nERROR:  canceling statement due to user request\n"
    );
}

/// libpq and the server know 3.2 from PostgreSQL 18 on. An older psql runs on a libpq of 18 here.
#[test]
fn psql_and_the_server_choose_the_protocol() {
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let psql = |more| {
        let mut psql = proxy.psql(&user, more);
        let version = Command::new(psql.get_program()).arg("--version").output();
        if major(&text(&version.expect("psql runs").stdout)) < 18 {
            let newer = user.sandbox.newer_libpq();
            psql.env("LD_LIBRARY_PATH", newer.expect("a libpq of PostgreSQL 18"));
        }
        psql
    };
    let newest = "max_protocol_version=latest";
    let only_newest = "min_protocol_version=3.2 max_protocol_version=3.2";
    let ask = |more| {
        let output = psql(more).args(["-c", "show server_version"]).output();
        let output = output.expect("psql runs");
        (text(&output.stdout), text(&output.stderr))
    };
    let (version, said) = ask(newest);
    assert_eq!(said, "");
    is_interrupted(psql(newest), "of the newest protocol");
    let (_, said) = ask(only_newest);
    if major(&version) >= 18 {
        assert_eq!(said, "");
        is_interrupted(psql(only_newest), "of protocol 3.2");
    } else {
        tell("a server older than PostgreSQL 18: protocol 3.2 was only negotiated down");
        let expected = "server only supports protocol version 3.0";
        assert!(said.contains(expected), "{said}");
    }
}

/// The first number in what a program says of its version.
fn major(said: &str) -> u32 {
    let mut numbers = said.split(|c: char| !c.is_ascii_digit());
    let first = numbers.find(|number| !number.is_empty());
    let first = first.and_then(|number| number.parse().ok());
    first.expect("a version")
}

/// What tokio-postgres connects by. It reads no variables and no password file.
fn config(proxy: &Proxy, role: &str) -> Config {
    let mut config = Config::new();
    config
        .host(proxy.value("host"))
        .port(proxy.port())
        .user(role)
        .dbname("app");
    if proxy.conninfo.contains("passfile=") {
        let passfile = fs::read_to_string(proxy.value("passfile")).expect("a password file");
        let password = passfile.trim_end().rsplit(':').next();
        config.password(password.expect("a password"));
    }
    config
}

async fn connect(config: &Config) -> Result<Client, Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn who(client: &Client) -> String {
    let row = client.query_one("select current_user || '|' || current_database()", &[]);
    row.await.expect("a row").get(0)
}

fn code(error: &Error) -> &str {
    error.code().expect("an error of the server").code()
}

async fn use_tokio_postgres(proxy: &Proxy, expiry: SystemTime) {
    let config = config(proxy, ALICE);
    let client = connect(&config).await.expect("a connection");
    assert_eq!(who(&client).await, format!("{ALICE}|app"));
    let sum = client.query_one("select $1::int + 1, $2::text", &[&41, &"é"]);
    let sum = sum.await.expect("a row");
    assert_eq!(
        (sum.get::<_, i32>(0), sum.get::<_, String>(1)),
        (42, "é".to_owned())
    );

    let cancel = client.cancel_token();
    let cancelling = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        cancel.cancel_query(NoTls).await.expect("sent");
    };
    let (slept, ()) = tokio::join!(client.execute("select pg_sleep(20)", &[]), cancelling);
    assert_eq!(code(&slept.expect_err("a cancelled query")), "57014");
    let missing = client.query("select * from missing", &[]).await;
    assert_eq!(code(&missing.expect_err("an error")), "42P01");
    let refused = connect(&self::config(proxy, "billing service")).await;
    assert_eq!(code(&refused.expect_err("a refusal")), "28000");

    let left = expiry.duration_since(SystemTime::now());
    tokio::time::sleep(left.unwrap_or_default()).await;
    assert_eq!(who(&client).await, format!("{ALICE}|app"));
    let again = connect(&config).await.expect("a connection");
    assert_eq!(who(&again).await, format!("{ALICE}|app"));
}

#[test]
fn tokio_postgres_connects_again_after_the_token_has_expired() {
    let ([by_socket, by_port], expiry) = proxies(LIFETIME, &Behaviour::default());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        tokio::join!(
            use_tokio_postgres(&by_socket.1, expiry),
            use_tokio_postgres(&by_port.1, expiry)
        )
    });
    for (user, _) in [by_socket, by_port] {
        assert!(user.az_calls().len() > 1);
    }
}
