//! People sign in with a code that they type elsewhere, and Entra is asked as often as it allows.

use std::time::{Duration, Instant};

use sandbox::{Behaviour, Fault, Person};

use crate::interactive::{ALICE, browsers, grants, person};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

#[test]
fn a_code_ends_in_a_session_without_a_browser_here() {
    let user = person("device-code");
    let ran = user.run();
    assert_eq!(ran.stdout, ALICE);
    ran.matches("interactive/code");
    assert_eq!(grants(&user), [GRANT]);
    assert_eq!(browsers(&user).len(), 0);
    user.run()
        .is_signed_in("alice@contoso.example", "postgres", 0);
    assert_eq!(grants(&user).len(), 1);
}

#[test]
fn it_is_asked_until_the_person_has_signed_in() {
    let user = person("device-code");
    user.entra.behave(Behaviour::person(Person::TakesPolls(2)));
    let start = Instant::now();
    assert_eq!(user.run().stdout, ALICE);
    assert_eq!(grants(&user), [GRANT; 3]);
    assert!(start.elapsed() > Duration::from_secs(2));
}

#[test]
fn who_asks_too_often_asks_less_often() {
    let user = person("device-code");
    user.entra
        .behave(Behaviour::person(Person::IsNotToBeHurried));
    let start = Instant::now();
    assert_eq!(user.run().stdout, ALICE);
    assert_eq!(grants(&user), [GRANT; 2]);
    // RFC 8628: five seconds more than the one that Entra asked for.
    assert!(start.elapsed() > Duration::from_secs(6));
}

#[test]
fn what_comes_of_a_code_is_said() {
    for (what, case) in [
        (Person::Declines, "interactive/code_declined"),
        (Person::LetsItExpire, "interactive/code_expired"),
        (Person::ComesTooLate, "interactive/code_expired"),
    ] {
        let user = person("device-code");
        user.entra.behave(Behaviour::person(what));
        user.run().matches(case);
        assert_eq!(grants(&user).len(), 1);
    }
}

#[test]
fn nobody_is_waited_for_longer_than_the_deadline() {
    let user = person("device-code").args(["--timeout", "2"]);
    user.entra
        .behave(Behaviour::person(Person::TakesPolls(1000)));
    let start = Instant::now();
    user.run().matches("interactive/nobody_entered_the_code");
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn an_entra_that_does_not_answer_is_no_person() {
    let user = person("device-code").args(["--timeout", "1"]);
    user.entra.behave(Behaviour::fault(Fault::Silence));
    user.run().fails("interactive/entra_silent");
    let user = person("device-code").without("SSL_CERT_FILE");
    user.run().fails("interactive/entra_not_trusted");
    let user = person("device-code").var("AZURE_AUTHORITY_HOST", "https://login.elsewhere.example");
    user.run().fails("interactive/proxy_refuses");
}
