//! Settings for a server in its section of the service file: `#entra-psql KEY=VALUE`.

use sandbox::Identity;
use sandbox::directory::{SUBSCRIPTION, TENANT};

use crate::identities::{in_app_service, with_secret};
use crate::support::User;

pub const HOST: &str = "mydb.postgres.database.azure.com";
pub const ALICE: &str = "alice@contoso.example";
pub const GROUP: &str = "Prod DB Readonly";
pub const BY_GROUP: &str = "group='Prod DB Readonly'";
const RESOURCE: &str = "https://ossrdbms-aad.database.windows.net";
const US_RESOURCE: &str = "https://ossrdbms-aad.database.usgovcloudapi.net";

pub fn person() -> User {
    User::signed_in(Identity::Alice)
}

pub fn alice() -> User {
    person().asks_who()
}

/// Connects to the server by the section `shop`, which ends in `lines`.
pub fn in_shop(user: User, lines: &str) -> User {
    let text = format!("[other]\nhost=localhost\n[shop]\nhost={HOST}\ndbname=app\n{lines}");
    user.file(".pg_service.conf", &text)
        .var("PGSERVICE", "shop")
}

/// Alice connects by the section, which has these settings.
pub fn shop(settings: &str) -> User {
    in_shop(alice(), &format!("#entra-psql {settings}\n"))
}

/// What a run comes to: its exit code and output, and what az and Entra were asked.
fn comes_to(user: &User) -> String {
    let ran = user.run();
    let asked: Vec<_> = user
        .entra
        .token_requests()
        .iter()
        .map(|request| {
            let resource = request.resource().map(str::to_owned);
            (request.host.clone(), request.path.clone(), resource)
        })
        .collect();
    format!("{:?} {} {:?} {asked:?}", ran.code, ran.stdout, ran.az)
}

#[test]
fn each_key_does_what_its_option_does() {
    let orders = Identity::OrdersIdentity.entry().app_id.expect("an id");
    let two_ways: fn() -> User = || alice().var("AZURE_CLIENT_SECRET", "wrong");
    let application: fn() -> User = || with_secret().asks_who();
    let managed: fn() -> User = || in_app_service().asks_who();
    for (user, key, value) in [
        (alice as fn() -> User, "tenant", TENANT),
        (alice, "subscription", SUBSCRIPTION),
        (alice, "group", GROUP),
        (two_ways, "auth", "azure-cli"),
        (managed, "client-id", orders),
        (application, "cloud", "AzureUSGovernment"),
        (application, "resource", US_RESOURCE),
    ] {
        let by_option = in_shop(user(), "").args_in_front([format!("--{key}"), value.to_owned()]);
        let by_section = in_shop(user(), &format!("#entra-psql {key}='{value}'\n"));
        let found = comes_to(&by_section);
        assert_eq!(found, comes_to(&by_option), "{key}");
        assert_ne!(found, comes_to(&in_shop(user(), "")), "{key}");
    }
}

/// The tenant or subscription of which az is asked for the token.
#[track_caller]
fn tenant_of(user: &User) -> String {
    let ran = user.run();
    assert_eq!((ran.stderr.as_str(), ran.az.len()), ("", 1), "{ran:?}");
    let words: Vec<&str> = ran.az[0].split(' ').collect();
    let is_named = |pair: &&[&str]| matches!(pair[0], "--tenant" | "--subscription");
    let named = words.windows(2).find(is_named);
    named.map_or("none", |pair| pair[1]).to_owned()
}

#[test]
fn an_option_beats_the_section_which_beats_the_variable() {
    let (flag, section, variable) = (TENANT, "contoso.example", "contoso.onmicrosoft.com");
    let settings = format!("tenant={section}");
    let with_variable = |user: User| user.var("ENTRA_PSQL_TENANT", variable);
    assert_eq!(tenant_of(&in_shop(alice(), "")), "none");
    assert_eq!(tenant_of(&with_variable(in_shop(alice(), ""))), variable);
    assert_eq!(tenant_of(&with_variable(shop(&settings))), section);
    let user = with_variable(shop(&settings)).args_in_front(["--tenant", flag]);
    assert_eq!(tenant_of(&user), flag);
    // What contradicts a setting from an earlier place is left out.
    let user = with_variable(shop(&format!("subscription={SUBSCRIPTION}")));
    assert_eq!(tenant_of(&user), SUBSCRIPTION);
    let user = shop(&settings).args_in_front(["--subscription", SUBSCRIPTION]);
    assert_eq!(tenant_of(&user), SUBSCRIPTION);
}

