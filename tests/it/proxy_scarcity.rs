//! `--proxy` where no more files may be open.

use std::fs;
use std::io::Read as _;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::{Duration, Instant};

use sandbox::Identity;

use crate::proxy_support::{ALICE, Proxy, line, person, talking, within};
use crate::support::tool;

/// A connection that says nothing.
enum Silent {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Silent {
    fn connect(proxy: &Proxy) -> Self {
        let limit = Some(Duration::from_secs(30));
        if proxy.value("host").starts_with('/') {
            let stream = UnixStream::connect(proxy.socket()).expect("a connection");
            stream.set_read_timeout(limit).expect("a limit");
            Self::Unix(stream)
        } else {
            let address = ("127.0.0.1", proxy.port());
            let stream = TcpStream::connect(address).expect("a connection");
            stream.set_read_timeout(limit).expect("a limit");
            Self::Tcp(stream)
        }
    }

    /// Returns what it is told before the proxy ends it.
    fn hear(mut self) -> String {
        let mut bytes = Vec::new();
        let read = match &mut self {
            Self::Unix(stream) => stream.read_to_end(&mut bytes),
            Self::Tcp(stream) => stream.read_to_end(&mut bytes),
        };
        read.expect("an end");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The numbers of the proxy's open files.
fn files(proxy: &Proxy) -> Vec<u64> {
    let open = fs::read_dir(format!("/proc/{}/fd", proxy.pid())).expect("its files");
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    open.flatten().filter_map(number).collect()
}

/// Lets the proxy have no file with this number, or above.
fn limit_files(proxy: &Proxy, number: u64) {
    let status = Command::new(tool("prlimit"))
        .arg(format!("--pid={}", proxy.pid()))
        .arg(format!("--nofile={number}"))
        .status();
    assert!(status.expect("prlimit").success());
}

/// How many milliseconds the processors have worked for the proxy.
fn work(proxy: &Proxy) -> u128 {
    let text = fs::read_to_string(format!("/proc/{}/stat", proxy.pid())).expect("its times");
    let (_, rest) = text.rsplit_once(") ").expect("its name");
    // The fields 14 and 15, in hundredths of a second.
    let times = rest.split(' ').skip(11).take(2);
    let times = times.map(|time| time.parse::<u128>().expect("a number"));
    times.sum::<u128>() * 10
}

#[test]
fn where_no_file_is_left_clients_hear_it_and_nothing_spins() {
    for listen in ["--proxy", "--proxy=0"] {
        let user = person(Identity::Alice).args([listen]);
        let proxy = Proxy::start(&user);
        let mut psql = talking(&proxy, &user);
        assert_eq!(line(&mut psql, "select 1;"), "1");
        let open = files(&proxy);
        // Two numbers above all of them, as a session needs: there may be no gap among them.
        let most = open.iter().max().expect("files") + 3;
        limit_files(&proxy, most);
        let are_open = |count: u64| {
            let what = format!("{count} files of {most}");
            within(&what, || files(&proxy).len() as u64 == count);
        };
        let mut silent = Vec::new();
        for _ in open.len() as u64..most - 1 {
            silent.push(Silent::connect(&proxy));
        }
        are_open(most - 1);

        // The last file is the client's, and none is left for the server.
        let (_, said) = proxy.ask(&user, "", "select 1");
        let expected = "FATAL:  entra-psql: too many files are open to connect to the server";
        assert!(said.contains(expected), "{said}");
        assert!(
            said.contains("HINT:  close connections, or raise"),
            "{said}"
        );
        are_open(most - 1);
        silent.push(Silent::connect(&proxy));
        are_open(most);

        let (began, before) = (Instant::now(), work(&proxy));
        for _ in 0..10 {
            let told = Silent::connect(&proxy).hear();
            assert!(told.contains("SFATAL\0"), "{told}");
            assert!(told.contains("C53300\0"), "{told}");
        }
        let (_, said) = proxy.ask(&user, "", "select 1");
        let expected = "FATAL:  entra-psql: too many files are open to accept another client";
        assert!(said.contains(expected), "{said}");
        assert_eq!(line(&mut psql, "select 2;"), "2");
        // Others are served beside it, so that it has something to do.
        let worked = work(&proxy) - before;
        assert!(worked * 4 < began.elapsed().as_millis(), "{worked}ms");

        drop(silent);
        are_open(open.len() as u64);
        proxy.is_signed_in(&user, "", ALICE, "postgres");
        assert_eq!(line(&mut psql, "select 3;"), "3");
        psql.kill().expect("it is there");
        psql.wait().expect("its end");
        assert_eq!(user.az_calls().len(), 1);
    }
}
