//! A launch does not fail, hang or abort for what its surroundings lack: children's signals,
//! threads, room on a device.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rexpect::session::spawn_command;
use sandbox::Identity;

use crate::az_failures::recorded::{ends_soon, with_az};
use crate::identities::{in_app_service, with_secret};
use crate::support::{Ran, User, in_shell, preloaded, text};

const HOST: &str = "mydb.postgres.database.azure.com";
const ALICE: &str = "alice@contoso.example";

fn alice() -> User {
    User::signed_in(Identity::Alice).var("PGHOST", HOST)
}

/// The program behind `scene`, a line of the shell.
fn behind(user: &User, scene: &str) -> Command {
    in_shell(user, &format!("{scene}; exec \"$@\""))
}

/// Runs the program without what `missing` names to `tests/it/scarcity.c`.
fn without(missing: &str, user: &User) -> Ran {
    let directory = tempfile::tempdir().expect("a directory");
    let library = preloaded("scarcity.c", directory.path());
    user.run_changed(|command| {
        command.env("LD_PRELOAD", library).env("SCARCITY", missing);
    })
}

mod child_signal {
    //! SIGCHLD, inherited as ignored: nobody's end is kept then.

    use super::*;

    const SCENE: &str = "exec env --ignore-signal=CHLD \"$@\"";

    #[test]
    fn az_and_psql_are_waited_for() {
        let user = alice().asks_who();
        user.ran(behind(&user, SCENE))
            .is_signed_in(ALICE, "postgres", 1);
        // psql is asked what its libpq takes, and so has to be waited for too.
        let user = alice()
            .without("PGSSLROOTCERT")
            .var("SSL_CERT_FILE", alice().sandbox.ca_file())
            .args(["--dry-run"]);
        let heard = user.run().stdout;
        let setting = |stdout: &str| {
            let mut lines = stdout.lines();
            let line = lines.find(|line| line.starts_with("PGSSLROOTCERT="));
            line.map(str::to_owned)
        };
        fs::remove_dir_all(user.home.path().join("run")).expect("what was found out");
        let unheard = user.ran(behind(&user, SCENE)).stdout;
        assert!(setting(&heard).is_some(), "{heard}");
        assert_eq!(setting(&unheard), setting(&heard));
    }

    #[test]
    fn both_versions_are_printed() {
        let user = User::nobody().args(["--version"]);
        let ran = user.ran(behind(&user, SCENE));
        assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
        assert_eq!(ran.stdout, user.run().stdout);
    }

    #[test]
    fn the_doctor_finds_the_same() {
        let user = alice().args(["--doctor", "-d", "postgres"]);
        let ran = user.ran(behind(&user, SCENE));
        assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    }

    #[test]
    fn a_login_at_the_terminal_is_waited_for() {
        let user = with_az(
            "case $1 in login) touch \"$HOME/in\" ;; *) [ -e \"$HOME/in\" ] && answer || { echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1; } ;; esac",
        );
        let user = user
            .args(["-XAtc", "select current_user"])
            .var("PAGER", "cat");
        let mut terminal = spawn_command(behind(&user, SCENE), Some(30_000)).expect("a terminal");
        terminal.exp_string("[Y/n]").expect("the question");
        terminal.send_line("y").expect("an answer");
        terminal.exp_string(ALICE).expect("the session");
        terminal.exp_eof().expect("the end");
    }
}

#[test]
fn an_answer_is_taken_at_once_from_an_az_that_left_something_running() {
    for left in [
        "sleep 600 &",
        "sleep 600 >/dev/null &",
        "sleep 600 2>/dev/null &",
    ] {
        let user = with_az(&format!("{left}\necho $! > \"$HOME/child\"\nanswer")).asks_who();
        let start = Instant::now();
        user.run().is_signed_in(ALICE, "postgres", 1);
        let took = start.elapsed();
        assert!(took < Duration::from_secs(10), "{took:?}");
        ends_soon(&fs::read_to_string(user.home.path().join("child")).expect("a process id"));
    }
    // What it said when it failed is taken too.
    let user = with_az(
        "sleep 600 &\necho $! > \"$HOME/child\"\necho 'ERROR: AADSTS53003: Blocked.' >&2\nexit 1",
    );
    user.run()
        .fails("robust/an_answer_is_taken_at_once_from_an_az_that_left_something_running");
    ends_soon(&fs::read_to_string(user.home.path().join("child")).expect("a process id"));
}

