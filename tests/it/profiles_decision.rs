//! What settings in a section of the service file can decide and what they can't, where they are
//! reported, and `renew` among them.

use sandbox::directory::{HOME_TENANT_OF_GUEST, TENANT};
use sandbox::{Identity, Sandbox, TokenChanges};

use crate::decision::is_psql;
use crate::doctor::examined;
use crate::identities::with_secret;
use crate::profiles::{ALICE, BY_GROUP, GROUP, HOST, alice, in_shop, person, shop};
use crate::renew::{helpers, nothing_is_left};
use crate::support::{User, here};

#[test]
fn where_no_token_is_due_nothing_of_it_is_read() {
    const WRONG: &str = "#entra-psql nonsense\n";
    let sandbox = Sandbox::shared();
    let local = format!(
        "[shop]\n{WRONG}host={}\nport={}\nuser={}\ndbname=app\n",
        here(sandbox.socket_dir(), "127.0.0.1".as_ref()).display(),
        sandbox.tcp_port(),
        sandbox.local_role()
    );
    let user = User::nobody()
        .file("services", &local)
        .var("PGPASSWORD", sandbox.local_password());
    // libpq up to 14 looks for its own file in the account's home directory, not in this one.
    let file = user.home.path().join("services");
    let user = user.var("PGSERVICEFILE", file).args([
        "-XAt",
        "-c",
        "select current_user, 1/1",
        "service=shop",
    ]);
    assert_eq!(user.run().stdout, format!("{}|1\n", sandbox.local_role()));
    is_psql(&user);
    let user = |lines: &str| in_shop(person(), lines).args_in_front(["-w"]);
    is_psql(&user(&format!("password=x\n{WRONG}")));
    is_psql(&user(WRONG).var("PGPASSWORD", "hunter2"));
    is_psql(&user(WRONG).file(".pgpass", "*:*:*:*:hunter2\n"));
    is_psql(&user(WRONG).var("ENTRA_PSQL_NO_ENTRA", "1"));
    is_psql(&user(WRONG).args_in_front(["-V"]));
    // libpq refuses longer lines, even comments.
    let long = "x".repeat(1023);
    is_psql(&user(&format!("#entra-psql group={long}\n")));
    let ran = user(WRONG).args_in_front(["--no-entra"]).run();
    assert!(!ran.stderr.contains("entra-psql"), "{ran:?}");
}

#[test]
fn a_section_asks_for_no_token_and_vouches_for_no_host() {
    let everything = format!(
        "#entra-psql auth=azure-cli tenant={TENANT} {BY_GROUP} cloud=AzureCloud renew=on\n"
    );
    for host in ["mydb.example.com", "127.0.0.1", "localhost"] {
        let text = format!("[shop]\nhost={host}\nport=1\n{everything}");
        let user = person().file(".pg_service.conf", &text);
        is_psql(&user.args(["-w", "service=shop"]));
    }
    let user = in_shop(person(), &everything);
    is_psql(&user.var("PGPASSWORD", "hunter2").args_in_front(["-w"]));
    // Whoever asks for one on the command line gets it with these settings.
    in_shop(alice(), &everything)
        .var("PGPASSWORD", "hunter2")
        .args_in_front(["--entra", "--renew=off"])
        .run()
        .is_signed_in(GROUP, "app", 1);
}

/// A resource other than a database's is for hosts that somebody vouched for.
#[test]
fn a_resource_of_something_else_is_not_for_azures_servers() {
    let other = "#entra-psql resource=https://vault.azure.net\n";
    let at = |hosts: &str| {
        let text = format!("[shop]\nhost={hosts}\ndbname=app\n{other}");
        let user = with_secret().file(".pg_service.conf", &text);
        user.var("PGSERVICE", "shop").args(["--dry-run"])
    };
    let user = at("db.example");
    let user = user.var("ENTRA_PSQL_TRUSTED_HOSTS", "db.example");
    // Entra has no such resource, and refuses.
    assert_eq!(user.run().code, Some(2));
    let asked = user.entra.token_requests();
    assert_eq!(asked[0].resource(), Some("https://vault.azure.net"));
    for hosts in [
        HOST,
        "mydb.postgres.database.azure.com,mydb.postgres.database.usgovcloudapi.net",
        "db.example,mydb.postgres.database.azure.com",
    ] {
        let user = at(hosts)
            .var("ENTRA_PSQL_TRUSTED_HOSTS", "db.example")
            .without("PGHOSTADDR")
            .args(["--entra"]);
        let ran = user.run();
        assert_eq!(user.entra.token_requests().len(), 0);
        ran.fails("profiles/resource_at_azure");
    }
}

#[test]
fn an_inherited_token_gives_way_to_a_section_that_says_how_to_sign_in() {
    let token = Sandbox::shared().issue(Identity::Alice, &TokenChanges::none());
    let with_token = |lines: &str| in_shop(alice(), lines).var("PGPASSWORD", &token);
    with_token(&format!("#entra-psql {BY_GROUP}\n"))
        .run()
        .is_signed_in(GROUP, "app", 0);
    with_token("#entra-psql auth=azure-cli\n")
        .run()
        .is_signed_in(ALICE, "app", 1);
}

