//! On a machine that others use too, only the person's own browser can bring the sign-in to its
//! end.

use std::process::{Command, Output, Stdio};

use crate::interactive::{ALICE, Waiting, grants, person};
use crate::support::{tell, tool};

/// An account that isn't ours. It needs no entry in the system's books.
const STRANGER: &str = "54321";

/// Whether a process can be another user's here; that is said, since nothing is shown otherwise.
fn may_be_another() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root {
        tell("NOT RUN: only root can connect as another user: shared_machine shows nothing here");
    }
    is_root
}

/// Has another user ask the listener for this, and then does `after` in the user's shell.
fn stranger(waiting: &Waiting, after: &str) -> Output {
    let (port, state) = (waiting.port(), waiting.parameter("state"));
    let script = format!(
        "exec 3<>/dev/tcp/127.0.0.1/{port}\n\
         printf 'GET /?code=stolen&state={state} HTTP/1.1\\r\\nHost: localhost:{port}\\r\\n\\r\\n' >&3\n\
         {after}\n"
    );
    Command::new(tool("setpriv"))
        .args(["--reuid", STRANGER, "--regid", STRANGER, "--clear-groups"])
        .arg(tool("bash"))
        .args(["-c", &script])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .expect("a shell")
}

#[test]
fn another_users_connection_is_refused_and_the_person_still_signs_in() {
    if !may_be_another() {
        return;
    }
    let user = person("browser");
    let waiting = Waiting::of(&user);
    let refused = stranger(&waiting, "cat <&3");
    let answer = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(answer.starts_with("HTTP/1.1 403 "), "{refused:?}");
    assert!(answer.contains("another user of this machine"), "{answer}");
    // One that hangs up at once leaves nothing that says whose it was.
    for _ in 0..5 {
        assert!(stranger(&waiting, "exec 3>&-").status.success());
    }
    waiting.follow(&user);
    assert_eq!(waiting.ended().stdout, ALICE);
    assert_eq!(grants(&user), ["authorization_code"]);
}

#[test]
fn a_stranger_cannot_end_the_sign_in_either() {
    if !may_be_another() {
        return;
    }
    let user = person("browser");
    let waiting = Waiting::of(&user);
    let (port, state) = (waiting.port(), waiting.parameter("state"));
    let after = format!(
        "cat <&3; exec 3<>/dev/tcp/127.0.0.1/{port}\n\
         printf 'GET /?error=no&state={state} HTTP/1.1\\r\\nHost: localhost:{port}\\r\\n\\r\\n' >&3; cat <&3"
    );
    let answers = stranger(&waiting, &after).stdout;
    let answers = String::from_utf8_lossy(&answers).into_owned();
    assert_eq!(answers.matches("HTTP/1.1 403 ").count(), 2, "{answers}");
    waiting.follow(&user);
    assert_eq!(waiting.ended().stdout, ALICE);
}

#[test]
fn who_signed_in_is_said_once() {
    for method in ["browser", "device-code"] {
        let user = person(method);
        let said = user.run().stderr;
        let name = "entra-psql: signed in as alice@contoso.example\n";
        assert!(said.ends_with(name), "{said}");
        user.run()
            .is_signed_in("alice@contoso.example", "postgres", 0);
    }
}
