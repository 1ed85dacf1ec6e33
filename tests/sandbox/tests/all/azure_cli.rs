//! The real Azure CLI, signed in to the sandbox.

use std::time::Instant;

use sandbox::{
    Identity, clouds,
    directory::{
        AUDITORS, AWKWARD, DATABASE_ADMINISTRATORS, PROD_DB_READONLY, SUBSCRIPTION, TENANT,
    },
};
use serde_json::Value;

use crate::support::{answer, az, az_token, complaint, psql, sandbox};

#[test]
fn every_identity_gets_a_token_that_the_server_takes() {
    let sandbox = sandbox();
    for identity in Identity::ALL {
        let entra = sandbox.new_entra().unwrap();
        let start = Instant::now();
        let reply: Value = serde_json::from_str(&answer(&mut az_token(&entra, identity))).unwrap();
        println!("{identity:?}: {:?}", start.elapsed());
        assert_eq!(reply["tokenType"], "Bearer");
        assert_eq!(reply["tenant"], TENANT);
        assert_eq!(reply["subscription"], SUBSCRIPTION);

        // There was one token request. Once a day the CLI also asks for the endpoints.
        let (requests, others): (Vec<_>, Vec<_>) = entra
            .requests()
            .into_iter()
            .partition(sandbox::entra::Request::is_token_request);
        let [request] = requests.as_slice() else {
            panic!("{identity:?}: {requests:#?}")
        };
        assert!(
            others
                .iter()
                .all(|other| other.path.ends_with("/openid-configuration")),
            "{identity:?}: {others:#?}"
        );
        assert_eq!(request.resource(), Some(clouds::PUBLIC.resource));
        let grant = match identity {
            Identity::Alice | Identity::Carol | Identity::Bob => Some("refresh_token"),
            Identity::BillingService => Some("client_credentials"),
            Identity::OrdersIdentity | Identity::BuildVm | Identity::ShopStaging => None,
        };
        assert_eq!(request.grant_type(), grant);

        if identity != Identity::Carol {
            let token = reply["accessToken"].as_str().unwrap();
            assert_eq!(
                answer(psql(identity.name(), token).args(["-c", "SELECT current_user"])),
                identity.name()
            );
        }
    }
}

#[test]
fn a_token_is_kept_by_the_cli_itself() {
    let entra = sandbox().new_entra().unwrap();
    let mut command = az_token(&entra, Identity::Alice);
    command.args(["--query", "accessToken"]);
    let first = answer(&mut command);
    assert_eq!(answer(&mut command), first);
    assert_eq!(entra.token_requests().len(), 1);
}

#[test]
fn users_are_in_their_groups() {
    let entra = sandbox().new_entra().unwrap();
    for (identity, expected) in [
        (
            Identity::Alice,
            &[PROD_DB_READONLY, AWKWARD, DATABASE_ADMINISTRATORS][..],
        ),
        (Identity::Bob, &[AUDITORS]),
        (Identity::Carol, &[]),
    ] {
        let words = ["ad", "user", "get-member-groups", "--id", identity.oid()];
        let groups = answer(az(&entra, identity).args(words).args(["--output", "json"]));
        let groups: Value = serde_json::from_str(&groups).unwrap();
        let expected: Vec<_> = expected
            .iter()
            .map(|group| serde_json::json!({"id": group.oid, "displayName": group.name}))
            .collect();
        assert_eq!(groups, Value::from(expected), "{identity:?}");
    }
}

#[test]
fn accounts_are_what_they_are() {
    let entra = sandbox().new_entra().unwrap();
    let user = |identity: Identity| -> Value {
        let account = answer(az(&entra, identity).args(["account", "show", "--output", "json"]));
        serde_json::from_str::<Value>(&account).unwrap()["user"].take()
    };
    assert_eq!(
        user(Identity::Alice),
        serde_json::json!({"name": "alice@contoso.example", "type": "user"})
    );
    assert_eq!(
        user(Identity::Bob),
        serde_json::json!({"name": "bob@fabrikam.example", "type": "user"})
    );
    assert_eq!(
        user(Identity::BillingService)["name"],
        "b1111a99-93cd-4f0e-bb5a-1f2e3d4c0204"
    );
    assert_eq!(
        user(Identity::OrdersIdentity)["name"],
        "userAssignedIdentity"
    );
    assert_eq!(user(Identity::BuildVm)["name"], "systemAssignedIdentity");
    assert_eq!(entra.requests().len(), 0);
}