#[test]
fn it_is_said_where_each_setting_comes_from() {
    let user = || {
        shop(&format!(
            "auth=azure-cli tenant={TENANT}\n#entra-psql {BY_GROUP} renew=off"
        ))
        .var(
            "ENTRA_PSQL_RESOURCE",
            "https://ossrdbms-aad.database.windows.net",
        )
        .var("ENTRA_PSQL_TENANT", "unused.example")
    };
    let with_flag = || user().args_in_front(["--auth", "azure-cli"]);
    let ran = with_flag().args_in_front(["--dry-run"]).run();
    ran.matches("profiles/dry_run");
    let ran = with_flag().args_in_front(["--entra-verbose"]).run();
    ran.matches("profiles/verbose");
    let ran = with_flag().args_in_front(["--doctor"]).run();
    let decision = ran.stdout.lines().find(|line| line.contains("decision"));
    assert!(
        decision.is_some_and(|line| line.contains("line 6")),
        "{ran:?}"
    );
    let found = examined(user());
    found.works().says(
        "decision",
        &format!("; `tenant` is `{TENANT}`, from line 6 of the service file `"),
        "",
    );
    found.says(
        "decision",
        "`resource` is `https://ossrdbms-aad.database.windows.net`, from `ENTRA_PSQL_RESOURCE`",
        "",
    );
    // A group that is not used is not said, and nothing is said without settings.
    let ran = user().args_in_front(["-U", ALICE, "--dry-run"]).run();
    assert!(!ran.stdout.contains(GROUP), "{ran:?}");
    let ran = in_shop(alice(), "#entra-psql\n").var("ENTRA_PSQL_TENANT", TENANT);
    let ran = ran.args_in_front(["--dry-run"]).run();
    assert!(!ran.stdout.contains(TENANT), "{ran:?}");
    examined(shop("nonsense"))
        .is_broken_at(&["decision"])
        .says("decision", "line 6", "KEY=VALUE");
}

#[test]
fn the_tenant_of_a_section_beats_that_of_the_server_by_name() {
    let found = |settings: &str| {
        let user = User::signed_in(Identity::Bob).args(["--server", "otherdb", "--dry-run"]);
        let ran = in_shop(user, &format!("#entra-psql {settings}\n")).run();
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
        let call = ran
            .az
            .iter()
            .find(|words| words.contains("get-access-token"));
        (call.expect("a call").to_owned(), ran.stdout)
    };
    let (call, said) = found(&format!("tenant={TENANT}"));
    assert!(call.contains(&format!("--tenant {TENANT}")), "{call}");
    assert!(
        said.contains(&format!("`tenant` is `{TENANT}`, from line 6")),
        "{said}"
    );
    let (call, said) = found("auth=azure-cli");
    assert!(
        call.contains(&format!("--tenant {HOME_TENANT_OF_GUEST}")),
        "{call}"
    );
    assert!(
        said.contains(&format!(
            "`tenant` is `{HOME_TENANT_OF_GUEST}`, from `--server`"
        )),
        "{said}"
    );
}

/// Whether psql connected to a helper: then it has no token.
#[track_caller]
fn is_renewed(user: &User) -> bool {
    let ran = user.run();
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)), "{ran:?}");
    assert!(ran.stdout.contains(&format!("{ALICE}|t|app\n")), "{ran:?}");
    // libpq up to 14 looks in the account's home directory otherwise.
    let file = user.home.path().join(".pg_service.conf");
    let named = format!("PGSERVICEFILE={}\n", file.display());
    assert!(ran.stdout.contains(&named), "{ran:?}");
    nothing_is_left(user);
    !ran.stdout.contains("eyJ")
}

#[test]
fn renew_in_a_section_is_as_the_option() {
    let env = |user: User| user.args_in_front(["-c", "\\! env"]);
    let user = |settings: &str| in_shop(alice(), settings);
    let on = "#entra-psql renew=on\n";
    let off = "#entra-psql renew=off\n";
    assert!(!is_renewed(&env(user(""))));
    assert!(is_renewed(&env(user(on))));
    assert!(is_renewed(&env(user(on)).var("ENTRA_PSQL_RENEW", "0")));
    assert!(!is_renewed(&env(user(off)).var("ENTRA_PSQL_RENEW", "1")));
    assert!(!is_renewed(&env(user(on)).args_in_front(["--renew=off"])));
    assert!(is_renewed(&env(user(off)).args_in_front(["--renew"])));
    // Where it can't be, it has no effect, as the variable.
    let ran = user(on).args_in_front(["--dry-run"]).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.stdout.contains("PGPASSWORD="), "{ran:?}");
    let user = in_shop(person(), on).args(["--print-conninfo"]);
    assert_eq!(user.run().code, Some(0));
    assert!(helpers(&user).is_empty());
}

#[test]
fn renew_in_a_section_is_for_programs_too() {
    for (value, host) in [("on", "PGHOST=/"), ("tcp", "PGHOST=127.0.0.1\n")] {
        let user = in_shop(person(), &format!("#entra-psql renew={value}\n"));
        let user = user.args(["--exec", "env"]);
        let ran = user.run();
        assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
        assert!(ran.stdout.contains(host), "{ran:?}");
        assert!(!ran.stdout.contains("eyJ"), "{ran:?}");
        nothing_is_left(&user);
    }
    let user = in_shop(person(), "#entra-psql renew=on\n");
    let ran = user.args(["--entra-verbose", "--exec", "true"]).run();
    let said = "`renew` is `on`, from line 6 of the service file";
    assert_eq!(ran.stderr.matches(said).count(), 1, "{ran:?}");
}
