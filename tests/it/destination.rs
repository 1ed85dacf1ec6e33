//! The token goes to the connection that it was made for: not to those that psql opens later
//! without protection, not where a database's name leads, and not in an old token's place.

use std::ffi::OsString;

use sandbox::{Identity, TokenChanges};
use serde_json::Value;

use crate::recorder::Recorder;
use crate::support::{User, here, is_windows};

const HOST: &str = "mydb.postgres.database.azure.com";
const ALICE: &str = "alice@contoso.example";
const TOKEN: &str = "eyJ";

fn alice() -> User {
    User::signed_in(Identity::Alice).var("PGHOST", HOST)
}

fn issued(changes: &TokenChanges) -> String {
    sandbox::Sandbox::shared().issue(Identity::Alice, changes)
}

/// The libraries of every libpq there is to try: the installed one, and a newer one.
fn libpqs() -> Vec<Option<OsString>> {
    let newer = || {
        let sandbox = sandbox::Sandbox::shared();
        sandbox.newer_libpq().expect("a libpq of PostgreSQL 18")
    };
    if is_windows() {
        vec![None]
    } else {
        vec![None, Some(newer())]
    }
}

/// The variables that psql gets.
fn shows_variables(user: User) -> Vec<String> {
    let shows = user.program("shows", "#!/bin/sh\nexec env\n");
    let ran = user.args(["--psql".as_ref(), shows.as_os_str()]).run();
    assert_eq!(ran.stderr, "");
    ran.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn a_later_connection_elsewhere_is_protected_like_the_first() {
    let service = format!("[s]\nhost={HOST}\nsslmode=require\n");
    let with_service = || {
        alice()
            .file(".pg_service.conf", &service)
            .args(["service=s"])
    };
    for libpq in libpqs() {
        let first: [&dyn Fn() -> User; 4] = [
            &|| alice().args([format!("host={HOST} sslmode=require")]),
            &|| alice().args([format!("host={HOST} sslmode=verify-full")]),
            &|| alice().args([format!("postgresql://{HOST}/postgres?sslmode=require")]),
            &with_service,
        ];
        for user in first {
            for later in [
                "host=127.0.0.1 hostaddr=127.0.0.1 user=x dbname=x port=",
                "postgresql://x@127.0.0.1/x?port=",
            ] {
                let server = Recorder::start(2);
                let later = format!("select current_user;\n\\c \"{later}{}\"\n", server.port());
                let mut user = user().args_in_front(["-XAt"]).stdin(&later);
                if let Some(libraries) = &libpq {
                    user = user.var("LD_LIBRARY_PATH", libraries);
                }
                let ran = user.run();
                assert!(ran.stdout.contains(ALICE), "{ran:?}");
                let said = server.said();
                assert!(!said.is_empty(), "nobody came: {ran:?}");
                assert!(
                    !said.iter().any(|said| said.contains(TOKEN)),
                    "{later}: {said:?}"
                );
            }
        }
    }
}

#[test]
fn the_mode_that_was_chosen_stands_beside_the_token() {
    for (words, mode) in [
        (&[][..], "verify-full"),
        (&["sslmode=require"], "require"),
        (&["postgresql:///?sslmode=verify-ca"], "verify-ca"),
        (&["gssencmode=disable"], "verify-full"),
    ] {
        let variables = shows_variables(alice().args(words));
        for wanted in [
            format!("PGSSLMODE={mode}"),
            "PGGSSENCMODE=disable".to_owned(),
        ] {
            assert!(variables.contains(&wanted), "{words:?}: {variables:?}");
        }
    }
}

#[test]
fn an_older_variable_is_no_choice_of_a_weaker_mode() {
    let variables = shows_variables(alice().var("PGREQUIRESSL", "1"));
    assert!(
        variables.contains(&"PGSSLMODE=verify-full".to_owned()),
        "{variables:?}"
    );
}

#[test]
fn a_database_whose_name_leads_elsewhere_is_refused() {
    let server = Recorder::start(1);
    let name = format!("host=127.0.0.1 port={} sslmode=disable", server.port());
    let encoded = name.replace('=', "%3D").replace(' ', "%20");
    let uri = format!("postgresql://{HOST}/{encoded}");
    let vacuumdb = ["--exec", "vacuumdb", "--analyze-only"];
    for words in [&vacuumdb[..], &["--print-env=sh"]] {
        alice()
            .args([&uri])
            .args(words)
            .run()
            .fails("decision/database_in_uri_leads_elsewhere");
        alice()
            .var("PGDATABASE", &name)
            .args(words)
            .run()
            .fails("decision/database_in_variable_leads_elsewhere");
        alice()
            .args(["-U", "host=evil"])
            .args(words)
            .run()
            .fails("decision/role_leads_elsewhere");
    }
    assert_eq!(server.said(), Vec::<String>::new());
}

#[test]
fn a_token_in_pgpassword_that_is_good_is_used_and_nobody_is_asked() {
    let good = issued(&TokenChanges::none());
    let by_hand = || alice().var("PGPASSWORD", &good);
    by_hand()
        .asks_who()
        .run()
        .is_signed_in(ALICE, "postgres", 0);
    by_hand()
        .args(["--group", "Prod DB Readonly"])
        .asks_who()
        .run()
        .is_signed_in("Prod DB Readonly", "postgres", 0);
    // Also where there is no az, and where the password file knows the host.
    by_hand()
        .without("PATH")
        .args([
            "--psql".as_ref(),
            sandbox::Sandbox::shared()
                .postgres_bin_dir()
                .join("psql")
                .as_os_str(),
        ])
        .file(".pgpass", "*:*:*:*:hunter2\n")
        .asks_who()
        .run()
        .is_signed_in(ALICE, "postgres", 0);
    let variables = shows_variables(by_hand());
    for wanted in [
        "PGSSLMODE=verify-full",
        "PGGSSENCMODE=disable",
        "PGUSER=alice@contoso.example",
    ] {
        assert!(variables.contains(&wanted.to_owned()), "{variables:?}");
    }
}

#[test]
fn what_the_line_asks_for_beats_a_token_in_pgpassword() {
    let good = issued(&TokenChanges::none());
    for words in [
        &["--fresh"][..],
        &["--auth", "azure-cli"],
        &["--tenant", sandbox::directory::TENANT],
    ] {
        let user = alice().var("PGPASSWORD", &good).args(words).asks_who();
        user.run().is_signed_in(ALICE, "postgres", 1);
    }
}

#[test]
fn an_expired_or_foreign_token_in_pgpassword_is_replaced() {
    for changes in [
        TokenChanges::none().expires_in(-60),
        TokenChanges::none().audience("https://ossrdbms-aad.database.usgovcloudapi.net"),
        // Nobody could say who that is.
        TokenChanges::none()
            .claim("upn", Value::Null)
            .claim("unique_name", "x@home.example"),
    ] {
        let user = alice().var("PGPASSWORD", issued(&changes)).asks_who();
        user.run().is_signed_in(ALICE, "postgres", 1);
    }
}

#[test]
fn an_old_token_gives_way_to_the_password_file() {
    let old = issued(&TokenChanges::none().expires_in(-60));
    let user = || {
        alice()
            .var("PGPASSWORD", &old)
            .file(".pgpass", "*:*:*:*:hunter2\n")
    };
    let variables = shows_variables(user());
    assert!(
        !variables
            .iter()
            .any(|variable| variable.contains("PGPASSWORD")),
        "{variables:?}"
    );
    // Other programs get the file's password by libpq, and no token either.
    let with_program = user();
    with_program.program("shows", "#!/bin/sh\nexec env\n");
    let ran = with_program.args(["--exec", "shows"]).run();
    assert!(!ran.stdout.contains(TOKEN), "{ran:?}");
    assert_eq!(ran.az, Vec::<String>::new());
}

#[test]
fn no_entra_in_a_variable_comes_first() {
    for (name, value) in [
        ("ENTRA_PSQL_AUTH", "managed-identity"),
        ("ENTRA_PSQL_GROUP", "Prod DB Readonly"),
        ("ENTRA_PSQL_TIMEOUT", "soon"),
        ("PGHOST", "mydb.postgres.database.azure.com,db.example.com"),
    ] {
        let user = alice()
            .args(["-w"])
            .without("PGHOSTADDR")
            .var("PGPORT", "1")
            .var("ENTRA_PSQL_NO_ENTRA", "1")
            .var(name, value);
        let user = if name == "PGHOST" {
            user
        } else {
            user.var("PGHOSTADDR", "127.0.0.1")
        };
        let (ours, theirs) = (user.run(), user.run_psql());
        assert_eq!(ours, theirs, "{name}");
    }
    // What is asked for on the line beats it, and it takes nothing else along.
    let user = alice()
        .var("ENTRA_PSQL_NO_ENTRA", "1")
        .var("ENTRA_PSQL_GROUP", "Prod DB Readonly")
        .args(["--entra"])
        .asks_who();
    user.run().is_signed_in("Prod DB Readonly", "postgres", 1);
    alice()
        .var("ENTRA_PSQL_NO_ENTRA", "maybe")
        .run()
        .fails("decision/no_entra_neither_on_nor_off");
}

#[test]
fn an_address_in_any_spelling_is_sent_no_token() {
    for (address, case) in [
        ("127.1", "decision/address_of_two_parts"),
        ("2130706433", "decision/address_as_a_number"),
        ("0x7f000001", "decision/address_in_hexadecimal"),
        ("0177.0.0.1", "decision/address_in_octal"),
    ] {
        alice().args(["--entra", "-h", address]).run().fails(case);
        let user = alice()
            .args(["-w", "-h", address, "-p", "1", "-d", "x"])
            .without("PGHOSTADDR")
            .var(
                "ENTRA_PSQL_TRUSTED_HOSTS",
                ".1,127.1,2130706433,0x7f000001,0177.0.0.1",
            );
        let ran = user.run();
        assert_eq!((ran.code, ran.az.len()), (Some(2), 0), "{ran:?}");
        assert!(!ran.stderr.contains("entra-psql"), "{ran:?}");
    }
}

#[test]
fn the_service_file_that_was_read_is_named() {
    let user = alice()
        .file("services", &format!("[s]\nhost={HOST}\n"))
        .args(["service=s"]);
    let directory = user.home.path().join("etc");
    std::fs::create_dir(&directory).expect("a directory");
    let file = directory.join("pg_service.conf");
    std::fs::rename(user.home.path().join("services"), &file).expect("a move");
    let variables = shows_variables(user.var("PGSYSCONFDIR", &directory));
    let wanted = format!("PGSERVICEFILE={}", file.display());
    assert!(variables.contains(&wanted), "{variables:?}");
}

/// What libpq would read is not what we would.
#[test]
fn a_service_file_that_only_psql_can_read_is_psqls() {
    let sandbox = sandbox::Sandbox::shared();
    let service = format!(
        "[s]\nhost={}\nport={}\nuser={}\n",
        here(sandbox.socket_dir(), "127.0.0.1".as_ref()).display(),
        sandbox.tcp_port(),
        sandbox.local_role()
    );
    // A pipe, which can be read once.
    let user = User::nobody()
        .var("PGSERVICEFILE", "/dev/stdin")
        .var("PGPASSWORD", sandbox.local_password())
        .args(["-XAt", "-c", "select current_user", "service=s dbname=app"])
        .stdin(&service);
    let ran = user.run();
    assert_eq!(
        (ran.stdout, ran.stderr),
        (format!("{}\n", sandbox.local_role()), String::new())
    );
    // A path that libpq cuts, so that it finds nothing there.
    let user = alice().file("services", &format!("[s]\nhost={HOST}\n"));
    let long = format!(
        "{}/{}services",
        user.home.path().display(),
        "./".repeat(600)
    );
    let user = user.var("PGSERVICEFILE", long).args(["-w", "service=s"]);
    assert_eq!(user.run(), user.run_psql());
    assert_eq!(user.az_calls(), Vec::<String>::new());
}

#[test]
fn a_wrapper_that_finds_its_option_in_values_is_not_sent_a_token() {
    for words in [&["-c", "--cluster"][..], &["-F", "--cluster=15/evil:1"]] {
        let user = alice();
        user.program("psql", "#!/bin/sh\nexec env\n");
        user.args(words).run().fails("psql/wrapper");
    }
    // The same words are nothing to psql itself.
    let ran = alice()
        .args(["-XAt", "-c", "--cluster", "-c", "select current_user"])
        .run();
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("alice@contoso.example\n", "")
    );
}
