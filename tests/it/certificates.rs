//! An application proves itself with a certificate, in whatever form its file is, and hears what is
//! wrong with it.

use std::fs;

use sandbox::directory::TENANT;
use sandbox::{ClientCertificate, Encryption, KeyKind, Sandbox};

use crate::identities::{registered, with_certificate};
use crate::support::User;

const BILLING: &str = "billing service";
const PASSWORD: &str = "AZURE_CLIENT_CERTIFICATE_PASSWORD";

fn of(kind: KeyKind) -> &'static ClientCertificate {
    Sandbox::shared().client_certificate(kind)
}

fn asked(name: &str, contents: impl AsRef<[u8]>) -> User {
    with_certificate(name, contents).args(["--auth", "client-certificate"])
}

#[track_caller]
fn signs_in(user: User) {
    user.asks_who().run().is_signed_in(BILLING, "postgres", 0);
}

#[test]
fn every_sort_of_key_signs_in_from_either_sort_of_file() {
    for kind in [KeyKind::Rsa, KeyKind::P256, KeyKind::P384] {
        let certificate = of(kind);
        signs_in(asked("app.pem", registered(kind)));
        // The key may come first, and remarks in between.
        let key = certificate.traditional_key_pem();
        let pem = format!(
            "friendlyName: billing\n{key}\nsubject=CN = billing service\n{}",
            certificate.certificates_pem()
        );
        signs_in(asked("app.pem", pem));
        let pfx = certificate.pfx("Pa ss", Encryption::Aes);
        signs_in(asked("app.pfx", pfx).var(PASSWORD, "Pa ss"));
    }
}

#[test]
fn old_and_new_encryption() {
    let certificate = of(KeyKind::Rsa);
    for encryption in [Encryption::TripleDes, Encryption::Rc2] {
        let pfx = certificate.pfx("secret", encryption);
        signs_in(asked("app.pfx", pfx).var(PASSWORD, "secret"));
    }
    signs_in(asked("app.pfx", certificate.pfx("", Encryption::Aes)));
    let pem = certificate.certificates_pem() + &certificate.encrypted_key_pem("secret");
    signs_in(asked("app.pem", pem).var(PASSWORD, "secret"));
}

#[test]
fn the_certificate_and_its_chain_are_in_the_assertion() {
    let user = asked("app.pem", registered(KeyKind::Rsa)).asks_who();
    user.run().is_signed_in(BILLING, "postgres", 0);
    let asked = &user.entra.token_requests()[0];
    let assertion = asked.parameter("client_assertion").expect("an assertion");
    let part = |at: usize| {
        use base64::Engine as _;
        let part = assertion.split('.').nth(at).expect("a part");
        let decoder = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let json = decoder.decode(part).expect("base64url");
        serde_json::from_slice::<serde_json::Value>(&json).expect("JSON")
    };
    let header = part(0);
    assert_eq!(
        (&header["alg"], &header["typ"]),
        (&"PS256".into(), &"JWT".into())
    );
    assert_eq!(header["x5c"].as_array().map(Vec::len), Some(2));
    let claims = part(1);
    assert_eq!(
        claims["aud"],
        format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token")
    );
    let life = claims["exp"].as_i64().unwrap() - claims["nbf"].as_i64().unwrap();
    assert_eq!(life, 600);
}

#[test]
fn another_authority_is_another_audience() {
    for authority in [
        "https://login.microsoftonline.us",
        "https://login.microsoftonline.us/",
    ] {
        let user = asked("app.pem", registered(KeyKind::P256))
            .var("PGHOST", "mydb.postgres.database.usgovcloudapi.net")
            .var("AZURE_AUTHORITY_HOST", authority);
        signs_in(user);
    }
}

#[test]
fn a_changed_file_makes_the_token_forgotten() {
    let user = asked("app.pem", registered(KeyKind::P256)).asks_who();
    for count in [1, 1] {
        user.run().is_signed_in(BILLING, "postgres", 0);
        assert_eq!(user.entra.token_requests().len(), count);
    }
    let file = user.home.path().join("app.pem");
    fs::write(file, registered(KeyKind::P384)).expect("a file");
    user.run().is_signed_in(BILLING, "postgres", 0);
    assert_eq!(user.entra.token_requests().len(), 2);
}

#[test]
fn what_is_wrong_with_the_file_is_said_and_nobody_asked() {
    let certificate = of(KeyKind::P256);
    let (certificates, key) = (certificate.certificates_pem(), certificate.key_pem());
    let encrypted = format!("{certificates}{}", certificate.encrypted_key_pem("secret"));
    let pfx = certificate.pfx("secret", Encryption::Aes);
    let old = format!(
        "{certificates}-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"
    );
    let strangers = format!("{certificates}{}", of(KeyKind::P384).key_pem());
    let another = Sandbox::shared()
        .new_client_certificate(KeyKind::P256, (-1, 1))
        .expect("a certificate");
    let others = format!("{certificates}{}", another.key_pem());
    for (user, case) in [
        (asked("app.pem", "hello"), "certificates/neither_form"),
        (
            asked("app.der", certificate.der()),
            "certificates/neither_form_in_der",
        ),
        (asked("app.pem", &certificates), "certificates/no_key"),
        (asked("app.pem", &key), "certificates/no_certificate"),
        (asked("app.pem", strangers), "certificates/key_of_another"),
        (asked("app.pem", others), "certificates/key_of_another"),
        (
            asked("app.pem", &encrypted),
            "certificates/pem_with_password",
        ),
        (
            asked("app.pem", &encrypted).var(PASSWORD, "x"),
            "certificates/pem_with_wrong_password",
        ),
        (asked("app.pfx", &pfx), "certificates/pfx_with_password"),
        (
            asked("app.pfx", &pfx).var(PASSWORD, "x"),
            "certificates/pfx_with_wrong_password",
        ),
        (asked("app.pem", old), "certificates/old_form_of_openssl"),
        (
            asked("app.pem", "").var("AZURE_CLIENT_CERTIFICATE_PATH", "/nowhere/app.pem"),
            "certificates/missing",
        ),
        (
            asked("app.pem", "").var("AZURE_CLIENT_CERTIFICATE_PATH", "/"),
            "certificates/unreadable",
        ),
        (
            asked("app.pem", "").without("AZURE_CLIENT_CERTIFICATE_PATH"),
            "certificates/not_set",
        ),
    ] {
        user.run().fails(case);
        assert_eq!(user.entra.requests().len(), 0);
    }
}

#[test]
fn a_certificate_out_of_its_time_is_said_before_entra_is_asked() {
    for (days, case) in [
        ((-30, -2), "certificates/expired"),
        ((2, 30), "certificates/not_yet_valid"),
    ] {
        let certificate = Sandbox::shared()
            .new_client_certificate(KeyKind::P256, days)
            .expect("a certificate");
        let user = asked(
            "app.pem",
            certificate.certificates_pem() + &certificate.key_pem(),
        );
        user.run().fails(case);
        assert_eq!(user.entra.requests().len(), 0);
    }
}

#[test]
fn one_that_entra_does_not_know() {
    let certificate = Sandbox::shared()
        .new_client_certificate(KeyKind::P256, (-1, 30))
        .expect("a certificate");
    let user = asked(
        "app.pem",
        certificate.certificates_pem() + &certificate.key_pem(),
    );
    user.run().fails("certificates/unknown_to_entra");
    assert_eq!(user.entra.token_requests().len(), 1);
}
