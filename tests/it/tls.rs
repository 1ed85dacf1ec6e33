//! A token leaves only inside TLS to a host that proved its name.

use sandbox::{Identity, Manner, Sandbox};

use crate::support::User;

const HOST: &str = "mydb.postgres.database.azure.com";

fn alice() -> User {
    User::signed_in(Identity::Alice).var("PGHOST", HOST)
}

#[test]
fn modes_that_allow_plain_text_are_refused() {
    for (mode, in_variable, in_string, in_service) in [
        (
            "disable",
            "decision/sslmode_disable",
            "decision/sslmode_disable_in_string",
            "decision/sslmode_disable_in_service",
        ),
        (
            "allow",
            "decision/sslmode_allow",
            "decision/sslmode_allow_in_string",
            "decision/sslmode_allow_in_service",
        ),
        (
            "prefer",
            "decision/sslmode_prefer",
            "decision/sslmode_prefer_in_string",
            "decision/sslmode_prefer_in_service",
        ),
    ] {
        let service = format!("[s]\nsslmode={mode}\n");
        let ways = [
            (alice().var("PGSSLMODE", mode), in_variable),
            (alice().args([format!("sslmode={mode}")]), in_string),
            (
                alice().args([format!("postgres:///?sslmode={mode}")]),
                in_string,
            ),
            (
                alice()
                    .file(".pg_service.conf", &service)
                    .var("PGSERVICE", "s"),
                in_service,
            ),
        ];
        for (user, case) in ways {
            let ran = user.run();
            ran.fails(case);
            assert_eq!(ran.az, Vec::<String>::new());
        }
    }
}

#[test]
fn modes_that_force_tls_are_kept() {
    for mode in ["require", "verify-ca", "verify-full"] {
        alice()
            .var("PGSSLMODE", mode)
            .asks_who()
            .run()
            .is_signed_in("alice@contoso.example", "postgres", 1);
    }
}

/// What the servers that are not what they seem got to see: nobody got as far as naming a role.
#[track_caller]
fn is_kept_from(manner: Manner, user: User, complaint: &str) {
    let server = Sandbox::shared().new_gateway(manner).expect("a server");
    let ran = user
        .var("PGPORT", server.port().to_string())
        .asks_who()
        .run();
    assert!(ran.stderr.contains(complaint), "{}", ran.stderr);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert_eq!(server.sessions(), []);
}

#[test]
fn a_server_that_does_not_prove_its_name_gets_nothing() {
    is_kept_from(Manner::WrongName, alice(), "does not match host name");
    is_kept_from(
        Manner::UnknownAuthority,
        alice(),
        "certificate verify failed",
    );
    is_kept_from(
        Manner::Unencrypted,
        alice(),
        "server does not support SSL, but SSL was required",
    );
    is_kept_from(
        Manner::Unencrypted,
        alice().var("PGSSLMODE", "require"),
        "server does not support SSL, but SSL was required",
    );
}

#[test]
fn the_systems_roots_are_used_where_there_are_no_others() {
    let ca = Sandbox::shared().ca_file();
    // The person's own, where libpq finds it by itself.
    let user = alice().without("PGSSLROOTCERT");
    std::fs::create_dir(user.home.path().join(".postgresql")).expect("a directory");
    std::fs::copy(ca, user.home.path().join(".postgresql/root.crt")).expect("a root file");
    user.asks_who()
        .run()
        .is_signed_in("alice@contoso.example", "postgres", 1);
    // The system's, as `SSL_CERT_FILE` names them.
    alice()
        .without("PGSSLROOTCERT")
        .var("SSL_CERT_FILE", ca)
        .asks_who()
        .run()
        .is_signed_in("alice@contoso.example", "postgres", 1);
    // The system's own do not know the sandbox.
    is_kept_from(
        Manner::Genuine,
        alice().without("PGSSLROOTCERT"),
        "certificate verify failed",
    );
}

#[test]
fn gssapi_does_not_take_the_place_of_tls() {
    let ran = alice().asks_who().args(["--dry-run"]).run();
    ran.matches("dry_run/gss_is_off");
    let prefers = alice()
        .var("PGGSSENCMODE", "prefer")
        .asks_who()
        .args(["--dry-run"])
        .run();
    prefers.matches("dry_run/gss_is_off");
    alice()
        .var("PGGSSENCMODE", "require")
        .run()
        .fails("decision/gss_required");
    alice()
        .args(["gssencmode=prefer"])
        .run()
        .fails("decision/gss_preferred");
}
