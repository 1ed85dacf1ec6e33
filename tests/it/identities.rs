//! Applications and managed identities sign in by themselves, without az, over HTTPS to the
//! sandbox's Entra.

use std::time::Duration;

use sandbox::directory::TENANT;
use sandbox::{Behaviour, Fault, Identity, KeyKind, Refusal, Sandbox, TokenChanges};

use crate::process::{CLOSE_STRAYS, lines_about};
use crate::support::{PROGRAM, User, text, tool};

const HOST: &str = "mydb.postgres.database.azure.com";
const BILLING: &str = "billing service";

/// An environment from which the server and Entra can be reached, and in which nobody is signed in
/// to az.
pub fn nobody() -> User {
    let user = User::nobody();
    let (proxy, port) = (user.entra.proxy(), user.sandbox.port().to_string());
    let roots = user.sandbox.ca_file();
    user.var("HTTPS_PROXY", proxy)
        .var("SSL_CERT_FILE", roots)
        .var("PGHOST", HOST)
        .var("PGHOSTADDR", "127.0.0.1")
        .var("PGPORT", port)
        .var("PGSSLROOTCERT", roots)
}

fn with(user: User, variables: Vec<(String, String)>) -> User {
    variables
        .into_iter()
        .fold(user, |user, (name, value)| user.var(&name, value))
}

pub fn application(user: User) -> User {
    let billing = Identity::BillingService.entry();
    user.var("AZURE_TENANT_ID", TENANT)
        .var("AZURE_CLIENT_ID", billing.app_id.expect("a client id"))
        .args(["-U", BILLING, "-d", "postgres"])
}

pub fn secret() -> &'static str {
    Identity::BillingService.entry().secret.expect("a secret")
}

pub fn with_secret() -> User {
    application(nobody()).var("AZURE_CLIENT_SECRET", secret())
}

/// An application with a certificate in a file of this name.
pub fn with_certificate(name: &str, contents: impl AsRef<[u8]>) -> User {
    let user = application(nobody());
    let file = user.home.path().join(name);
    user.binary_file(name, contents.as_ref())
        .var("AZURE_CLIENT_CERTIFICATE_PATH", file)
}

/// The registered certificate of a sort and its key, in PEM.
pub fn registered(kind: KeyKind) -> String {
    let certificate = Sandbox::shared().client_certificate(kind);
    certificate.certificates_pem() + &certificate.key_pem()
}

pub fn with_token_file() -> User {
    let user = application(nobody());
    let token = user.entra.federated_token();
    let file = user.home.path().join("federated");
    user.file("federated", &token)
        .var("AZURE_FEDERATED_TOKEN_FILE", file)
}

pub fn in_pipelines() -> User {
    let user = nobody().args(["-U", BILLING, "-d", "postgres"]);
    let variables = user.entra.azure_pipelines_env();
    with(user, variables)
}

pub fn in_actions() -> User {
    let user = application(nobody());
    let variables = user.entra.github_actions_env();
    with(user, variables)
}

pub fn in_app_service() -> User {
    let user = nobody();
    let variables = user.entra.managed_identity_env();
    with(user, variables)
}

/// A machine with the identity endpoint of a virtual machine.
pub fn on_a_virtual_machine() -> User {
    let user = nobody();
    let endpoint = user.entra.proxy();
    user.var("AZURE_POD_IDENTITY_AUTHORITY_HOST", endpoint)
}

fn client_id_of_orders() -> &'static str {
    Identity::OrdersIdentity
        .entry()
        .app_id
        .expect("a client id")
}

pub fn ready(changes: &TokenChanges) -> (User, String) {
    let token = Sandbox::shared().issue(Identity::Alice, changes);
    let user = nobody()
        .var("ENTRA_PSQL_TOKEN", &token)
        .args(["--auth", "env"]);
    (user, token)
}

#[test]
fn every_method_ends_in_a_session_without_az() {
    for (user, method) in [
        (with_secret(), "client-secret"),
        (
            with_certificate("app.pem", registered(KeyKind::Rsa)),
            "client-certificate",
        ),
        (with_token_file(), "workload-identity"),
        (in_pipelines(), "azure-pipelines"),
        (in_actions(), "github-actions"),
    ] {
        let user = user.args(["--auth", method]).asks_who();
        user.run().is_signed_in(BILLING, "postgres", 0);
        assert_eq!(user.entra.token_requests().len(), 1, "{method}");
    }
    let (user, _) = ready(&TokenChanges::none());
    user.asks_who()
        .run()
        .is_signed_in("alice@contoso.example", "postgres", 0);
}

#[test]
fn a_managed_identity_is_named_by_its_resource() {
    for user in [in_app_service, on_a_virtual_machine] {
        let user = || user().args(["--auth", "managed-identity"]).asks_who();
        user().run().is_signed_in("build-vm", "postgres", 0);
        user()
            .args(["--client-id", client_id_of_orders()])
            .run()
            .is_signed_in("orders-identity", "postgres", 0);
        user()
            .var("AZURE_CLIENT_ID", client_id_of_orders())
            .run()
            .is_signed_in("orders-identity", "postgres", 0);
    }
}

