//! Who may connect to `--proxy`, and who may not.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use nix::sys::signal::Signal;
use sandbox::{Identity, TokenChanges};

use crate::proxy_support::{ALICE, Proxy, person};
use crate::support::{tell, tool};

#[test]
fn a_socket_is_its_owners_alone() {
    let user = person(Identity::Alice).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let socket = fs::metadata(proxy.socket()).expect("a socket");
    assert!(socket.file_type().is_socket());
    assert_eq!(socket.mode() & 0o777, 0o600);
    let directory = fs::metadata(proxy.value("host")).expect("a directory");
    assert_eq!(directory.mode() & 0o777, 0o700);
    let run = user.home.path().join("run/entra-psql");
    assert_eq!(Path::new(proxy.value("host")).parent(), Some(run.as_path()));
}

#[test]
fn another_user_is_refused_even_where_the_socket_is_open_to_all() {
    if !nix::unistd::geteuid().is_root() {
        tell("NOT RUN: only root can connect as another user: proxy_doors shows less here");
        return;
    }
    let user = person(Identity::Alice).args(["--proxy=./sockets"]);
    let proxy = Proxy::start(&user);
    let open = |path: &Path| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("its mode");
    };
    for path in [
        user.home.path(),
        Path::new(proxy.value("host")),
        &proxy.socket(),
    ] {
        open(path);
    }
    let own = proxy.psql(&user, "");
    let mut psql = std::process::Command::new(tool("setpriv"));
    psql.env_clear()
        .args(["--reuid", "54321", "--regid", "54321", "--clear-groups"])
        .arg(own.get_program())
        .args(own.get_args())
        .args(["-c", "select 1"]);
    let output = psql.output().expect("psql runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("FATAL:  entra-psql: only programs of this socket's owner may connect"),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(2));
    proxy.says("refused: only programs of this socket's owner may connect");
    proxy.is_signed_in(&user, "", ALICE, "postgres");
}

#[test]
fn a_port_requires_the_local_password() {
    let user = person(Identity::Alice).args(["--proxy=0"]);
    let proxy = Proxy::start(&user);
    let passfile = Path::new(proxy.value("passfile"));
    assert_eq!(
        fs::metadata(passfile).expect("a file").mode() & 0o777,
        0o600
    );
    assert!(passfile.starts_with(user.home.path().join(".local/state/entra-psql")));
    let line = fs::read_to_string(passfile).expect("a line");
    let password = line.trim_end().rsplit(':').next().expect("a password");
    let token = user.sandbox.issue(Identity::Alice, &TokenChanges::none());
    let with = |password: &str| {
        let conninfo = format!(
            "host=127.0.0.1 port={} user={ALICE} dbname=postgres",
            proxy.port()
        );
        let mut psql = proxy.psql(&user, "");
        psql.args(["-c", "select 1", "-d", &conninfo]);
        let output = psql
            .env("PGPASSWORD", password)
            .output()
            .expect("psql runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.stdout == b"1\n", said)
    };
    assert_eq!(with(password), (true, String::new()));
    for wrong in ["wrong", &token, &password[1..]] {
        let (is_in, said) = with(wrong);
        assert!(!is_in);
        assert!(
            said.contains("FATAL:  entra-psql: the local password is wrong"),
            "{said}"
        );
        assert!(said.contains("HINT:  "), "{said}");
    }
    let (is_in, said) = with("");
    assert!(!is_in && said.contains("no password supplied"), "{said}");
    // az ran only once, at the start: a wrong password gets no further.
    assert_eq!(user.az_calls().len(), 1);
    assert!(!proxy.said().contains(password), "{}", proxy.said());
}

#[test]
fn the_password_stays_the_same_unless_nothing_is_cached() {
    let user = person(Identity::Alice).args(["--proxy=0"]);
    let line_of = |user: &crate::support::User| {
        let proxy = Proxy::start(user);
        let passfile = proxy.value("passfile").to_owned();
        let line = fs::read_to_string(&passfile).expect("a line");
        proxy.is_signed_in(user, "", ALICE, "postgres");
        proxy.signal(Signal::SIGTERM);
        assert_eq!(proxy.ended().0, Some(0));
        (passfile, line)
    };
    let (kept, first) = line_of(&user);
    assert_eq!(line_of(&user), (kept.clone(), first.clone()));
    for (name, value) in [("CI", "true"), ("ENTRA_PSQL_CACHE", "off")] {
        let user = person(Identity::Alice).args(["--proxy=0"]).var(name, value);
        let (passfile, line) = line_of(&user);
        assert_ne!(line, first);
        assert!(!Path::new(&passfile).exists(), "{passfile}");
    }
    // Someone else may have read a file that is open to others.
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o644)).expect("its mode");
    user.run().fails("proxy/exposed_password");
}

