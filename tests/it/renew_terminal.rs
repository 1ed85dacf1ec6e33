//! `--renew` with psql at a terminal.

use std::process::Command;
use std::thread;
use std::time::{Duration, SystemTime};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rexpect::session::{PtySession, spawn_command};
use sandbox::{Behaviour, Identity, Manner, Sandbox, TokenChanges};

use crate::proxy_support::{ALICE, GROUP, HOST, person, within};
use crate::renew::{helpers, nothing_is_left};
use crate::support::{PROGRAM, tool};

fn line(psql: &mut PtySession, line: &str) {
    psql.send_line(line).expect("sent");
}

#[track_caller]
fn says(psql: &mut PtySession, text: &str) {
    psql.exp_string(text)
        .unwrap_or_else(|error| panic!("{text}: {error}"));
}

#[test]
fn at_a_terminal_it_connects_again_after_the_token_has_ended() {
    // Too short to connect with a second time.
    connects_again_after(8, Behaviour::default);
}

#[test]
#[ignore = "`.ci/clients` runs it, since it takes three minutes"]
fn at_a_terminal_with_tokens_of_ninety_seconds() {
    // Each is counted from the moment at which it is asked for.
    connects_again_after(90, || {
        Behaviour::tokens(TokenChanges::none().expires_in(90))
    });
}

/// Connects again as a user and as a group, after the first token's `lifetime` in seconds. Later
/// tokens are as `later` says.
fn connects_again_after(lifetime: u16, later: impl Fn() -> Behaviour) {
    let gateway = Sandbox::shared()
        .new_gateway(Manner::Genuine)
        .expect("a gateway");
    for who in [None, Some(GROUP)] {
        let mut user = person(Identity::Alice).args(["-n", "-X", "-Ppager=off", "--renew"]);
        if let Some(group) = who {
            user = user.args(["--group", group]);
        }
        let role = who.unwrap_or(ALICE);
        let first = TokenChanges::none().expires_in(lifetime.into());
        user.entra.behave(Behaviour::tokens(first));
        let mut psql = spawn_command(user.command(), Some(60_000)).expect("a terminal");
        says(&mut psql, "postgres=>");
        user.entra.behave(later());
        thread::sleep(Duration::from_secs(u64::from(lifetime) + 1));
        user.entra.behave(later());
        line(&mut psql, "\\c app");
        says(
            &mut psql,
            &format!("You are now connected to database \"app\" as user \"{role}\"."),
        );
        says(&mut psql, "app=>");
        line(&mut psql, "\\conninfo");
        says(&mut psql, &format!("on host \"{HOST}\" (address \"127."));
        says(&mut psql, "app=>");
        // The connection is cut, and psql opens another by itself.
        line(&mut psql, "select pg_terminate_backend(pg_backend_pid());");
        says(&mut psql, "Attempting reset: Succeeded.");
        says(&mut psql, "app=>");
        line(&mut psql, "select 'as ' || current_user;");
        says(&mut psql, &format!("as {role}"));
        says(&mut psql, "app=>");
        // Another host is another host, and learns nothing.
        line(
            &mut psql,
            &format!(
                "\\c \"host=otherdb.postgres.database.azure.com hostaddr=127.0.0.1 port={}\"",
                gateway.port()
            ),
        );
        // It asks for a password, since none is at hand for that host.
        says(&mut psql, "Password for user ");
        line(&mut psql, "");
        says(&mut psql, "Previous connection kept");
        says(&mut psql, "app=>");
        assert_eq!(gateway.sessions(), []);
        line(&mut psql, "\\q");
        psql.exp_eof().expect("its end");
        nothing_is_left(&user);
    }
}

#[test]
fn ctrl_c_cancels_and_the_helper_stays() {
    let user = person(Identity::Alice).args(["-n", "-X", "-Ppager=off", "--renew"]);
    let mut psql = spawn_command(user.command(), Some(60_000)).expect("a terminal");
    says(&mut psql, "postgres=>");
    assert_eq!(helpers(&user).len(), 1);
    line(&mut psql, "select 'renewed' from pg_sleep(100);");
    within("the query to run", || {
        let sql = "select count(*) from pg_stat_activity where query like '%renewed%pg_sleep(100)%' and state = 'active' and pid <> pg_backend_pid()";
        let rows = Sandbox::shared().superuser_sql(sql).expect("rows");
        rows[0][0].as_deref() == Some("1")
    });
    psql.send_control('c').expect("sent");
    says(&mut psql, "canceling statement due to user request");
    says(&mut psql, "postgres=>");
    line(&mut psql, "\\c app");
    says(&mut psql, "You are now connected");
    assert_eq!(helpers(&user).len(), 1);
    line(&mut psql, "\\q");
    psql.exp_eof().expect("its end");
    nothing_is_left(&user);
}

