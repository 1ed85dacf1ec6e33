//! Whatever can go wrong between us and a token: one line of cause, one of remedy, the right exit
//! code, in time.
//!
//! The real az fails for real wherever it can be made to. Where it cannot, a script stands in that
//! answers as az was seen to answer; those tests are in the module `recorded`.

use std::time::{Duration, Instant};

use sandbox::{Behaviour, Entra, Fault, Identity, Refusal, TokenChanges};

use crate::support::{Ran, User, heeding_signals, here, text};

const HOST: &str = "mydb.postgres.database.azure.com";

fn alice() -> User {
    User::signed_in(Identity::Alice).var("PGHOST", HOST)
}

/// Runs with an Entra that misbehaves.
fn with(user: &User, behaviour: Behaviour) -> Ran {
    user.entra.behave(behaviour);
    user.run()
}

#[test]
fn entras_refusals() {
    for (refusal, case) in [
        (Refusal::Inactive, "az/refused_inactive"),
        (Refusal::SignInFrequency, "az/refused_sign_in_frequency"),
        (Refusal::Revoked, "az/refused_revoked"),
        (Refusal::MfaRequired, "az/refused_second_factor"),
        (
            Refusal::MfaEnrollment,
            "az/refused_second_factor_not_set_up",
        ),
        (Refusal::ConditionalAccess, "az/refused_conditional_access"),
        (Refusal::Consent, "az/refused_without_consent"),
        (Refusal::UnknownResource, "az/refused_unknown_resource"),
        (Refusal::ForeignUser, "az/refused_foreign_user"),
    ] {
        let ran = with(&alice(), Behaviour::fault(Fault::Refuse(refusal)));
        ran.fails(case);
        assert_eq!(ran.az.len(), 1);
    }
}

#[test]
fn a_service_principals_secret() {
    let service = || User::signed_in(Identity::BillingService).var("PGHOST", HOST);
    with(
        &service(),
        Behaviour::fault(Fault::Refuse(Refusal::SecretExpired)),
    )
    .fails("az/secret_expired");
    with(
        &service(),
        Behaviour::fault(Fault::Refuse(Refusal::SecretWrong)),
    )
    .fails("az/secret_wrong");
}

#[test]
fn not_signed_in() {
    User::nobody()
        .args(["-h", HOST])
        .run()
        .fails("az/not_signed_in");
}

#[test]
fn no_subscription_is_chosen_or_the_one_named_is_not_there() {
    let user = alice();
    let profile = user.home.path().join(".azure/azureProfile.json");
    let text = std::fs::read_to_string(&profile).expect("az's profile");
    std::fs::write(
        &profile,
        text.replace("\"isDefault\": true", "\"isDefault\": false"),
    )
    .expect("a profile");
    user.run().fails("az/no_subscription_chosen");
    alice()
        .args(["--subscription", "nowhere"])
        .run()
        .fails("az/subscription_unknown");
}

#[test]
fn a_managed_identity_has_one_tenant() {
    User::signed_in(Identity::OrdersIdentity)
        .var("PGHOST", HOST)
        .args(["--auth=azure-cli", "--tenant", "contoso.onmicrosoft.com"])
        .run()
        .fails("az/managed_identity_in_another_tenant");
}

#[test]
fn something_other_than_entra_answers_or_nothing_does() {
    let fault = |fault| with(&alice(), Behaviour::fault(fault));
    fault(Fault::Drop).fails("az/connection_dropped");
    fault(Fault::Unavailable).fails("az/entra_unavailable");
    fault(Fault::Html).fails("az/page_in_place_of_entra");
}

#[test]
fn a_proxy_that_is_not_there() {
    // An Entra that has ended leaves a port on which nobody listens.
    let gone = sandbox::Sandbox::shared()
        .new_entra()
        .as_ref()
        .map(Entra::proxy)
        .expect("a port");
    alice()
        .var("HTTPS_PROXY", gone)
        .run()
        .fails("az/proxy_not_there");
}

#[test]
fn a_proxy_whose_root_az_does_not_trust() {
    let ran = alice().without("REQUESTS_CA_BUNDLE").run();
    ran.fails("az/proxy_not_trusted");
}

#[test]
fn a_silent_peer_is_given_up_at_the_deadline() {
    let user = alice().args(["--timeout", "2.5"]);
    let start = Instant::now();
    with(&user, Behaviour::fault(Fault::Silence)).fails("az/entra_silent");
    let took = start.elapsed();
    // Wine takes its time before the program runs at all.
    let at_most = Duration::from_millis(here(3500, 6000));
    assert!(
        took >= Duration::from_millis(2500) && took < at_most,
        "{took:?}"
    );
}

