//! Tokens, their claims, the files that they are kept in, and the texts that may hold one.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entra_psql::testing::entra::refusal;
use entra_psql::testing::entra::role;
use entra_psql::testing::entra::token::Token;
use entra_psql::testing::plain_text;
use entra_psql::testing::sign_in::cache::{self, Kept};
use entra_psql::testing::token::CacheKey;

use crate::hunt::hunt;

const CLAIMS: [&[u8]; 6] = [
    br#"{"aud":"https://ossrdbms-aad.database.windows.net","exp":9999999999,"iat":1767258000,"upn":"alice@contoso.com","oid":"1-2","tid":"3"}"#,
    br#"{"aud":"https://ossrdbms-aad.database.windows.net/","exp":1767258000,"unique_name":"live.com#x@home.example","idtyp":"user"}"#,
    br#"{"aud":"https://token.postgres.cosmos.azure.com","exp":18446744073709551615,"iat":18446744073709551615,"appid":"7-8","idtyp":"app"}"#,
    br#"{"aud":["a"],"exp":"soon","xms_mirid":"/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/orders"}"#,
    br#"{"azp":"1","xms_mirid":"///","upn":"\u0000\ud83d\udc4b"}"#,
    br#"{"exp":1e400,"iat":-1}"#,
];

/// All that is asked of a token.
fn look_at(token: &Token) {
    let resource = "https://ossrdbms-aad.database.windows.net";
    let _ = token.check(Some(resource), SystemTime::now());
    let _ = token.check(None, SystemTime::UNIX_EPOCH);
    let _ = (token.issued(), token.expires(), token.is_for_databases());
    if let role::Identity::Named(name) = role::identity(token) {
        let plain = role::without_backslashes(name.as_ref());
        let _ = role::of_single_server(&plain, "mydb");
        let _ = role::differ_by_case_alone(&name, "Alice@Contoso.com");
    }
}

#[test]
fn tokens() {
    let whole = CLAIMS.map(|claims| {
        let claims = URL_SAFE_NO_PAD.encode(claims);
        format!("eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.{claims}.c2lnbmF0dXJl").into_bytes()
    });
    let samples = whole.each_ref().map(Vec::as_slice);
    let first = String::from_utf8_lossy(samples[0]).into_owned();
    let first = Token::read(first).expect("the sample is a token");
    assert_eq!(first.check(None, SystemTime::now()), Ok(()));
    hunt(&samples, |text| {
        let text = String::from_utf8_lossy(text).into_owned();
        if let Ok(token) = Token::read(text) {
            look_at(&token);
        }
    });
}

#[test]
fn claims() {
    hunt(&CLAIMS, |claims| {
        let claims = URL_SAFE_NO_PAD.encode(claims);
        if let Ok(token) = Token::read(format!("e30.{claims}.c2ln")) {
            look_at(&token);
        }
    });
}

fn key(state: &str) -> CacheKey {
    CacheKey {
        identity: "i".to_owned(),
        state: state.to_owned(),
        least_life: Duration::from_secs(600),
    }
}

#[test]
fn kept_tokens() {
    let samples: [&[u8]; 4] = [
        br#"{"name":null,"identity":"i","state":"0123456789abcdef","token":"e30.eyJhdWQiOiJodHRwczovL29zc3JkYm1zLWFhZC5kYXRhYmFzZS53aW5kb3dzLm5ldCIsImV4cCI6OTk5OTk5OTk5OX0.c2ln"}"#,
        br#"{"name":"orders","identity":"i","state":"0123456789abcdef","token":"e30.eyJleHAiOjE4NDQ2NzQ0MDczNzA5NTUxNjE1LCJpYXQiOjE4NDQ2NzQ0MDczNzA5NTUxNjE1fQ.c2ln"}"#,
        br#"{"identity":"i","state":"0123456789abcdef","token":[]}"#,
        br#"["0123456789abcdef"]"#,
    ];
    let key = key("0123456789abcdef");
    hunt(&samples, |bytes| {
        let _ = Kept::read(bytes, &key, SystemTime::now());
    });
}

#[test]
fn failures_that_were_told() {
    let samples: [&[u8]; 3] = [
        br#"{"at":"1767258000000000000","cause":"the Azure CLI could not get a token: AADSTS50076","hints":["sign in again: `az login`"],"identity":"i","state":"s"}"#,
        br#"{"at":"340282366920938463463374607431768211456","cause":"","hints":{},"identity":"i","state":"s"}"#,
        br#"{"at":1,"identity":"i","state":"s"}"#,
    ];
    let key = key("s");
    hunt(&samples, |bytes| {
        let _ = cache::failure_in(bytes, &key, &(0..=u128::MAX));
    });
}

const TEXTS: [&[u8]; 8] = [
    b"AADSTS700213: No matching federated identity record found for presented assertion subject 'repo:a/b:ref:refs/heads/main'. Trace ID: 1 Correlation ID: 2\r\nTimestamp: 2026-01-01 00:00:00Z",
    b"connection to postgres://alice:s%65cret@mydb.postgres.database.azure.com:5432/app?sslmode=require failed",
    b"`postgresql://u:a b@c@h/d` and http://user:pass@proxy:80, https://h:443/a",
    b"host=x Password = 'a b\\' c' sslpassword=p oauth_client_secret=\"x\" scram_client_key=k",
    b"?pass%77ord=a&access_token=b",
    b"token eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovLyJ9.c2lnbmF0dXJl, and eyJ0",
    b"\x1b]0;title\x07\x1b[31mred\x1b[0m \xe2\x80\xaereversed\xe2\x81\xa6 \xc2\x9b31m",
    b"Gr\xc3\xb6\xc3\x9fe \xe5\x90\x8d\xe5\x89\x8d \xf0\x9f\x91\x8b",
];

#[test]
fn texts_of_others() {
    hunt(&TEXTS, |text| {
        let text = String::from_utf8_lossy(text);
        let cleaned = plain_text::clean(&text);
        let odd = cleaned.chars().find(|&c| plain_text::is_invisible(c));
        assert_eq!(odd, None, "what is invisible is left");
        let _ = plain_text::may_hold_secret(&text);
    });
}

#[test]
fn refusals_of_entra() {
    hunt(&TEXTS, |text| {
        let line = refusal::one_line(&String::from_utf8_lossy(text));
        assert!(line.chars().count() <= 401, "it is cut");
        let _ = refusal::remedy_for_person(&line);
        let _ = refusal::remedy_for_application(&line);
        let _ = refusal::remedy_for_browser(&line);
    });
}