#[test]
fn a_long_answer_is_taken_whole() {
    // More than a pipe holds, on both.
    let user = with_az(
        "head -c 300000 /dev/zero | tr '\\0' ' ' >&2\nhead -c 300000 /dev/zero | tr '\\0' ' '\nanswer",
    );
    user.asks_who().run().is_signed_in(ALICE, "postgres", 1);
}

mod full_device {
    //! Output that cannot be written: an error, and never a success with nothing to show.

    use super::*;

    fn full() -> File {
        let mut options = File::options();
        options.write(true).open("/dev/full").expect("/dev/full")
    }

    #[test]
    fn what_cannot_be_printed_is_an_error() {
        for words in [
            &["--print-token"][..],
            &["--print-env=sh"],
            &["--print-conninfo"],
            &["--dry-run"],
            &["--doctor"],
            &["--completions", "bash"],
            &["--sign-out"],
            &["--version"],
            &["--help"],
        ] {
            let user = with_az("answer").args(words);
            let mut command = user.command();
            let output = command.stdin(Stdio::null()).stdout(full()).output();
            let output = output.expect("a run");
            let stderr = text(&output.stderr);
            assert!(
                stderr.contains("entra-psql: error: standard output cannot be written: No space"),
                "{words:?}: {stderr}"
            );
            assert_eq!(output.status.code(), Some(1), "{words:?}");
        }
    }

    #[test]
    fn a_closed_output_is_an_error_before_anything_takes_its_place() {
        for words in ["--print-token", "--print-env=sh", "--print-conninfo"] {
            let user = with_az("answer").args([words]);
            let ran = user.ran(behind(&user, "exec >&-"));
            ran.fails("robust/a_closed_output_is_an_error_before_anything_takes_its_place");
            assert_eq!(ran.az, Vec::<String>::new());
        }
        let user = User::nobody().args(["--completions", "bash"]);
        let ran = user.ran(behind(&user, "exec >&-"));
        ran.fails("robust/a_closed_output_is_an_error_before_anything_takes_its_place_2");
    }

    #[test]
    fn an_error_that_nobody_can_read_keeps_its_exit_code() {
        let refused = "echo 'ERROR: AADSTS53003: Blocked.' >&2; exit 1";
        for (user, words, code) in [
            (with_az(refused), &["-c", "select 1"][..], 2),
            (alice(), &["--print-token", "--exec", "true"], 1),
            (alice(), &["--psql", "/nowhere/psql"], 127),
            (alice(), &["--psql", "/etc/passwd"], 126),
            // What is said beside a success is no reason to fail.
            (
                with_az("answer"),
                &["--entra-verbose", "-Xc", "select 1"],
                0,
            ),
        ] {
            let user = user.args(words);
            let mut command = user.command();
            let status = command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(full())
                .status()
                .expect("a run");
            assert_eq!(
                (status.code(), status.signal()),
                (Some(code), None),
                "{words:?}"
            );
        }
    }
}

mod no_threads {
    //! A system that gives no thread.

    use super::*;

    #[test]
    fn az_needs_none() {
        let user = with_az("answer").asks_who();
        without("threads", &user).is_signed_in(ALICE, "postgres", 1);
        // It is still ended at the deadline, and takes its turn.
        let user = with_az("echo $$ > \"$HOME/child\"\nexec sleep 600").args(["--timeout", "1"]);
        without("threads", &user).fails("robust/az_needs_none");
        ends_soon(&fs::read_to_string(user.home.path().join("child")).expect("a process id"));
    }

    #[test]
    fn where_one_is_needed_it_is_an_error() {
        for (user, case) in [
            (with_secret(), "robust/no_thread_for_entra"),
            (in_app_service(), "robust/no_thread_for_identity_endpoint"),
        ] {
            without("threads", &user.args(["-c", "select 1"])).fails(case);
        }
        let user = User::nobody().args(["--sign-out"]);
        without("threads", &user).fails("robust/where_one_is_needed_it_is_an_error_2");
        let user = User::nobody()
            .file("token", "x")
            .args(["-h", HOST, "--auth", "env"])
            .var("ENTRA_PSQL_TOKEN_FILE", "token");
        let ran = without("threads", &user);
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    }