#[test]
fn a_token_for_something_else_or_of_yesterday() {
    let changed = |changes| Behaviour::tokens(changes);
    with(
        &alice(),
        changed(TokenChanges::none().audience("https://management.azure.com")),
    )
    .fails("az/token_for_something_else");
    with(&alice(), changed(TokenChanges::none().expires_in(-120))).fails("az/token_of_yesterday");
}

#[test]
fn az_is_missing() {
    let user = User::nobody().args(["-h", HOST, "--auth=azure-cli"]);
    user.remove_program("az");
    let bin = user.home.path().join("bin");
    let path = std::env::join_paths([bin.as_path(), user.sandbox.postgres_bin_dir()]);
    user.var("PATH", path.expect("no separators"))
        .run()
        .fails("az/missing");
}

#[test]
fn the_interpreter_of_az_is_missing() {
    let user = alice();
    user.program("az", "#!/nowhere/bin/python3\n");
    user.run().fails("az/interpreter_missing");
}

#[test]
fn psql_is_missing_or_cannot_be_run() {
    let user = User::nobody();
    let plain = user.home.path().join("plain");
    std::fs::write(&plain, "").expect("a file");
    let plain = plain.display().to_string();
    user.args(["--psql", &plain])
        .run()
        .fails("psql/not_runnable");
    User::nobody()
        .args(["--psql", "/nowhere/psql"])
        .run()
        .fails("psql/not_found");
    User::nobody()
        .var("ENTRA_PSQL_PROGRAM", "/nowhere/psql")
        .args(["-h", HOST])
        .run()
        .fails("psql/not_found");
}

#[test]
fn the_interpreter_of_psql_is_missing() {
    let user = User::nobody();
    user.program("broken", "#!/nowhere/bin/sh\n");
    user.args(["--psql", "broken"])
        .run()
        .fails("psql/interpreter_missing");
}

pub mod recorded {
    //! An az that answers as the real one was seen to answer, where that cannot be brought about.

    use std::os::unix::fs::PermissionsExt;
    use std::process::Stdio;

    use super::*;

    /// Somebody whose az is this shell script. `$TOKEN` holds a good token's file.
    pub fn with_az(script: &str) -> User {
        let user = alice();
        let token = user.sandbox.issue(Identity::Alice, &TokenChanges::none());
        let answer = serde_json::json!({"accessToken": token, "tokenType": "Bearer"});
        let answer = answer.to_string();
        user.program(
            "az",
            &format!("#!/bin/sh\necho \"$*\" >> \"$HOME/az.log\"\nanswer() {{ cat \"$HOME/answer\"; }}\n{script}\n"),
        );
        user.file("answer", &answer)
    }

    const LOST: &str = "echo \"ERROR: User 'alice@contoso.example' does not exist in MSAL token cache. Run \\`az login\\`.\" >&2; exit 1";

    /// As for programs that are started by no shell.
    #[test]
    fn az_is_found_without_a_path_unless_others_can_change_it() {
        for (path, mode) in [(None, 0o755), (Some(""), 0o755), (Some("/nowhere"), 0o777)] {
            let user = with_az("/bin/cat \"$HOME/answer\"").asks_who();
            let psql = user.sandbox.postgres_bin_dir().join("psql");
            let user = user.args_in_front([std::ffi::OsStr::new("--psql"), psql.as_os_str()]);
            let own = user.home.path().join(".local/bin");
            std::fs::create_dir_all(&own).expect("a directory");
            let az = user.home.path().join("bin/az");
            std::fs::rename(az, own.join("az")).expect("az elsewhere");
            std::fs::set_permissions(&own, PermissionsExt::from_mode(mode)).expect("its mode");
            let user = match path {
                None => user.without("PATH"),
                Some(path) => user.var("PATH", path),
            };
            let ran = user.args(["--auth=azure-cli"]).run();
            if mode == 0o755 {
                ran.is_signed_in("alice@contoso.example", "postgres", 1);
            } else {
                ran.fails("az/missing");
            }
        }
    }

    #[test]
    fn a_lost_race_is_run_once_more() {
        let race = format!("mkdir \"$HOME/first\" 2>/dev/null && {{ {LOST}; }}\nanswer");
        with_az(&race)
            .asks_who()
            .run()
            .is_signed_in("alice@contoso.example", "postgres", 2);
        let ran = with_az(LOST).run();
        ran.fails("az/not_in_its_cache");
        assert_eq!(ran.az.len(), 2);
    }

    #[test]
    fn what_is_no_answer() {
        with_az("echo 'AccessToken  ExpiresOn'")
            .run()
            .fails("az/no_answer");
        with_az("echo '{\"accessToken\": \"no token\"}'")
            .run()
            .fails("az/no_answer");
        with_az("echo '{}'").run().fails("az/no_answer");
        with_az(":").run().fails("az/no_answer");
    }

