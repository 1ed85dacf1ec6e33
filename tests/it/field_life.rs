//! A cached token is used until its source would give another one, and no longer.

use std::time::Duration;

use sandbox::{Behaviour, TokenChanges};

use crate::identities::nobody;
use crate::remember::{ALICE, alice};
use crate::support::User;

fn lives(user: User, seconds: i64) -> User {
    user.entra
        .behave(Behaviour::tokens(TokenChanges::none().expires_in(seconds)));
    user
}

#[test]
fn a_token_of_azs_is_used_until_az_would_give_another() {
    // Two margins of a minute: for the launches, and for what az takes as the limit.
    for seconds in [480, 360] {
        let user = lives(alice(), seconds);
        user.run().is_signed_in(ALICE, "postgres", 1);
        user.run().is_signed_in(ALICE, "postgres", 1);
        assert_eq!(user.entra.token_requests().len(), 1, "{seconds}");
    }
    let user = lives(alice(), 240);
    user.run().is_signed_in(ALICE, "postgres", 1);
    user.run().is_signed_in(ALICE, "postgres", 2);
    // az has a newer one then.
    assert_eq!(user.entra.token_requests().len(), 2);
}

/// While its last minutes pass, nobody waits for it again; what would be waited for is a slow
/// network.
#[test]
fn a_slow_source_is_asked_once() {
    let user = alice();
    user.entra.behave(Behaviour {
        delay: Duration::from_secs(2),
        tokens: TokenChanges::none().expires_in(480),
        ..Behaviour::default()
    });
    user.run().is_signed_in(ALICE, "postgres", 1);
    // Whoever asked now would wait for longer than they may.
    let user = user.args(["--timeout", "1"]);
    user.run().is_signed_in(ALICE, "postgres", 1);
    let ran = user.args_in_front(["--fresh"]).run();
    assert_eq!(ran.az.len(), 2, "{ran:?}");
}

#[test]
fn a_token_of_another_source_is_used_until_it_has_ten_minutes_left() {
    for (seconds, requests) in [(660, 1), (480, 2)] {
        let user = nobody();
        let variables = user.entra.managed_identity_env();
        let user = variables
            .into_iter()
            .fold(user, |user, (name, value)| user.var(&name, value));
        let user = lives(user.asks_who(), seconds);
        user.run().is_signed_in("build-vm", "postgres", 0);
        user.run().is_signed_in("build-vm", "postgres", 0);
        assert_eq!(user.entra.token_requests().len(), requests, "{seconds}");
    }
}