#[test]
fn each_key_has_its_place_between_option_and_variable() {
    let application: fn() -> User = || with_secret().args(["--dry-run"]);
    let member: fn() -> User = || person().args(["--dry-run"]);
    let billing = Identity::BillingService.entry().app_id.expect("an id");
    for (user, key, value) in [
        (application, "tenant", TENANT),
        (application, "subscription", SUBSCRIPTION),
        (application, "client-id", billing),
        (application, "auth", "client-secret"),
        (application, "cloud", "AzureCloud"),
        (application, "resource", RESOURCE),
        (application, "renew", "off"),
        (member, "group", GROUP),
    ] {
        let variable = format!("ENTRA_PSQL_{}", key.replace('-', "_").to_ascii_uppercase());
        let option = format!("--{key}={value}");
        let other = if key == "renew" {
            "auth=auto"
        } else {
            "renew=0"
        };
        let is_from = |settings: &str, options: &[&str], source: &str| {
            let lines = format!("#entra-psql {other}\n#entra-psql {settings}\n");
            let user = in_shop(user(), &lines).var(&variable, value);
            let ran = user.args_in_front(options).run();
            let said = format!("\n`{key}` is `{value}`, from {source}");
            assert!(ran.stdout.contains(&said), "{said}: {ran:?}");
        };
        let setting = format!("{key}='{value}'");
        is_from("", &[], &format!("`{variable}`\n"));
        is_from(&setting, &[], "line 7 of the service file `");
        is_from(&setting, &[&option], &format!("`--{key}`\n"));
    }
}

#[test]
fn a_group_beats_every_user_but_one_on_the_command_line() {
    let variables = |user: User| {
        user.var("PGUSER", "carol")
            .var("ENTRA_PSQL_GROUP", "Nobody")
    };
    let section = format!("user=carol\n#entra-psql {BY_GROUP}\n");
    variables(in_shop(alice(), &section))
        .run()
        .is_signed_in(GROUP, "app", 1);
    for words in [["-U", ALICE], ["--username", ALICE]] {
        variables(in_shop(alice(), &section))
            .args_in_front(words)
            .run()
            .is_signed_in(ALICE, "app", 1);
    }
    let user = alice().file(
        ".pg_service.conf",
        &format!("[shop]\nhost={HOST}\n{section}"),
    );
    user.args([format!("service=shop dbname=app user={ALICE}")])
        .run()
        .is_signed_in(ALICE, "app", 1);
    in_shop(alice(), "#entra-psql group=Nobody\n")
        .args_in_front(["--group", GROUP])
        .run()
        .is_signed_in(GROUP, "app", 1);
    // Without a database, a group's is `postgres`.
    let text = format!("[shop]\nhost={HOST}\n#entra-psql {BY_GROUP}\n");
    alice()
        .file(".pg_service.conf", &text)
        .args(["service=shop"])
        .run()
        .is_signed_in(GROUP, "postgres", 1);
}

#[test]
fn lines_are_written_as_service_files_and_connection_strings_are() {
    for lines in [
        r"#entra-psql group=Prod\ DB\ Readonly".to_owned() + "\n",
        format!("  #entra-psql\t{BY_GROUP} \r\n"),
        format!("\x0b#entra-psql   auth=azure-cli   {BY_GROUP}"),
        format!("#entra-psql auth=auto\nport={{port}}\n#entra-psql {BY_GROUP}\n"),
        format!("#entra-psql {BY_GROUP}\n#entra-psql group=Nobody\n"),
        // These are comments.
        format!(
            "# entra-psql group=a\n#entra-psqlx group=b\n#ENTRA-PSQL group=c\n#entra-psql\n#entra-psql {BY_GROUP}\n"
        ),
    ] {
        let user = alice();
        let lines = lines.replace("{port}", &user.sandbox.port().to_string());
        in_shop(user, &lines).run().is_signed_in(GROUP, "app", 1);
    }
    // So are those of other sections, even with the same name.
    let other = format!(
        "[a]\n#entra-psql nonsense\n[shop]\nhost={HOST}\ndbname=app\n[b]\n#entra-psql group=x\n[shop]\n#entra-psql group=y\n"
    );
    alice()
        .file(".pg_service.conf", &format!("#entra-psql group=z\n{other}"))
        .args(["service=shop"])
        .run()
        .is_signed_in(ALICE, "app", 1);
}

