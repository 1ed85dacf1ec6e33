//! What comes from the network: requests to the listener of a browser sign-in, and the answers of
//! whoever gives out tokens.

use entra_psql::testing::entra::refusal;
use entra_psql::testing::handover::proxy::messages::{self, Read};
use entra_psql::testing::handover::proxy::opening::{self, Opening};
use entra_psql::testing::handover::proxy::scram::Verifier;
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

#[test]
fn what_clients_of_the_proxy_send_first() {
    let samples: [&[u8]; 5] = [
        b"\0\0\0\x2f\0\x03\0\0user\0alice\0database\0app\0options\0-c a=b\0\0",
        b"\0\0\0\x2a\0\x03\0\x02user\0Prod DB\0_pq_.x\0\0replication\x001\0\0",
        b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\x12\x34\xde\xad\xbe\xef",
        b"\0\0\0\x08\x04\xd2\x16\x2f",
        b"\0\0\0\x08\x04\xd2\x16\x30",
    ];
    hunt(&samples, |packet| {
        let Some(first) = packet.first_chunk::<4>() else {
            return;
        };
        let length = opening::length(*first).unwrap_or(packet.len());
        let packet = packet[..length.min(packet.len())].to_vec();
        if let Some(Opening::Startup(startup)) = Opening::read(packet) {
            let _ = startup.value(b"user");
            let changed = startup.replace_values(&[(b"user", b"x"), (b"database", b"y")]);
            assert!(changed.packet().len() >= 8);
        }
    });
}

#[test]
fn what_servers_say_before_a_session() {
    let samples: [&[u8]; 3] = [
        b"R\0\0\0\x08\0\0\0\x03R\0\0\0\x08\0\0\0\0",
        b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0v\0\0\0\x0c\0\x03\0\0\0\0\0\0",
        b"E\0\0\0\x2aSFATAL\0VFATAL\0C57P03\0Mstarting up\0\0",
    ];
    hunt(&samples, |bytes| {
        let mut rest = bytes;
        while let Read::Whole(message) = messages::read(rest) {
            let _ = messages::authentication(message.body);
            let _ = messages::has_state(message.body, b"57P03");
            rest = &rest[message.length..];
        }
    });
}

#[test]
fn proofs_of_the_local_password() {
    let verifier = Verifier::new("x").expect("random numbers");
    let samples: [&[u8]; 4] = [
        b"n,,n=,r=rOprNGfwEbeRWgbNEkqO",
        b"y,a=alice,n=,r=rOprNGfwEbeRWgbNEkqO",
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        b"c=biws,r=,x=y,p=",
    ];
    hunt(&samples, |text| {
        let begun = verifier.begin(text).or_else(|_| verifier.begin(samples[0]));
        if let Ok((exchange, _)) = begun {
            assert!(exchange.finish(text).is_err());
        }
    });
}
