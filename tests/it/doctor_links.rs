//! `--doctor`, with one link broken at a time: that link is named, with its remedy, and what leans on it is not tried.

use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use sandbox::directory::AUDITORS;
use sandbox::{Behaviour, Fault, Gateway, Identity, Manner, Refusal, Sandbox, TokenChanges};

use crate::az_failures::recorded::ends_soon;
use crate::doctor::{HOST, alice, examined};
use crate::identities::{nobody, ready, with_secret};
use crate::support::{User, heeding_signals};

/// Somebody with a good token and nothing to ask az.
fn holder() -> User {
    ready(&TokenChanges::none()).0
}

/// The same before another server. Who is behind it is of no matter to the doctor.
fn before(manner: Manner) -> (User, Gateway) {
    let server = Sandbox::shared().new_gateway(manner).expect("a server");
    (holder().var("PGPORT", server.port().to_string()), server)
}

/// A port on which nobody listens.
fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

#[test]
fn psql_is_missing_or_does_not_run() {
    examined(holder().args(["--psql", "/nowhere/psql"]))
        .is_broken_at(&["psql"])
        .says("psql", "`/nowhere/psql` was not found", "`--psql PATH`")
        .says("sign-in", "not checked, because `psql` is broken", "");
    let user = holder();
    user.program("psql", "#!/bin/sh\necho 'no library' >&2\nexit 1\n");
    examined(user).is_broken_at(&["psql"]).says(
        "psql",
        "does not run: no library",
        "`--psql PATH`",
    );
}

#[test]
fn az_is_missing_or_signed_out() {
    let without_az = || {
        let user = alice();
        user.remove_program("az");
        user
    };
    examined(without_az())
        .is_broken_at(&["decision"])
        .says("az", "no way to a token was found; it is not on `PATH`", "")
        .says(
            "decision",
            "nothing here can get a token",
            "install the Azure CLI",
        )
        .says("token", "not checked, because `decision` is broken", "");
    examined(without_az().args(["--auth", "azure-cli"]))
        .is_broken_at(&["az"])
        .says("az", "was not found on `PATH`", "install the Azure CLI")
        .says("token", "not checked, because `az` is broken", "")
        .says("sign-in", "not checked, because `token` is missing", "");
    let user = alice();
    std::fs::remove_file(user.home.path().join(".azure/azureProfile.json")).expect("a sign-out");
    examined(user)
        .is_broken_at(&["az"])
        .says("az", "Please run 'az login'", "`az login`")
        .says("group", "no group was named", "");
}

#[test]
fn entra_refuses() {
    let user = alice().args(["--group", "Prod DB Readonly"]);
    user.entra
        .behave(Behaviour::fault(Fault::Refuse(Refusal::ForeignUser)));
    examined(user)
        .is_broken_at(&["token"])
        .says("token", "AADSTS50020", "`--tenant ID`")
        .says("group", "not checked, because `token` is missing", "")
        .says("sign-in", "not checked, because `token` is missing", "");
    let user = with_secret();
    user.entra
        .behave(Behaviour::fault(Fault::Refuse(Refusal::SecretExpired)));
    examined(user).is_broken_at(&["token"]).says(
        "token",
        "AADSTS7000222",
        "put it into `AZURE_CLIENT_SECRET`",
    );
}

#[test]
fn az_is_in_another_cloud() {
    let user = alice().args(["--cloud", "AzureChinaCloud"]);
    examined(user)
        .is_broken_at(&["token"])
        .has("warn", &["az"])
        .says("az", "AzureCloud", "`az cloud set --name AzureChinaCloud`")
        .says(
            "token",
            "AADSTS500011",
            "`az cloud set --name AzureChinaCloud`",
        );
}

/// A label of 64 letters fits into no question to the DNS, so that nobody is ever asked for it.
#[test]
fn a_name_that_does_not_resolve() {
    let name = format!("{}.postgres.database.azure.com", "x".repeat(64));
    examined(holder().without("PGHOSTADDR").var("PGHOST", &name))
        .is_broken_at(&["name"])
        .says(
            "name",
            &format!("`{name}` cannot be resolved"),
            "inside its own network",
        )
        .says("port", "not checked, because there is no address", "")
        .says("tls", "not checked, because there is no connection", "")
        .says("sign-in", "not checked, because `name` is broken", "");
    let authority = format!("https://{}.example", "x".repeat(64));
    let user = with_secret()
        .without("HTTPS_PROXY")
        .var("AZURE_AUTHORITY_HOST", authority);
    examined(user).is_broken_at(&["authority", "token"]).says(
        "authority",
        "the name cannot be resolved",
        "`HTTPS_PROXY`",
    );
}