    #[test]
    fn the_doctor_looks_at_one_thing_after_the_other() {
        let user = with_az("answer").args(["--doctor", "-d", "postgres"]);
        let ran = without("threads", &user);
        assert_eq!(ran.stderr, "");
        assert!(ran.code == Some(0) || ran.code == Some(2), "{:?}", ran.code);
        assert!(ran.stdout.contains("sign-in"), "{}", ran.stdout);
    }
}

#[test]
fn where_no_process_can_be_started_it_is_said_what_to_do() {
    let user = with_az("answer");
    without("processes", &user)
        .fails("robust/where_no_process_can_be_started_it_is_said_what_to_do");
}

mod turn {
    //! A turn that does not end: who has it was stopped, or what is locked is no file.

    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    use sandbox::{Behaviour, Fault};

    use super::*;

    /// Starts a launch and stops it as soon as `is_fetching`. It is ended when this is dropped.
    struct Stopped(std::process::Child);

    impl Stopped {
        fn start(user: &User, is_fetching: impl Fn() -> bool) -> Self {
            let mut command = user.command();
            let command = command.stdin(Stdio::null()).stderr(Stdio::null());
            let launch = Self(command.spawn().expect("a launch"));
            let patience = Instant::now() + Duration::from_secs(30);
            while !is_fetching() {
                assert!(Instant::now() < patience);
                std::thread::sleep(Duration::from_millis(5));
            }
            let process = Pid::from_raw(launch.0.id().cast_signed());
            kill(process, Signal::SIGSTOP).expect("a signal");
            launch
        }
    }

    impl Drop for Stopped {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    const FIRST_WAITS: &str = "mkdir \"$HOME/first\" 2>/dev/null && { echo $$ > \"$HOME/child\"; exec sleep 600; }\nanswer";

    /// Ends the az that a stopped launch left.
    fn end_child(user: &User) {
        let child = fs::read_to_string(user.home.path().join("child")).expect("a process id");
        let child = Pid::from_raw(child.trim().parse().expect("a number"));
        kill(child, Signal::SIGKILL).expect("a signal");
    }

    #[test]
    fn others_fetch_for_themselves_where_az_is_kept_busy() {
        let user = with_az(FIRST_WAITS).asks_who().args(["--timeout", "3"]);
        let child = user.home.path().join("child");
        let stopped = Stopped::start(&user, || {
            fs::read_to_string(&child).is_ok_and(|id| id.ends_with('\n'))
        });
        let start = Instant::now();
        // And still one after the other: the second of them finds the token of the first.
        std::thread::scope(|scope| {
            let waiting: Vec<_> = (0..4).map(|_| scope.spawn(|| user.run())).collect();
            for launch in waiting {
                launch
                    .join()
                    .expect("a run")
                    .is_signed_in(ALICE, "postgres", 2);
            }
        });
        let took = start.elapsed();
        assert!(took > Duration::from_millis(1400), "{took:?}");
        drop(stopped);
        end_child(&user);
    }

    #[test]
    fn others_fetch_for_themselves_where_the_same_token_is_fetched() {
        let user = in_app_service()
            .args(["--timeout", "3", "--auth", "managed-identity"])
            .asks_who();
        user.entra.behave(Behaviour::fault(Fault::Silence));
        let stopped = Stopped::start(&user, || !user.entra.token_requests().is_empty());
        user.entra.behave(Behaviour::default());
        let ran = user.run();
        assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
        drop(stopped);
    }

    #[test]
    fn a_pipe_in_the_place_of_the_lock_keeps_nobody() {
        let user = with_az("answer").asks_who();
        let directory = user.home.path().join("run/entra-psql");
        fs::create_dir_all(&directory).expect("a directory");
        fs::set_permissions(&directory, Permissions::from_mode(0o700)).expect("its mode");
        let pipe = directory.join("az.lock");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        user.run().is_signed_in(ALICE, "postgres", 1);
        // With a reader it can be opened, and even locked.
        let user = user.var("ENTRA_PSQL_CACHE", "off");
        let reader = reader_of(&pipe);
        reader.lock().expect("the lock");
        let start = Instant::now();
        user.run().is_signed_in(ALICE, "postgres", 2);
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    fn reader_of(pipe: &Path) -> File {
        let mut options = File::options();
        options.read(true).write(true).open(pipe).expect("a reader")
    }
}