#[test]
fn the_token_is_remembered_for_the_same_identity_alone() {
    let user = in_app_service().asks_who();
    user.run().is_signed_in("build-vm", "postgres", 0);
    user.run().is_signed_in("build-vm", "postgres", 0);
    assert_eq!(user.entra.token_requests().len(), 1);
    let user = user.args(["--client-id", client_id_of_orders()]);
    user.run().is_signed_in("orders-identity", "postgres", 0);
    assert_eq!(user.entra.token_requests().len(), 2);
}

#[test]
fn a_changed_secret_makes_the_token_forgotten() {
    let user = with_secret().asks_who();
    user.run().is_signed_in(BILLING, "postgres", 0);
    user.run().is_signed_in(BILLING, "postgres", 0);
    assert_eq!(user.entra.token_requests().len(), 1);
    let user = user.var("AZURE_CLIENT_SECRET", "another");
    user.run().fails("identities/secret_wrong");
    assert_eq!(user.entra.token_requests().len(), 2);
}

#[test]
fn the_cloud_says_which_entra_is_asked() {
    for (cloud, authority) in [
        ("AzureCloud", "login.microsoftonline.com"),
        ("AzureUSGovernment", "login.microsoftonline.us"),
        ("AzureChinaCloud", "login.chinacloudapi.cn"),
        ("AzureGermanCloud", "login.microsoftonline.de"),
        ("AzureBleuCloud", "login.sovcloud-identity.fr"),
    ] {
        let user = with_secret().args(["-h", "db.example", "--entra", "--cloud", cloud]);
        let user = user.args(["--dry-run"]);
        user.run();
        // Some of them the sandbox does not play, and refuses the connection.
        assert_eq!(user.entra.requests()[0].host, authority, "{cloud}");
    }
}

#[test]
fn many_at_once_make_one_request() {
    let user = in_app_service().asks_who();
    user.entra
        .behave(Behaviour::slow(Duration::from_millis(300)));
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..6).map(|_| scope.spawn(|| user.run())).collect();
        for run in runs {
            run.join()
                .expect("a run")
                .is_signed_in("build-vm", "postgres", 0);
        }
    });
    assert_eq!(user.entra.token_requests().len(), 1);
}

#[test]
fn a_flag_beats_the_variable_and_the_authority_can_be_another() {
    let user = with_secret()
        .var("AZURE_TENANT_ID", "wrong.example")
        .var("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/")
        .args(["--tenant", TENANT, "--dry-run"])
        .args([
            "--resource",
            "https://ossrdbms-aad.database.usgovcloudapi.net",
        ]);
    let ran = user.run();
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let asked = &user.entra.token_requests()[0];
    assert_eq!(asked.host, "login.microsoftonline.us");
    assert_eq!(asked.path, format!("/{TENANT}/oauth2/v2.0/token"));
}

#[test]
fn no_proxy_sees_the_identity_endpoint() {
    let proxy = Sandbox::shared().new_entra().expect("an Entra");
    for user in [in_app_service(), on_a_virtual_machine()] {
        let user = user
            .args(["--auth", "managed-identity"])
            .var("HTTP_PROXY", proxy.proxy())
            .var("http_proxy", proxy.proxy())
            .var("ALL_PROXY", proxy.proxy())
            .asks_who();
        user.run().is_signed_in("build-vm", "postgres", 0);
        assert_eq!(user.entra.token_requests().len(), 1);
    }
    assert_eq!(proxy.requests().len(), 0);
}

#[test]
fn no_output_holds_a_secret() {
    let (env, token) = ready(&TokenChanges::none());
    let mut secrets = vec![secret().to_owned(), token, "sandbox-".to_owned()];
    let pod = with_token_file();
    secrets.push(pod.entra.federated_token());
    secrets.push("eyJ".to_owned());
    secrets.push(Sandbox::shared().client_certificate(KeyKind::Rsa).key_pem());
    let runs = [
        env,
        pod,
        with_secret(),
        with_certificate("app.pem", registered(KeyKind::Rsa)),
        in_actions(),
        in_pipelines(),
        in_app_service(),
    ];
    for user in runs {
        let user = user.args(["--entra-verbose", "-XAtc", "select 1"]);
        let good = user.run();
        assert_eq!(good.code, Some(0), "{good:?}");
        user.entra
            .behave(Behaviour::fault(Fault::Refuse(Refusal::SecretWrong)));
        let bad = user.args(["--fresh"]).run();
        for secret in &secrets {
            for ran in [&good, &bad] {
                let all = [&ran.stdout, &ran.stderr];
                assert!(!all.iter().any(|said| said.contains(secret)), "{ran:?}");
            }
        }
    }
}

#[test]
fn nothing_of_the_fetch_is_left_to_psql() {
    let shows = |user: User, file: &str, program: &str| {
        let program = tool(program);
        let words = ["--psql".as_ref(), program.as_os_str(), file.as_ref()];
        let user = user.args(words);
        let mut shell = user.tool(tool("bash"));
        shell
            .args([
                "-c",
                &format!("{CLOSE_STRAYS}; exec \"$@\""),
                "bash",
                PROGRAM,
            ])
            .args(user.command().get_args());
        text(&shell.output().expect("a run").stdout)
    };
    let files = |user| shows(user, "/proc/self/fd", "ls");
    assert_eq!(files(in_app_service()), files(User::nobody()));
    let signals = |user| {
        let status = shows(user, "/proc/self/status", "cat");
        lines_about(&status, &["SigBlk", "SigIgn", "Threads"])
    };
    assert_eq!(signals(in_app_service()), signals(User::nobody()));
}
