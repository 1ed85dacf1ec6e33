//! Azure's clouds: the server's name says which Entra is asked, and for what; and az is asked where
//! it does not.

use std::process::Stdio;

use sandbox::Identity;
use sandbox::clouds::{CLOUDS, COSMOS_RESOURCE, COSMOS_SERVERS, PUBLIC};

use crate::identities::{application, nobody, secret, with_secret};
use crate::support::User;

const BILLING: &str = "billing service";
const ALICE: &str = "alice@contoso.example";
const CHINA: &str = "mydb.postgres.database.chinacloudapi.cn";

fn alice() -> User {
    User::signed_in(Identity::Alice).asks_who()
}

/// Runs the real az as this user, whose words are not counted.
#[track_caller]
fn az(user: &User, words: &[&str]) {
    let az = user.sandbox.az_dir().join("az");
    let output = user
        .tool(az)
        .args(words)
        .stdin(Stdio::null())
        .output()
        .expect("az starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {said}");
}

#[test]
fn the_server_says_which_entra_is_asked_and_for_what() {
    for cloud in &CLOUDS {
        let user = with_secret().var("PGHOST", cloud.server).asks_who();
        user.run().is_signed_in(BILLING, "postgres", 0);
        let asked = user.entra.token_requests();
        assert_eq!(asked.len(), 1, "{}", cloud.server);
        assert_eq!(asked[0].host, cloud.login);
        assert_eq!(asked[0].resource(), Some(cloud.resource));
    }
}

#[test]
fn cosmos_db_wants_tokens_of_its_own() {
    for server in COSMOS_SERVERS {
        for (user, role, calls) in [(with_secret().asks_who(), BILLING, 0), (alice(), ALICE, 1)] {
            let user = user.var("PGHOST", server);
            user.run().is_signed_in(role, "postgres", calls);
            assert_eq!(
                user.entra.token_requests()[0].resource(),
                Some(COSMOS_RESOURCE)
            );
        }
    }
}

#[test]
fn az_signs_in_to_the_cloud_that_it_is_in() {
    for cloud in &CLOUDS[1..] {
        let Some(name) = cloud.name else { continue };
        let user = alice().var("PGHOST", cloud.server);
        az(&user, &["cloud", "set", "--name", name]);
        az(&user, &["login", "--use-device-code", "--output", "none"]);
        user.entra.forget_requests();
        user.run().is_signed_in(ALICE, "postgres", 1);
        let asked = &user.entra.token_requests()[0];
        assert_eq!(
            (asked.host.as_str(), asked.resource()),
            (cloud.login, Some(cloud.resource))
        );
    }
}

#[test]
fn a_cloud_that_az_is_not_in_is_said() {
    for (cloud, case) in
        CLOUDS[1..]
            .iter()
            .zip(["clouds/us_government", "clouds/china", "clouds/bleu"])
    {
        alice().var("PGHOST", cloud.server).run().fails(case);
    }
    // az's own variable beats what it was set to, and nobody is signed in there.
    alice()
        .var("PGHOST", PUBLIC.server)
        .var("AZURE_CLOUD_NAME", "AzureChinaCloud")
        .run()
        .fails("clouds/variable_of_az");
}

#[test]
fn az_says_what_a_cloud_of_its_own_wants() {
    let user = alice().var("PGHOST", CHINA).args(["--cloud", "Sovereign"]);
    let registered = r#"{"endpoints": {
        "activeDirectory": "https://login.chinacloudapi.cn",
        "activeDirectoryResourceId": "https://management.core.chinacloudapi.cn/",
        "resourceManager": "https://management.chinacloudapi.cn",
        "microsoftGraphResourceId": "https://microsoftgraph.chinacloudapi.cn",
        "ossrdbmsResourceId": "https://ossrdbms-aad.database.chinacloudapi.cn"}}"#;
    let register = [
        "cloud",
        "register",
        "--skip-endpoint-discovery",
        "--name",
        "Sovereign",
    ];
    az(
        &user,
        &[&register[..], &["--cloud-config", registered]].concat(),
    );
    user.run().fails("clouds/own_cloud");
    az(&user, &["cloud", "set", "--name", "Sovereign"]);
    az(&user, &["login", "--use-device-code", "--output", "none"]);
    let before = user.az_calls().len();
    // One call for the cloud, one for the token; and none once that is remembered.
    for _ in 0..2 {
        user.run().is_signed_in(ALICE, "postgres", before + 2);
    }
    assert!(user.az_calls()[before].starts_with("cloud show --name Sovereign"));
}

#[test]
fn a_cloud_that_nobody_knows() {
    alice()
        .var("PGHOST", PUBLIC.server)
        .args(["--cloud", "Nowhere"])
        .run()
        .fails("clouds/unknown_to_az");
    let user = application(nobody())
        .var("AZURE_CLIENT_SECRET", secret())
        .args(["--cloud", "Nowhere"]);
    user.run().fails("clouds/unknown_here");
}

#[test]
fn any_cloud_by_its_resource_and_its_entra() {
    let user = with_secret()
        .var("PGHOST", "db.example")
        .var("ENTRA_PSQL_TRUSTED_HOSTS", ".example")
        .var("AZURE_AUTHORITY_HOST", "https://login.chinacloudapi.cn")
        .args([
            "--resource",
            "https://ossrdbms-aad.database.chinacloudapi.cn",
        ])
        .args(["--dry-run"]);
    let ran = user.run();
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let asked = &user.entra.token_requests()[0];
    assert_eq!(asked.host, "login.chinacloudapi.cn");
    assert_eq!(
        asked.resource(),
        Some("https://ossrdbms-aad.database.chinacloudapi.cn")
    );
}