#[test]
fn a_web_page_gets_nothing() {
    let user = person(Identity::Alice).args(["--proxy=0"]);
    let proxy = Proxy::start(&user);
    let mut page = TcpStream::connect(("127.0.0.1", proxy.port())).expect("a connection");
    page.write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello")
        .expect("sent");
    let mut answer = Vec::new();
    page.read_to_end(&mut answer).expect("an end");
    assert_eq!(answer.first(), Some(&b'E'));
    assert!(
        String::from_utf8_lossy(&answer).contains("C08P01\0"),
        "{answer:?}"
    );
    proxy.says("refused: a client sent something other than a startup packet");
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = other.local_addr().expect("an address").port();
    let user = person(Identity::Alice).args([format!("--proxy={port}")]);
    user.run().fails("proxy/port_taken");
}

#[test]
fn a_second_proxy_is_an_error_and_a_dead_one_is_replaced() {
    let user = person(Identity::Alice).args(["--proxy"]);
    let first = Proxy::start(&user);
    let socket = first.socket();
    user.run().fails("proxy/socket_taken");
    first.is_signed_in(&user, "", ALICE, "postgres");
    first.signal(Signal::SIGKILL);
    assert_eq!(first.ended().0, None);
    assert!(socket.exists());
    let third = Proxy::start(&user);
    third.is_signed_in(&user, "", ALICE, "postgres");
    third.signal(Signal::SIGINT);
    assert_eq!(third.ended().0, Some(0));
    assert!(!socket.exists());
}

#[test]
fn wrong_usage_is_an_error_before_signing_in() {
    let nobody = || person(Identity::Alice);
    for (listen, case) in [
        ("0.0.0.0:5432", "proxy/all_addresses"),
        ("[::]:5432", "proxy/all_addresses_of_version_6"),
        ("192.0.2.1:1", "proxy/another_address"),
    ] {
        let ran = nobody().args([format!("--proxy={listen}")]).run();
        assert_eq!(ran.az.len(), 0);
        ran.fails(case);
    }
    nobody().args(["--proxy=5432x"]).run().fails("proxy/listen");
    nobody()
        .args(["--proxy", "-c", "select 1"])
        .run()
        .fails("proxy/words_for_psql");
    nobody()
        .args(["--drain", "5"])
        .run()
        .fails("proxy/drain_alone");
    nobody()
        .args(["--proxy", "--dry-run"])
        .run()
        .fails("proxy/dry_run");
    let long = format!("--proxy=/{}", "x".repeat(120));
    let ran = nobody().args([long]).run();
    assert_eq!(ran.az.len(), 0);
    ran.fails("proxy/long_path");
    nobody()
        .args([
            "--proxy",
            "-d",
            "host=a.postgres.database.azure.com target_session_attrs=primary",
        ])
        .without("PGHOST")
        .run()
        .fails("proxy/session_attributes");
}

#[test]
fn where_no_token_is_due_there_is_nothing_to_serve() {
    person(Identity::Alice)
        .args(["-h", "localhost", "--proxy"])
        .without("PGHOSTADDR")
        .run()
        .fails("proxy/no_token_due");
    let user = person(Identity::Alice).args(["--proxy"]);
    fs::remove_dir_all(user.home.path().join(".azure")).expect("signed out");
    user.run().fails("proxy/signed_out");
}
