//! Nothing that others wrote is read without a limit, and no pipe or device in a file's place is
//! waited for.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;
use sandbox::{Identity, TokenChanges};

use crate::azd::with_azd;
use crate::identities::{application, nobody, ready, with_certificate, with_secret};
use crate::support::{PROGRAM, Ran, User, tool};

const HOST: &str = "mydb.postgres.database.azure.com";
const ALICE: &str = "alice@contoso.example";

/// Much less than the half minute that signing in may take.
const SOON: Duration = Duration::from_secs(15);

/// Runs the program, which is ended where it hangs, with no more memory than this many KiB.
fn bounded(user: &User, memory: u32) -> Ran {
    let mut command = user.tool(tool("sh"));
    command
        .args(["-c", &format!("ulimit -v {memory}; exec \"$@\""), "sh"])
        .arg(tool("timeout"))
        .args(["--kill-after=1", "60", PROGRAM])
        .args(user.command().get_args());
    let start = Instant::now();
    let ran = user.ran(command);
    assert!(start.elapsed() < SOON, "{ran:?}");
    ran
}

fn soon(user: &User) -> Ran {
    bounded(user, 4 * 1024 * 1024)
}

fn pipe(path: PathBuf) -> PathBuf {
    nix::unistd::mkfifo(&path, Mode::S_IRWXU).expect("a pipe");
    path
}

/// A server whose answers never end, and how much of them was taken.
fn endless(head: &'static str) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its number").to_string();
    let taken = Arc::new(AtomicU64::new(0));
    let count = taken.clone();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(head.as_bytes());
            let part = vec![b' '; 64 * 1024];
            while stream.write_all(&part).is_ok() {
                count.fetch_add(part.len() as u64, Ordering::Relaxed);
            }
        }
    });
    (format!("http://{address}"), taken)
}

#[test]
fn an_answer_that_does_not_end_is_not_read_to_its_end() {
    for head in [
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n",
        "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
    ] {
        for name in ["IDENTITY_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST"] {
            let (address, taken) = endless(head);
            let user = nobody()
                .var(name, &address)
                .var("IDENTITY_HEADER", "x")
                .args(["--auth", "managed-identity"]);
            let ran = bounded(&user, 600 * 1024);
            ran.fails("bounds/an_answer_that_does_not_end_is_not_read_to_its_end");
            // What the system holds between the two ends is counted too.
            let taken = taken.load(Ordering::Relaxed);
            assert!(taken < 32 * 1024 * 1024, "{taken}");
        }
    }
}

#[test]
fn an_answer_that_trickles_ends_at_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its number");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while stream.write_all(b" ").is_ok() {
                thread::sleep(Duration::from_millis(50));
            }
        }
    });
    let user = nobody()
        .var("IDENTITY_ENDPOINT", format!("http://{address}"))
        .var("IDENTITY_HEADER", "x")
        .args(["--auth", "managed-identity", "--timeout", "1"]);
    soon(&user).fails("bounds/an_answer_that_trickles_ends_at_the_deadline");
}

#[test]
fn files_that_prove_an_application_are_plain_and_short() {
    for (name, [is_pipe, is_device, is_long]) in [
        (
            "AZURE_FEDERATED_TOKEN_FILE",
            [
                "bounds/federated_token_pipe",
                "bounds/federated_token_device",
                "bounds/federated_token_long",
            ],
        ),
        (
            "AZURE_CLIENT_CERTIFICATE_PATH",
            [
                "bounds/certificate_pipe",
                "bounds/certificate_device",
                "bounds/certificate_long",
            ],
        ),
    ] {
        let user = || application(nobody());
        let asks = user();
        let path = pipe(asks.home.path().join("pipe"));
        soon(&asks.var(name, &path)).fails(is_pipe);
        soon(&user().var(name, "/dev/zero")).fails(is_device);
        let asks = user().binary_file("long", &vec![b'x'; 1024 * 1024 + 1]);
        let path = asks.home.path().join("long");
        soon(&asks.var(name, &path)).fails(is_long);
    }
    let link = with_certificate("app.pem", "nothing");
    let path = link.home.path().join("link");
    std::os::unix::fs::symlink(link.home.path().join("app.pem"), &path).expect("a link");
    soon(&link.var("AZURE_CLIENT_CERTIFICATE_PATH", &path))
        .fails("bounds/files_that_prove_an_application_are_plain_and_short_2");
}

#[test]
fn roots_are_a_plain_file() {
    let user = with_secret();
    let path = pipe(user.home.path().join("pipe"));
    for (path, case) in [
        (path.as_path(), "bounds/roots_pipe"),
        (Path::new("/dev/zero"), "bounds/roots_device"),
    ] {
        let user = with_secret().var("SSL_CERT_FILE", path);
        bounded(&user, 600 * 1024).fails(case);
    }
}

#[test]
fn a_token_file_that_is_a_pipe_is_waited_for_until_the_deadline() {
    let (user, token) = ready(&TokenChanges::none());
    let user = user.without("ENTRA_PSQL_TOKEN").asks_who();
    let path = pipe(user.home.path().join("pipe"));
    let user = user.var("ENTRA_PSQL_TOKEN_FILE", &path);
    let writing = thread::spawn(move || fs::write(path, token));
    soon(&user).is_signed_in(ALICE, "postgres", 0);
    writing.join().expect("an end").expect("a reader");
    let user = user.args(["--timeout", "1"]);
    soon(&user).fails("bounds/a_token_file_that_is_a_pipe_is_waited_for_until_the_deadline");
    let user = user.var("ENTRA_PSQL_TOKEN_FILE", "/dev/zero");
    bounded(&user, 600 * 1024)
        .fails("bounds/a_token_file_that_is_a_pipe_is_waited_for_until_the_deadline_2");
}

#[test]
fn pipes_among_the_files_of_az_and_azd_are_passed_over() {
    for name in ["azureProfile.json", "clouds.config", "config"] {
        let user = nobody();
        fs::create_dir_all(user.home.path().join(".azure")).expect("a directory");
        pipe(user.home.path().join(".azure").join(name));
        user.program(
            "az",
            "#!/bin/sh\necho 'ERROR: AADSTS50076: no' >&2\nexit 1\n",
        );
        soon(&user).fails("bounds/pipes_among_the_files_of_az_and_azd_are_passed_over");
    }
    let user = with_azd("answer").asks_who();
    let profile = user.home.path().join(".azd/auth.json");
    fs::remove_file(&profile).expect("a file");
    pipe(profile);
    pipe(user.home.path().join(".azd/config.json"));
    soon(&user).fails("bounds/pipes_among_the_files_of_az_and_azd_are_passed_over_2");
    let user = user.args(["--auth", "azd"]);
    // Whether somebody is signed in to it could not be read above, so az was asked.
    soon(&user).is_signed_in(ALICE, "postgres", 1);
}

#[test]
fn a_pipe_in_the_place_of_our_lock_is_not_waited_for() {
    let user = User::signed_in(Identity::Alice)
        .var("PGHOST", HOST)
        .args(["--fresh"])
        .asks_who();
    user.run().is_signed_in(ALICE, "postgres", 1);
    let lock = user.home.path().join("run/entra-psql/az.lock");
    fs::remove_file(&lock).expect("a file");
    let lock = pipe(lock);
    soon(&user).is_signed_in(ALICE, "postgres", 2);
    // Somebody who reads it has it open without a wait.
    let _reader = fs::File::options()
        .read(true)
        .write(true)
        .open(lock)
        .expect("a pipe");
    soon(&user).is_signed_in(ALICE, "postgres", 3);
}
