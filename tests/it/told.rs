//! A failure is told to those who waited for it, and to nobody else.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sandbox::{Behaviour, Fault, Refusal};

use crate::az_failures::recorded::with_az;
use crate::identities::with_secret;
use crate::support::{Ran, User, text};

/// An az that refuses for as long as a file is there.
const AZ: &str =
    "[ -e \"$HOME/refuse\" ] && { echo 'ERROR: AADSTS53003: Blocked.' >&2; exit 1; }\nanswer";

const ALICE: &str = "alice@contoso.example";

fn directory(user: &User) -> PathBuf {
    user.home.path().join("run/entra-psql")
}

/// The files in which failures are kept.
fn told(user: &User) -> Vec<PathBuf> {
    let files = fs::read_dir(directory(user)).into_iter().flatten();
    files
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.display().to_string().ends_with("-failure"))
        .collect()
}

/// Somebody who was refused, and would not be any more; and the failure that was kept.
fn refused_once() -> (User, PathBuf) {
    let user = with_az(AZ).asks_who();
    let refuse = user.home.path().join("refuse");
    fs::write(&refuse, "").expect("a file");
    user.run().fails("told/refused_once");
    fs::remove_file(refuse).expect("a file");
    let [file] = &told(&user)[..] else {
        panic!("{:?}", told(&user));
    };
    let file = file.clone();
    (user, file)
}

/// Makes the failure in `file` one of this time.
fn tell_at(file: &Path, at: SystemTime) {
    let text = fs::read_to_string(file).expect("a failure");
    let mut failure: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let at = at.duration_since(UNIX_EPOCH).expect("a time");
    failure["at"] = at.as_nanos().to_string().into();
    fs::write(file, failure.to_string()).expect("a failure");
}

/// Runs the launch while az is somebody else's, who then fails as `file` has it.
fn while_another_fails(user: &User, file: &Path) -> Ran {
    let path = directory(user).join("az.lock");
    let lock = File::options().write(true).open(&path).expect("the lock");
    lock.lock().expect("the lock");
    let launch = user
        .command()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a launch");
    until_open(&launch, &path);
    tell_at(file, SystemTime::now());
    lock.unlock().expect("the lock");
    let output = launch.wait_with_output().expect("its end");
    Ran {
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
        az: user.az_calls(),
    }
}

/// Waits until a process has a file open: from then on it waits for its turn.
fn until_open(process: &Child, file: &Path) {
    let open = format!("/proc/{}/fd", process.id());
    let is_it = |link: PathBuf| fs::read_link(link).is_ok_and(|target| target == file);
    let patience = Instant::now() + Duration::from_secs(30);
    while !fs::read_dir(&open)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| is_it(entry.path()))
    {
        assert!(Instant::now() < patience);
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn who_waited_hears_of_it() {
    let (user, file) = refused_once();
    let ran = while_another_fails(&user, &file);
    ran.fails("told/who_waited_hears_of_it");
    assert_eq!(ran.az.len(), 1);
}

#[test]
fn who_wants_a_new_token_asks_anew() {
    let (user, file) = refused_once();
    let user = user.args_in_front(["--fresh"]);
    while_another_fails(&user, &file).is_signed_in(ALICE, "postgres", 2);
}

#[test]
fn what_a_clock_that_was_ahead_told_is_not_heard() {
    let (user, file) = refused_once();
    tell_at(&file, SystemTime::now() + Duration::from_secs(3600));
    user.run().is_signed_in(ALICE, "postgres", 2);
}

#[test]
fn who_comes_later_does_not_hear_of_it() {
    let (user, _) = refused_once();
    user.run().is_signed_in(ALICE, "postgres", 2);
}

#[test]
fn what_is_of_one_launch_alone_is_not_told() {
    for script in [
        "exec sleep 600",
        "echo 'ERROR: Max retries exceeded with url: /x (Caused by ProxyError())' >&2; exit 1",
        "echo 'ERROR: ConnectionError: x' >&2; exit 1",
        "echo 'ERROR: SSLError: CERTIFICATE_VERIFY_FAILED' >&2; exit 1",
        "echo 'ERROR: HTTP Error: 503' >&2; exit 1",
        "echo '/opt/az/bin/python3: not found' >&2; exit 127",
        "echo 'no answer'",
    ] {
        let user = with_az(script).args(["--timeout", "1"]);
        assert_eq!(user.run().code, Some(2), "{script}");
        assert_eq!(told(&user), Vec::<PathBuf>::new(), "{script}");
    }
}

#[test]
fn what_az_refuses_is_told() {
    for said in [
        "Please run 'az login' to setup account.",
        "AADSTS50173: The grant has expired.",
        "User 'a' does not exist in MSAL token cache. Run `az login`.",
    ] {
        let user = with_az(&format!(
            "echo \"ERROR: {}\" >&2; exit 1",
            said.replace('`', "")
        ));
        assert_eq!(user.run().code, Some(2), "{said}");
        assert_eq!(told(&user).len(), 1, "{said}");
    }
}

#[test]
fn an_applications_refusal_is_told_and_its_networks_trouble_is_not() {
    let refused = with_secret().args(["-c", "select 1"]);
    refused
        .entra
        .behave(Behaviour::fault(Fault::Refuse(Refusal::SecretWrong)));
    assert_eq!(refused.run().code, Some(2));
    assert_eq!(told(&refused).len(), 1);
    let unreached = with_secret()
        .args(["-c", "select 1", "--timeout", "3"])
        .var("HTTPS_PROXY", "http://127.0.0.1:1");
    assert_eq!(unreached.run().code, Some(2));
    assert_eq!(told(&unreached), Vec::<PathBuf>::new());
    let silent = with_secret().args(["-c", "select 1", "--timeout", "1"]);
    silent.entra.behave(Behaviour::fault(Fault::Silence));
    assert_eq!(silent.run().code, Some(2));
    assert_eq!(told(&silent), Vec::<PathBuf>::new());
}
