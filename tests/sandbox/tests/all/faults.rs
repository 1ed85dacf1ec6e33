//! How the real Azure CLI reports an Entra that refuses or fails.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use sandbox::{Behaviour, Fault, Identity, Refusal, TokenChanges};
use serde_json::Value;

use crate::support::{answer, az_token, complaint, sandbox};

#[test]
fn every_refusal_reaches_the_user() {
    for refusal in Refusal::ALL {
        let entra = sandbox().new_entra().unwrap();
        entra.behave(Behaviour::fault(Fault::Refuse(refusal)));
        let identity = match refusal {
            Refusal::SecretExpired | Refusal::SecretWrong => Identity::BillingService,
            _ => Identity::Alice,
        };
        let complaint = complaint(&mut az_token(&entra, identity), 1);
        println!("--- {}\n{complaint}", refusal.code());
        assert!(
            complaint.starts_with(&format!("ERROR: AADSTS{}: ", refusal.code())),
            "{complaint}"
        );
        assert!(complaint.contains(" Trace ID: "), "{complaint}");
        assert_eq!(entra.token_requests().len(), 1, "{refusal:?}");
    }
}

#[test]
fn failures_of_the_network() {
    for (fault, expected) in [
        (Fault::Unavailable, "503"),
        (Fault::Html, "JSON"),
        (Fault::Drop, "Remote end closed connection without response"),
    ] {
        let entra = sandbox().new_entra().unwrap();
        entra.behave(Behaviour::fault(fault));
        let complaint = complaint(&mut az_token(&entra, Identity::Alice), 1);
        println!("--- {fault:?}\n{complaint}");
        assert!(complaint.contains(expected), "{fault:?}: {complaint}");
        assert!(!entra.token_requests().is_empty());
    }
}

#[test]
fn a_silent_entra_keeps_the_cli_waiting() {
    let entra = sandbox().new_entra().unwrap();
    entra.behave(Behaviour::fault(Fault::Silence));
    let mut child = az_token(&entra, Identity::Alice)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while entra.token_requests().is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_secs(1));
    assert!(child.try_wait().unwrap().is_none());
    // This ends every connection.
    drop(entra);
    assert!(!child.wait().unwrap().success());
}

#[test]
fn a_slow_entra_answers_in_the_end() {
    let entra = sandbox().new_entra().unwrap();
    let delay = Duration::from_secs(1);
    entra.behave(Behaviour::slow(delay));
    let start = Instant::now();
    answer(&mut az_token(&entra, Identity::Alice));
    assert!(start.elapsed() > delay);
}

#[test]
fn bad_tokens_are_handed_on() {
    let entra = sandbox().new_entra().unwrap();
    let token = |tokens: TokenChanges| {
        entra.behave(Behaviour::tokens(tokens));
        let reply: Value =
            serde_json::from_str(&answer(&mut az_token(&entra, Identity::Alice))).unwrap();
        reply["accessToken"].as_str().unwrap().to_owned()
    };
    let refusal =
        |token: &str| complaint(&mut crate::support::psql("alice@contoso.example", token), 2);
    let expired = refusal(&token(TokenChanges::none().expires_in(-60)));
    assert!(
        expired.contains("The access token has expired"),
        "{expired}"
    );
    let elsewhere = refusal(&token(
        TokenChanges::none().audience("https://graph.microsoft.com"),
    ));
    assert!(elsewhere.contains("valid audience claim"), "{elsewhere}");
    let foreign = refusal(&token(
        TokenChanges::none().tenant("fab21ca0-2f4d-4e7b-8a31-5c9be2d00002"),
    ));
    assert!(foreign.contains("valid oid claim"), "{foreign}");
}