#[test]
fn every_service_file_is_read_however_it_is_named() {
    let text = format!("[shop]\nhost={HOST}\ndbname=app\n#entra-psql {BY_GROUP}\n");
    for word in ["service=shop", "postgresql:///?service=shop"] {
        let user = alice().file(".pg_service.conf", &text).args([word]);
        user.run().is_signed_in(GROUP, "app", 1);
    }
    let user = alice().file(".pg_service.conf", &text);
    let user = user.var("PGSERVICE", "shop");
    user.run().is_signed_in(GROUP, "app", 1);
    let user = alice().file("services", &text);
    let file = user.home.path().join("services");
    let user = user.var("PGSERVICEFILE", file).args(["service=shop"]);
    user.run().is_signed_in(GROUP, "app", 1);
    let user = alice().file("pg_service.conf", &text);
    let directory = user.home.path().to_owned();
    let user = user.var("PGSYSCONFDIR", directory).args(["service=shop"]);
    user.run().is_signed_in(GROUP, "app", 1);
    // As in libpq, your own file's section hides the system's.
    let user = user.file(
        ".pg_service.conf",
        &text.replace(BY_GROUP, "auth=azure-cli"),
    );
    user.run().is_signed_in(ALICE, "app", 1);
}

#[test]
fn a_mistake_is_an_error_with_its_line() {
    for (settings, case) in [
        ("tennant=contoso.example", "profiles/key_misspelled"),
        ("host=x", "profiles/key_unknown"),
        ("entra=1", "profiles/key_that_vouches"),
        ("tenant", "profiles/no_value"),
        ("tenant =a", "profiles/space_before_equals"),
        ("tenant= auth=auto", "profiles/value_empty"),
        ("group='Prod DB Readonly", "profiles/quote_open"),
        ("group='Prod DB'Readonly", "profiles/quote_within"),
        ("group=Prod DB Readonly", "profiles/spaces_without_quotes"),
        ("tenant='a b'", "profiles/tenant_malformed"),
        ("subscription='a;b'", "profiles/subscription_malformed"),
        ("client-id=a/b", "profiles/client_id_malformed"),
        ("auth=azurecli", "profiles/auth_unknown"),
        ("cloud=No/where", "profiles/cloud_malformed"),
        ("resource=http://x", "profiles/resource_malformed"),
        (
            "resource=https://vault.azure.net",
            "profiles/resource_of_something_else",
        ),
        ("renew=perhaps", "profiles/renew_unknown"),
        ("group='a\x1b[31m'", "profiles/group_with_control_character"),
        (
            "tenant=a\n#entra-psql subscription=b",
            "profiles/tenant_and_subscription",
        ),
    ] {
        let user = shop(settings);
        let ran = user.run();
        assert_eq!((ran.code, ran.az.len()), (Some(1), 0), "{case}: {ran:?}");
        ran.fails(case);
    }
}

#[test]
fn a_value_that_is_not_text_is_a_role_only() {
    let text = |settings: &[u8]| {
        let section = format!("[shop]\nhost={HOST}\n#entra-psql ");
        [section.as_bytes(), settings, b"\n"].concat()
    };
    let user = person().args(["service=shop"]);
    let user = user.binary_file(".pg_service.conf", &text(b"tenant=\xff"));
    user.run().fails("profiles/value_that_is_not_text");
    let shows = user.program("shows", "#!/bin/sh\nprintf %s \"$PGUSER\"\n");
    let user = user
        .binary_file(".pg_service.conf", &text(b"group='a \xff'"))
        .args(["--psql".as_ref(), shows.as_os_str()]);
    let output = user.command().output().expect("a run");
    assert_eq!(output.stdout, b"a \xff");
}