#[test]
fn it_can_be_stopped_and_goes_on_in_the_same_process() {
    let user = person(Identity::Alice);
    let mut shell = Command::new(tool("bash"));
    shell.args(["--norc", "--noprofile", "-i"]);
    let command = user.command();
    let variables = command.get_envs();
    shell
        .env_clear()
        .envs(variables.filter_map(|(name, value)| Some((name, value?))))
        .env("PS1", "shell> ")
        .current_dir(user.home.path());
    let mut shell = spawn_command(shell, Some(60_000)).expect("a terminal");
    says(&mut shell, "shell> ");
    line(&mut shell, &format!("{PROGRAM} --renew -n -X -Ppager=off"));
    says(&mut shell, "postgres=>");
    shell.send_control('z').expect("sent");
    says(&mut shell, "Stopped");
    says(&mut shell, "shell> ");
    line(&mut shell, "jobs -p | sed 's/.*/job &./'");
    let (_, job) = shell.exp_regex("job [0-9]+[.]").expect("its id");
    line(&mut shell, "fg");
    says(&mut shell, "--renew");
    line(&mut shell, "\\! echo job $PPID.");
    let (_, psql) = shell.exp_regex("job [0-9]+[.]").expect("its id");
    assert_eq!(psql, job);
    line(&mut shell, "\\c app");
    says(&mut shell, "You are now connected to database \"app\"");
    line(&mut shell, "\\q");
    says(&mut shell, "shell> ");
    line(&mut shell, "exit");
    shell.exp_eof().expect("its end");
    nothing_is_left(&user);
}

#[test]
fn psql_or_the_helper_is_killed() {
    let user = person(Identity::Alice).args(["-n", "-X", "--renew"]);
    let mut psql = spawn_command(user.command(), Some(60_000)).expect("a terminal");
    says(&mut psql, "postgres=>");
    kill(helpers(&user)[0], Signal::SIGKILL).expect("it is there");
    within("the helper to end", || helpers(&user).is_empty());
    line(&mut psql, "select 1;");
    says(&mut psql, "Failed.");
    line(&mut psql, "\\q");
    psql.exp_eof().expect("its end");

    let user = person(Identity::Alice).args(["-n", "-X", "--renew"]);
    let mut psql = spawn_command(user.command(), Some(60_000)).expect("a terminal");
    says(&mut psql, "postgres=>");
    line(&mut psql, "\\! echo pid $PPID.");
    let (_, said) = psql.exp_regex("pid [0-9]+[.]").expect("its id");
    let pid = said[4..said.len() - 1].parse().expect("a number");
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it is there");
    nothing_is_left(&user);
}

/// A session that is killed at the server has the server start anew, and end all sessions.
#[test]
fn psql_connects_again_by_itself_after_the_server_has_restarted() {
    let sandbox = Sandbox::start().expect("a sandbox of its own");
    let user = person(Identity::Alice)
        .var("PGPORT", sandbox.port().to_string())
        .args(["-n", "-X", "-Ppager=off", "--renew"]);
    user.entra
        .behave(Behaviour::tokens(TokenChanges::none().expires_in(8)));
    let expiry = SystemTime::now() + Duration::from_secs(9);
    let mut psql = spawn_command(user.command(), Some(60_000)).expect("a terminal");
    says(&mut psql, "postgres=>");
    user.entra.behave(Behaviour::default());
    let restarted_from = checkpointer(&sandbox);
    line(&mut psql, "select 'backend ' || pg_backend_pid() || '.';");
    let (_, said) = psql.exp_regex("backend [0-9]+[.]").expect("its id");
    let backend = said[8..said.len() - 1].parse().expect("a number");
    kill(Pid::from_raw(backend), Signal::SIGKILL).expect("it is there");
    within("the server to be back", || {
        checkpointer(&sandbox).is_some_and(|now| Some(now) != restarted_from)
    });
    within("the token to end", || SystemTime::now() > expiry);
    line(&mut psql, "select 1;");
    says(&mut psql, "Attempting reset: Succeeded.");
    says(&mut psql, "postgres=>");
    line(&mut psql, "select 'as ' || current_user;");
    says(&mut psql, &format!("as {ALICE}"));
    says(&mut psql, "postgres=>");
    assert!(user.az_calls().len() > 1);
    line(&mut psql, "\\q");
    psql.exp_eof().expect("its end");
    nothing_is_left(&user);
}

/// A process that the server starts anew when it restarts.
fn checkpointer(sandbox: &Sandbox) -> Option<String> {
    let sql = "select pid from pg_stat_activity where backend_type = 'checkpointer'";
    sandbox.superuser_sql(sql).ok()?.pop()?.pop()?
}
