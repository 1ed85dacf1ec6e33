//! People sign in without az: with a browser, which is a small program here that follows the
//! address as one would.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};

use sandbox::clouds;
use sandbox::directory::AZURE_CLI_CLIENT_ID;
use sandbox::{Behaviour, Fault, Identity, Person, Refusal};

use crate::identities::nobody;
use crate::support::{Ran, User, here, text, tool};

pub const ALICE: &str = "alice@contoso.example|t|postgres\n";

/// Notes its words, goes where it is sent and on from there, and keeps the page that it ends at.
const BROWSER: &str = r#"
import os, sys, urllib.request
home = os.environ["HOME"]
with open(home + "/browser.log", "a") as log:
    log.write(" ".join(sys.argv[1:]) + "\n")
with urllib.request.urlopen(sys.argv[1]) as page, open(home + "/page.html", "wb") as kept:
    kept.write(page.read())
"#;

/// Somebody whose browser signs them in.
pub fn person(method: &str) -> User {
    let user = nobody();
    let browser = user.program(
        "browser",
        &format!("#!{}\n{BROWSER}", tool("python3").display()),
    );
    user.without_sign_ins()
        .var("BROWSER", browser)
        .args(["--auth", method])
        .asks_who()
}

/// The words of every browser that was started, a line each.
pub fn browsers(user: &User) -> Vec<String> {
    let log = fs::read_to_string(user.home.path().join("browser.log")).unwrap_or_default();
    log.lines().map(str::to_owned).collect()
}

/// The grants by which tokens were asked for.
pub fn grants(user: &User) -> Vec<String> {
    let requests = user.entra.token_requests();
    let grants = requests.iter().filter_map(|request| request.grant_type());
    grants.map(str::to_owned).collect()
}

/// Somebody who was asked to sign in with a browser, and has not yet.
pub struct Waiting {
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
    /// Where they were sent.
    pub address: String,
}

impl Waiting {
    /// Starts the program with a browser that goes nowhere, and waits for the address.
    pub fn of(user: &User) -> Self {
        let mut child = user
            .command()
            .env("BROWSER", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut said = String::new();
        let address = loop {
            let from = said.len();
            assert_ne!(stderr.read_line(&mut said).expect("a line"), 0, "{said}");
            if let Some(address) = said[from..].strip_prefix("entra-psql: https://") {
                break format!("https://{}", address.trim_end());
            }
        };
        Self {
            child,
            stderr,
            said,
            address,
        }
    }

    /// A parameter of the address, as it is written there.
    pub fn parameter(&self, name: &str) -> String {
        let pairs = self.address.split(['?', '&']);
        let mut values = pairs.filter_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        values.next().expect("the parameter").to_owned()
    }

    /// The listener's port.
    pub fn port(&self) -> u16 {
        let redirect = self.parameter("redirect_uri");
        let port = redirect.strip_prefix("http%3A%2F%2Flocalhost%3A");
        port.and_then(|port| port.parse().ok()).expect("a port")
    }

    pub fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port())).expect("the listener")
    }

    /// What the listener answers to these bytes.
    pub fn send(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // A listener that has heard enough may close before the last byte.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// What the listener answers to a request for this target.
    pub fn get(&self, target: &str) -> String {
        let host = self.port();
        self.send(format!("GET {target} HTTP/1.1\r\nHost: localhost:{host}\r\n\r\n").as_bytes())
    }

    /// Signs in with a browser of `user`'s.
    pub fn follow(&self, user: &User) {
        let status = follow(user, &self.address).status().expect("a browser");
        assert!(status.success());
    }

    /// Waits for the end.
    pub fn ended(mut self) -> Ran {
        self.stderr.read_to_string(&mut self.said).expect("text");
        let output = self.child.wait_with_output().expect("the program ends");
        Ran {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: self.said,
            az: Vec::new(),
        }
    }
}

/// The browser of `user`'s, about to go to an address.
fn follow(user: &User, address: &str) -> Command {
    let mut browser = user.tool(user.home.path().join("bin/browser"));
    browser
        .arg(address)
        .env("SSL_CERT_FILE", user.sandbox.ca_file());
    browser
}

#[test]
fn a_browser_ends_in_a_session_and_is_not_needed_again_while_the_token_lives() {
    let user = person("browser");
    let ran = user.run();
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), ALICE),
        "{}",
        ran.stderr
    );
    let opened = browsers(&user);
    assert_eq!(opened.len(), 1);
    assert!(ran.stderr.contains(&opened[0]), "{}", ran.stderr);
    ran.matches("interactive/browser");
    let page = fs::read_to_string(user.home.path().join("page.html")).expect("a page");
    assert!(page.contains("can close this window") && !page.contains("<script"));
    user.run()
        .is_signed_in("alice@contoso.example", "postgres", 0);
    assert_eq!(grants(&user), ["authorization_code"]);
    assert_eq!(browsers(&user).len(), 1);
}

