//! What comes from the network: requests to the listener of a browser sign-in, and the answers of
//! whoever gives out tokens.

use entra_psql::testing::entra::refusal;
use entra_psql::testing::token::http::errors;
use entra_psql::testing::token::person::listener;
use entra_psql::testing::token::workload::github_actions;

use crate::hunt::hunt;

#[test]
fn requests_to_the_listener() {
    let samples: [&[u8]; 4] = [
        b"GET /?code=0.AXoA-x_y.z&state=s%26t&session_state=1 HTTP/1.1\r\nHost: localhost:7\r\nUser-Agent: Mozilla/5.0\r\nAccept: text/html\r\n\r\n",
        b"GET /?error=access_denied&error_description=AADSTS65004:+User+declined%0d%0aTrace+ID:+1&state=s%26t HTTP/1.1\r\nhost: 127.0.0.1:7\r\n\r\n",
        b"POST / HTTP/1.0\r\nHost: evil.example:7\r\nHost: localhost:7\r\nContent-Length: 99999999999999999999\r\n\r\nbody",
        b"GET /favicon.ico HTTP/1.1\r\nHost: LOCALHOST:7\r\n\r\n",
    ];
    let brings = |head| listener::read(head, 7, "s&t").is_ok();
    assert_eq!(samples.map(brings), [true, true, false, false]);
    hunt(&samples, |head| {
        let _ = listener::read(head, 7, "s&t");
    });
}

#[test]
fn answers_of_entra_and_identity_endpoints() {
    let samples: [&[u8]; 4] = [
        br#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Trace ID: 1\r\nCorrelation ID: 2","error_codes":[7000215]}"#,
        br#"{"error":{"code":"x","message":"y"}}"#,
        br#"{"message":"No managed identity found","statusCode":400}"#,
        b"<html><body>Log in to the Wi-Fi</body></html>",
    ];
    hunt(&samples, |body| {
        if let Some(text) = errors::text_in(body) {
            let _ = refusal::one_line(&text);
        }
    });
}

#[test]
fn answers_of_github() {
    let samples: [&[u8]; 3] = [
        br#"{"count":1,"value":"eyJ0.eyJ9.c2ln"}"#,
        br#"{"value":null}"#,
        br#"[{"value":"x"}]"#,
    ];
    hunt(&samples, |body| drop(github_actions::token_in(body)));
}