#[test]
fn a_proxy_that_is_not_there() {
    let proxy = format!("http://me:do-not-tell@127.0.0.1:{}", closed_port());
    let found = examined(with_secret().var("HTTPS_PROXY", proxy));
    found.is_broken_at(&["authority", "token"]).says(
        "authority",
        "cannot be connected to",
        "is `HTTPS_PROXY` right?",
    );
    assert!(!found.ran.stdout.contains("do-not-tell"), "{found}");
}

#[test]
fn a_port_that_is_closed_or_none() {
    examined(holder().var("PGPORT", closed_port().to_string()))
        .is_broken_at(&["port"])
        .says("port", "refuses", "is the port right?")
        .says("tls", "not checked, because there is no connection", "")
        .says("sign-in", "not checked, because `port` is broken", "");
    examined(holder().var("PGPORT", "many"))
        .is_broken_at(&["port"])
        .says("port", "`many` is no port", "5432");
}

#[test]
fn a_server_that_does_not_prove_its_name() {
    for (manner, found, remedy) in [
        (
            Manner::Unencrypted,
            "has no TLS",
            "is this the right server and port?",
        ),
        (
            Manner::WrongName,
            "for `otherdb.postgres.database.azure.com` by `entra-psql sandbox authority`, 89 days left; that is not `mydb.postgres.database.azure.com`",
            "`PGHOSTADDR`",
        ),
        (Manner::Expired, "expired 1 days ago", "clock"),
        (
            Manner::UnknownAuthority,
            "do not know who signed it",
            "`PGSSLROOTCERT`",
        ),
    ] {
        let (user, server) = before(manner);
        examined(user)
            .is_broken_at(&["tls"])
            .says("tls", found, remedy)
            .says("sign-in", "not checked, because `tls` is broken", "");
        assert_eq!(server.sessions(), [], "{manner:?}");
    }
    examined(holder().var("PGSSLROOTCERT", "/nowhere/root.crt"))
        .is_broken_at(&["tls"])
        .says(
            "tls",
            "the roots in `/nowhere/root.crt` cannot be read",
            "`PGSSLROOTCERT`",
        );
}

/// What the person chose not to have checked is pointed out, and no more.
#[test]
fn weaker_modes_are_looked_at_as_they_are() {
    let (user, _server) = before(Manner::WrongName);
    examined(user.var("PGSSLMODE", "verify-ca"))
        .works()
        .has("warn", &[]);
    let (user, _server) = before(Manner::UnknownAuthority);
    examined(user.var("PGSSLMODE", "require").without("PGSSLROOTCERT"))
        .works()
        .has("warn", &["tls"])
        .says(
            "tls",
            "`sslmode=require` checks neither",
            "leave `sslmode` unset",
        );
}

#[test]
fn a_decision_that_refuses() {
    for (user, found, remedy) in [
        (
            holder().var("PGSSLMODE", "disable"),
            "`sslmode=disable`",
            "`verify-full`",
        ),
        (
            holder().var("PGHOST", "/tmp"),
            "not known to be",
            "`--entra`",
        ),
        (
            holder().var("ENTRA_PSQL_TIMEOUT", "soon"),
            "`ENTRA_PSQL_TIMEOUT`",
            "",
        ),
        (
            holder().args(["--doctor=json", "--nonsense"]),
            "psql does not take",
            "psql itself",
        ),
        (
            holder().args(["sslmode=never"]),
            "libpq refuses these parameters",
            "correct",
        ),
    ] {
        examined(user)
            .is_broken_at(&["decision"])
            .says("decision", found, remedy)
            .says("token", "not checked, because `decision` is broken", "");
    }
}

