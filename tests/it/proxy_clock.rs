//! `--proxy` where the wall clock jumps, as it does when a laptop wakes up or someone sets it.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use sandbox::{Behaviour, Identity, Manner, Sandbox, TokenChanges};
use tempfile::TempDir;

use crate::identities::in_app_service;
use crate::proxy_support::{ALICE, Proxy, person, within};
use crate::support::{User, preloaded};

/// How far the clock of [`Manner::AheadOfTime`] is ahead.
const HOURS: i64 = 7200;

/// The clock of the proxy, and of the az that it starts.
struct Clock {
    directory: TempDir,
    library: PathBuf,
}

impl Clock {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let library = preloaded("clock.c", directory.path());
        let clock = Self { directory, library };
        clock.is_ahead(0);
        clock
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("seconds")
    }

    /// Sets it, relative to the clock of everyone else.
    fn is_ahead(&self, seconds: i64) {
        let new = self.directory.path().join("new");
        fs::write(&new, seconds.to_string()).expect("a file");
        fs::rename(new, self.file()).expect("in its place");
    }

    fn of(&self, user: User) -> User {
        user.var("LD_PRELOAD", &self.library)
            .var("CLOCK_FILE", self.file())
    }
}

fn tokens(seconds: i64) -> Behaviour {
    Behaviour::tokens(TokenChanges::none().expires_in(seconds))
}

#[test]
fn the_first_connection_after_hours_of_sleep_gets_a_new_token() {
    // The server's clock is the one that goes on.
    let gateway = Sandbox::shared()
        .new_gateway(Manner::AheadOfTime)
        .expect("a gateway");
    let clock = Clock::new();
    let user = clock
        .of(person(Identity::Alice))
        .var("PGPORT", gateway.port().to_string())
        .args(["--proxy"]);
    let proxy = Proxy::start(&user);
    let (_, said) = proxy.ask(&user, "", "select 1");
    assert!(said.contains("The access token has expired."), "{said}");
    assert_eq!(user.az_calls().len(), 1);
    user.entra.behave(tokens(HOURS + 3600));
    clock.is_ahead(HOURS);
    proxy.is_signed_in(&user, "", ALICE, "postgres");
    proxy.is_signed_in(&user, "", ALICE, "postgres");
    assert_eq!(user.az_calls().len(), 2);
}

#[test]
fn a_clock_that_is_set_back_changes_nothing_for_a_good_token() {
    let clock = Clock::new();
    let user = clock.of(person(Identity::Alice)).args(["--proxy"]);
    let proxy = Proxy::start(&user);
    for ahead in [-HOURS, 600, -HOURS, 0] {
        clock.is_ahead(ahead);
        proxy.is_signed_in(&user, "", ALICE, "postgres");
    }
    assert_eq!(user.az_calls().len(), 1);
    assert_eq!(proxy.said(), "");
}

/// The identity endpoint has a clock of its own.
#[test]
fn a_clock_that_is_set_back_makes_no_token_live_longer() {
    let clock = Clock::new();
    let user = clock.of(in_app_service()).args(["--proxy"]);
    user.entra.behave(tokens(8));
    let expiry = SystemTime::now() + Duration::from_secs(9);
    let proxy = Proxy::start(&user);
    user.entra.behave(Behaviour::default());
    clock.is_ahead(-HOURS);
    within("the token to end", || SystemTime::now() > expiry);
    proxy.is_signed_in(&user, "", "build-vm", "postgres");
    assert_eq!(user.entra.token_requests().len(), 2);
    assert_eq!(proxy.said(), "");
}