#[test]
fn the_address_and_the_code_are_bound_to_this_sign_in() {
    let user = person("browser");
    let waiting = Waiting::of(&user);
    for (name, value) in [
        ("response_type", "code"),
        ("code_challenge_method", "S256"),
        ("client_id", AZURE_CLI_CLIENT_ID),
        ("prompt", "select_account"),
        (
            "scope",
            "https%3A%2F%2Fossrdbms-aad.database.windows.net%2F.default+offline_access",
        ),
    ] {
        assert_eq!(waiting.parameter(name), value);
    }
    assert!(
        waiting
            .address
            .starts_with("https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?")
    );
    waiting.follow(&user);
    let bound = ["state", "code_challenge"];
    let first = bound.map(|name| waiting.parameter(name));
    assert_eq!(waiting.ended().stdout, ALICE);
    let other = Waiting::of(&user.args(["--fresh"]).without_sign_ins());
    for (name, value) in bound.into_iter().zip(first) {
        assert_ne!(other.parameter(name), value, "{name}");
    }
    other.get(&format!("/?error=over&state={}", other.parameter("state")));
    other.ended().matches("interactive/ended_in_the_browser");
}

#[test]
fn tenant_application_and_authority_can_be_others() {
    let user = person("browser")
        .var("AZURE_TENANT_ID", "contoso.example")
        .args(["--client-id", "an-app"]);
    assert_eq!(user.run().stdout, ALICE);
    let asked = &user.entra.token_requests()[0];
    assert_eq!(asked.path, "/contoso.example/oauth2/v2.0/token");
    assert_eq!(asked.parameter("client_id"), Some("an-app"));
    let resource = "https://ossrdbms-aad.database.usgovcloudapi.net";
    let user = user
        .var("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/")
        .args(["--tenant", "us.contoso.example", "--resource", resource])
        .args(["--dry-run"]);
    assert_eq!(user.run().code, Some(0));
    let asked = &user.entra.token_requests()[1];
    assert_eq!(asked.host, "login.microsoftonline.us");
    assert_eq!(asked.path, "/us.contoso.example/oauth2/v2.0/token");
    assert_eq!(browsers(&user).len(), 2);
}

#[test]
fn roles_are_as_with_other_tokens() {
    let user = person("browser").args(["--group", "Prod DB Readonly"]);
    assert_eq!(user.run().stdout, "Prod DB Readonly|t|postgres\n");
    let user = person("browser");
    user.entra.sign_in_as(Identity::Bob);
    user.run().matches("interactive/guest");
    let role = Identity::Bob.name();
    let user = user.args(["-U", role, "-d", "postgres"]);
    // The token is remembered, and nobody is asked again.
    user.run().is_signed_in(role, "postgres", 0);
    assert_eq!(browsers(&user).len(), 1);
}

#[test]
fn a_piped_script_stays_whole() {
    for method in ["browser", "device-code"] {
        let user = nobody().without_sign_ins();
        let user = user.args(["--auth", method, "-XAt"]);
        let browser = person("browser");
        let follow = here("bin/browser", "bin/browser.cmd");
        let follow = browser.home.path().join(follow);
        let ran = user
            .var("BROWSER", follow)
            .stdin("select 'one';\nselect 'two';\n")
            .run();
        assert_eq!(ran.stdout, "one\ntwo\n", "{}", ran.stderr);
    }
}

#[test]
fn without_a_browser_the_address_is_enough() {
    let user = person("browser").var("BROWSER", "/nowhere/browser:also-nowhere %s");
    let waiting = Waiting::of(&user);
    waiting.follow(&user);
    assert_eq!(waiting.ended().stdout, ALICE);
}

#[test]
fn refusals_are_passed_on_in_a_line() {
    let user = person("browser");
    user.entra.behave(Behaviour::person(Person::Declines));
    user.run().matches("interactive/declined_in_the_browser");
    for (refusal, case) in [
        (Refusal::MfaRequired, "interactive/second_factor"),
        (Refusal::ConditionalAccess, "interactive/conditional_access"),
        (Refusal::Consent, "interactive/without_consent"),
        (Refusal::ForeignUser, "interactive/foreign_user"),
    ] {
        user.entra.behave(Behaviour::fault(Fault::Refuse(refusal)));
        user.run().matches(case);
    }
    user.entra.behave(Behaviour::fault(Fault::Html));
    user.run().matches("interactive/page_in_place_of_entra");
}

#[test]
fn nobody_is_waited_for_longer_than_the_deadline() {
    let user = person("browser")
        .var("BROWSER", "true")
        .args(["--timeout", "1"]);
    user.run().matches("interactive/nobody_came_to_the_browser");
}

#[test]
fn an_unknown_authority_is_not_trusted() {
    let user = person("browser").without("SSL_CERT_FILE");
    let waiting = Waiting::of(&user);
    waiting.follow(&user);
    waiting
        .ended()
        .matches("interactive/entra_not_trusted_by_browser");
    assert_eq!(user.entra.token_requests().len(), 0);
}

#[test]
fn the_resource_is_the_servers() {
    let user = person("browser");
    user.run();
    let asked = user.entra.requests();
    let authorized = asked
        .iter()
        .find(|request| request.path.ends_with("/authorize"));
    assert_eq!(
        authorized.and_then(|request| request.resource()),
        Some(clouds::PUBLIC.resource)
    );
}
