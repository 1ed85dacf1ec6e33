//! The sandbox leaves nothing behind, however it ends.

use std::{
    fs,
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use sandbox::{Identity, Sandbox};

/// Whether any process has `dir` on its command line, or the directory exists.
fn remains(dir: &Path) -> bool {
    let processes = Command::new("ps")
        .args(["-A", "-o", "args"])
        .output()
        .unwrap();
    dir.exists() || String::from_utf8_lossy(&processes.stdout).contains(dir.to_str().unwrap())
}

#[test]
fn dropping_it_ends_and_removes_everything() {
    let sandbox = Sandbox::start().unwrap();
    let dir = sandbox.socket_dir().to_path_buf();
    let home = sandbox.new_home(Identity::Alice).unwrap();
    assert!(home.join(".azure/azureProfile.json").is_file());
    let ports = [sandbox.port(), sandbox.tcp_port(), sandbox.entra().port()];
    assert!(remains(&dir));
    drop(sandbox);
    assert!(!remains(&dir));
    assert!(!home.exists());
    let deadline = Instant::now() + Duration::from_secs(10);
    for port in ports {
        // The servers' own threads close these.
        while TcpStream::connect(("127.0.0.1", port)).is_ok() {
            assert!(Instant::now() < deadline, "port {port} is still open");
        }
    }
}

#[test]
fn a_kill_ends_and_removes_everything() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sandbox"))
        .env("SANDBOX_PROGRAM", "/bin/sh")
        .args(["-c", "echo $HOME; read forever"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(child.stdout.take().unwrap()),
        &mut line,
    )
    .unwrap();
    let home = Path::new(line.trim_end());
    let dir = home.parent().unwrap();
    assert!(home.join(".azure").is_dir() && remains(dir));
    child.kill().unwrap();
    child.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while remains(dir) {
        assert!(Instant::now() < deadline, "still there");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn several_can_run_at_once() {
    let sandboxes: Vec<Sandbox> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| Sandbox::start().unwrap()))
            .collect();
        starts
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    for sandbox in &sandboxes {
        assert_eq!(
            sandbox.superuser_sql("SELECT 1").unwrap(),
            [[Some("1".to_owned())]]
        );
    }
    let dirs: Vec<_> = sandboxes
        .iter()
        .map(|sandbox| fs::canonicalize(sandbox.socket_dir()).unwrap())
        .collect();
    assert!(dirs[0] != dirs[1] && dirs[1] != dirs[2] && dirs[0] != dirs[2]);
}