#[test]
fn a_ready_token_that_is_of_no_use() {
    for (changes, found) in [
        (TokenChanges::none().expires_in(-60), "expired"),
        (
            TokenChanges::none().audience("https://vault.azure.net"),
            "is for `https://vault.azure.net`",
        ),
    ] {
        examined(ready(&changes).0)
            .is_broken_at(&["token"])
            .says("token", found, "get a new one")
            .says("sign-in", "not checked, because `token` is missing", "");
    }
    examined(ready(&TokenChanges::none().expires_in(60)).0)
        .works()
        .has("warn", &["token"])
        .says("token", "0 minutes left", "`--fresh`");
}

#[test]
fn a_group_that_one_is_not_in_or_that_is_spelled_otherwise() {
    examined(alice().args(["--group", AUDITORS.name]))
        .is_broken_at(&["group", "sign-in"])
        .says(
            "group",
            "you are not a member of `Auditors`",
            "added to the group",
        )
        .says(
            "sign-in",
            "password authentication failed",
            "pgaadauth.enable_group_sync",
        );
    examined(alice().args(["--group", "prod db readonly"]))
        .is_broken_at(&["group", "sign-in"])
        .says(
            "group",
            "you are a member of `Prod DB Readonly`",
            "`--group 'Prod DB Readonly'`",
        )
        .says(
            "sign-in",
            "role \"prod db readonly\" does not exist",
            "pgaadauth_create_principal('prod db readonly', false, false)",
        );
}

#[test]
fn silence_ends_in_time() {
    let silent = |user: User| {
        user.entra.behave(Behaviour::fault(Fault::Silence));
        let server = Sandbox::shared()
            .new_gateway(Manner::Silent)
            .expect("a server");
        let user = user.var("PGPORT", server.port().to_string());
        (user, server)
    };
    let (user, _server) = silent(alice());
    let start = Instant::now();
    examined(user)
        .is_broken_at(&["tls", "token"])
        .says("tls", "says nothing", "PostgreSQL's port")
        .says("token", "gave no answer within 9 s", "reachable")
        .says(
            "sign-in",
            "not checked, because `tls` is broken and `token` is missing",
            "",
        );
    assert!(
        start.elapsed() < Duration::from_secs(15),
        "{:?}",
        start.elapsed()
    );
    let (user, _server) = silent(with_secret());
    let start = Instant::now();
    examined(user.args(["--timeout", "1"])).is_broken_at(&["tls", "token"]);
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn who_is_not_signed_in_at_all_hears_of_it() {
    examined(nobody())
        .is_broken_at(&["az"])
        .says("az", "Please run 'az login'", "`az login`");
    let user = User::signed_in(Identity::BillingService).var("PGHOST", HOST);
    examined(user)
        .works()
        .says("az", "signed in as application", "")
        .says(
            "role",
            "`billing service`, the name of the token's identity",
            "",
        );
}

/// Several programs run at once, and each is the root of a tree of its own.
#[test]
fn a_ctrl_c_ends_everything_that_runs() {
    let user = alice().args(["--doctor"]);
    let hanging = |name: &str| {
        let child = user.home.path().join(format!("{name}-child"));
        let child = child.display();
        user.program(
            name,
            &format!(
                "#!/bin/sh\nsleep 600 & echo $! > '{child}.new'; mv '{child}.new' '{child}'\nwait\n"
            ),
        );
    };
    hanging("az");
    hanging("psql");
    let mut doctor = heeding_signals(user.command())
        .stdout(Stdio::null())
        .spawn()
        .expect("a doctor");
    let children: Vec<String> = ["az", "psql"]
        .map(|name| user.home.path().join(format!("{name}-child")))
        .iter()
        .map(|file| {
            loop {
                if let Ok(child) = std::fs::read_to_string(file) {
                    break child;
                }
                let ended = doctor.try_wait().expect("its state");
                assert_eq!(ended, None, "it ended by itself");
                thread::sleep(Duration::from_millis(5));
            }
        })
        .collect();
    let process = nix::unistd::Pid::from_raw(doctor.id().cast_signed());
    nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGINT).expect("a signal");
    let status = doctor.wait().expect("its end");
    assert_eq!(ExitStatusExt::signal(&status), Some(2));
    // The groups were sent SIGKILL before it ended; they are gone when the system has got to it.
    for child in children {
        ends_soon(&child);
    }
}