    #[test]
    fn an_installation_that_is_broken() {
        let python = "cat >&2 <<'END'\nTraceback (most recent call last):\n  File \"<frozen runpy>\", line 189, in _run_module_as_main\nModuleNotFoundError: No module named 'azure.cli'\nEND\nexit 1";
        with_az(python).run().fails("az/module_missing");
        let gone = "echo '/usr/bin/az: 3: /opt/az/bin/python3: not found' >&2; exit 127";
        with_az(gone).run().fails("az/python_missing");
    }

    #[test]
    fn an_error_that_az_itself_did_not_expect() {
        let ran = with_az("cat >&2 <<'END'\nERROR: The command failed with an unexpected error. Here is the traceback:\nERROR: 'NoneType' object is not subscriptable\nTraceback (most recent call last):\n  File \"x.py\", line 1, in y\nTypeError: 'NoneType' object is not subscriptable\nEND\nexit 1").run();
        ran.fails("az/unexpected_error");
    }

    #[test]
    fn a_network_that_is_down() {
        let ran = with_az("cat >&2 <<'END'\nERROR: The command failed with an unexpected error. Here is the traceback:\nERROR: HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: /t/oauth2/v2.0/token (Caused by NameResolutionError(\"Failed to resolve 'login.microsoftonline.com' ([Errno -2] Name or service not known)\"))\nTraceback (most recent call last):\nEND\nexit 1").run();
        ran.fails("az/network_down");
    }

    #[test]
    fn one_az_at_a_time() {
        let user = with_az(
            "mkdir \"$HOME/busy\" || echo overlap >> \"$HOME/overlaps\"\nsleep 0.05\nrmdir \"$HOME/busy\"\nanswer",
        )
        .args(["-XAtqc", "select current_user"])
        .var("ENTRA_PSQL_CACHE", "off");
        let started: Vec<_> = (0..6)
            .map(|_| {
                user.command()
                    .stdout(Stdio::piped())
                    .spawn()
                    .expect("a launch")
            })
            .collect();
        for child in started {
            let output = child.wait_with_output().expect("its end");
            assert_eq!(text(&output.stdout), "alice@contoso.example\n");
        }
        assert!(!user.home.path().join("overlaps").exists());
        assert_eq!(user.az_calls().len(), 6);
    }

    #[test]
    fn a_turn_that_does_not_come_is_not_waited_for() {
        let user = with_az("answer").asks_who().args(["--timeout", "4"]);
        let directory = user.home.path().join("run/entra-psql");
        std::fs::create_dir_all(&directory).expect("a directory");
        std::fs::set_permissions(&directory, PermissionsExt::from_mode(0o700)).expect("its mode");
        let lock = std::fs::File::create(directory.join("az.lock")).expect("a lock");
        lock.lock().expect("the lock");
        let start = Instant::now();
        user.run()
            .is_signed_in("alice@contoso.example", "postgres", 1);
        assert!(start.elapsed() >= Duration::from_secs(2));
    }

    #[test]
    fn what_az_started_ends_with_it_at_the_deadline() {
        // Wine takes its time before az has started what is to be ended.
        let limit = here("0.5", "8");
        let user =
            with_az("sleep 600 & echo $! > \"$HOME/child\"\nwait").args(["--timeout", limit]);
        user.run().fails("az/timeout");
        let child = std::fs::read_to_string(user.home.path().join("child")).expect("a process id");
        ends_soon(&child);
    }

    /// Waits until a process that was sent SIGKILL is gone: the system gets to it in its own time.
    #[track_caller]
    pub fn ends_soon(process: &str) {
        let patience = Instant::now() + Duration::from_secs(5);
        while is_running(process.trim()) {
            assert!(Instant::now() < patience, "{process}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether a process runs; one that has ended but is not yet reaped does not.
    fn is_running(process: &str) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
    }

    #[test]
    fn a_ctrl_c_ends_az_and_us() {
        let user = with_az(
            "sleep 600 & echo $! > \"$HOME/child.new\"; mv \"$HOME/child.new\" \"$HOME/child\"\nwait",
        );
        let child_file = user.home.path().join("child");
        let mut launch = heeding_signals(user.command())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a launch");
        let child = loop {
            if let Ok(child) = std::fs::read_to_string(&child_file) {
                break child;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let process = nix::unistd::Pid::from_raw(launch.id().cast_signed());
        nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGINT).expect("a signal");
        let status = launch.wait().expect("its end");
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&status),
            Some(2)
        );
        ends_soon(&child);
    }
}