#[test]
fn graph_knows_the_names_that_tokens_do_not_tell() {
    let entra = sandbox().new_entra().unwrap();
    let query = |identity: Identity, words: &[&str], key: &str| {
        answer(
            az(&entra, identity)
                .arg("ad")
                .args(words)
                .args(["--query", key, "--output", "tsv"]),
        )
    };
    assert_eq!(
        query(
            Identity::Bob,
            &["signed-in-user", "show"],
            "userPrincipalName"
        ),
        Identity::Bob.name()
    );
    let app_id = Identity::BillingService.entry().app_id.unwrap();
    assert_eq!(
        query(
            Identity::BillingService,
            &["sp", "show", "--id", app_id],
            "displayName"
        ),
        "billing service"
    );
}

#[test]
fn what_is_not_played_is_refused() {
    let entra = sandbox().new_entra().unwrap();
    let output = az(&entra, Identity::Alice)
        .args([
            "rest",
            "--method",
            "get",
            "--skip-authorization-header",
            "--url",
            "https://example.com/",
        ])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let requests = entra.requests();
    assert!(
        requests
            .iter()
            .any(|request| request.host == "example.com" && request.is_refused_connection())
    );
}

#[test]
fn a_virtual_machine_has_an_endpoint_too() {
    let entra = sandbox().new_entra().unwrap();
    // This is a machine without the variables of App Service, which asks through the proxy.
    let mut command = az_token(&entra, Identity::BuildVm);
    command
        .env_remove("IDENTITY_ENDPOINT")
        .env_remove("IDENTITY_HEADER")
        .env("HTTP_PROXY", entra.proxy());
    let token = answer(command.args(["--query", "accessToken", "--output", "tsv"]));
    assert_eq!(
        entra.token_requests()[0].path,
        "/metadata/identity/oauth2/token"
    );
    assert_eq!(
        answer(psql("build-vm", &token).args(["-c", "SELECT current_user"])),
        "build-vm"
    );
}

#[test]
fn an_application_may_show_a_token_of_another_issuer() {
    let entra = sandbox().new_entra().unwrap();
    let app_id = Identity::BillingService.entry().app_id.unwrap();
    let sign_in = |assertion: &str| {
        let mut command = az(&entra, Identity::Carol);
        command.args([
            "login",
            "--service-principal",
            "--tenant",
            TENANT,
            "--username",
            app_id,
        ]);
        command.args([
            "--federated-token",
            assertion,
            "--query",
            "[].user.name",
            "--output",
            "tsv",
        ]);
        command
    };
    let rest = |env: &[(String, String)], url: &str, method: &str, key: &str| {
        let bearer = env
            .iter()
            .find(|(name, _)| name.ends_with("TOKEN"))
            .unwrap()
            .1
            .clone();
        let mut command = az(&entra, Identity::Carol);
        command.args([
            "rest",
            "--skip-authorization-header",
            "--method",
            method,
            "--url",
            url,
        ]);
        command.args([
            "--headers",
            &format!("Authorization=Bearer {bearer}"),
            "--query",
            key,
            "--output",
            "tsv",
        ]);
        answer(&mut command)
    };
    let github = entra.github_actions_env();
    let pipelines = entra.azure_pipelines_env();
    for assertion in [
        entra.federated_token(),
        rest(
            &github,
            &format!("{}&audience=api://AzureADTokenExchange", github[0].1),
            "get",
            "value",
        ),
        rest(&pipelines, &pipelines[0].1, "post", "oidcToken"),
    ] {
        assert_eq!(answer(&mut sign_in(&assertion)), app_id);
    }
    let elsewhere = rest(
        &github,
        &format!("{}&audience=elsewhere", github[0].1),
        "get",
        "value",
    );
    let refused = complaint(&mut sign_in(&elsewhere), 1);
    assert!(refused.contains("AADSTS700212"), "{refused}");
}
