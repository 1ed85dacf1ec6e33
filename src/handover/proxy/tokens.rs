//! The token that connections sign in with: one for all, with one fetch however many wait.
//!
//! Signing in blocks while az runs, so it has a thread of its own. For each connection, the thread
//! checks that the token is still the right one: you may have signed out of az, or in as someone
//! else. Expiry is judged by two clocks: the steady one stops while a laptop sleeps, and the wall
//! clock may be set back.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::oneshot;

use crate::failure::Failure;
use crate::sign_in::signer::{SignedIn, Signer};
use crate::token::CacheKey;

/// The least time that a token must have left to connect with it.
const TIME_TO_CONNECT: Duration = Duration::from_secs(5);

/// If less time is left, the next token is fetched while this one is used.
const ENOUGH: Duration = Duration::from_secs(600);

/// How long a check is valid, and how long a failed fetch isn't repeated while the token still works.
const HOLDS: Duration = Duration::from_secs(1);
const BETWEEN_TRIES: Duration = Duration::from_secs(60);

type Answer = Result<Arc<SignedIn>, Failure>;

/// The connections' side: they ask for the token here.
pub struct Tokens {
    state: Mutex<State>,
    asks: Sender<Ask>,
}

/// A message to the thread.
enum Ask {
    /// A connection waits for the token.
    Look,
    End,
}

/// The thread's side.
pub struct Asked {
    asks: Receiver<Ask>,
    /// The cache key of the first token.
    known: Option<CacheKey>,
}

/// A token, and how long it was valid when it came.
#[derive(Clone)]
struct Current {
    signed_in: Arc<SignedIn>,
    came: Instant,
    life: Duration,
}

struct State {
    current: Option<Current>,
    /// When the token was last checked.
    checked: Option<Instant>,
    /// Whether the next token is being fetched while this one is used.
    is_renewing: bool,
    waiting: Vec<oneshot::Sender<Answer>>,
}

impl Tokens {
    /// Begins with the token that was fetched at the start. `known` is its cache key.
    pub fn new(first: Arc<SignedIn>, known: Option<CacheKey>) -> (Self, Asked) {
        let (sender, asks) = channel();
        let state = State {
            current: Some(Current::new(first)),
            checked: None,
            is_renewing: false,
            waiting: Vec::new(),
        };
        let tokens = Self {
            state: Mutex::new(state),
            asks: sender,
        };
        (tokens, Asked { asks, known })
    }

    /// Returns the token to connect with now.
    pub async fn current(&self) -> Answer {
        let answer = {
            let mut state = self.state();
            if let Some(current) = &state.current {
                let is_checked = state.is_renewing
                    || state
                        .checked
                        .is_some_and(|checked| checked.elapsed() < HOLDS);
                if is_checked && current.left() > TIME_TO_CONNECT {
                    return Ok(Arc::clone(&current.signed_in));
                }
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.push(sender);
            if state.waiting.len() == 1 {
                // If the thread has ended, the sender is dropped and the wait ends.
                let _ = self.asks.send(Ask::Look);
            }
            receiver
        };
        answer.await.unwrap_or_else(|_| {
            Err(Failure::sign_in("entra-psql is ending").hint("start `entra-psql --proxy` again"))
        })
    }

    /// Ends the thread, and returns whether it can end at once.
    pub fn end(&self) -> bool {
        let _ = self.asks.send(Ask::End);
        let state = self.state();
        !state.is_renewing && state.waiting.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the thread: answers with the results of `key` and `sign_in`. A failure while the token
    /// still works goes to `warn`.
    fn serve(
        &self,
        asked: Asked,
        key: impl Fn() -> Option<CacheKey>,
        sign_in: impl Fn() -> Result<SignedIn, Failure>,
        warn: impl Fn(&Failure),
    ) {
        let Asked { asks, mut known } = asked;
        let mut tried: Option<Instant> = None;
        while let Ok(Ask::Look) = asks.recv() {
            let now = key();
            let good = self
                .state()
                .current
                .clone()
                .filter(|current| now == known && current.left() > TIME_TO_CONNECT);
            let is_tried = tried.is_some_and(|tried| tried.elapsed() < BETWEEN_TRIES);
            if let Some(good) = &good {
                let renews = good.left() < ENOUGH && !is_tried;
                let mut state = self.state();
                state.checked = Some(Instant::now());
                state.is_renewing = renews;
                state.answer(&Ok(Arc::clone(&good.signed_in)));
                if !renews {
                    continue;
                }
            } else {
                self.state().current = None;
            }
            known = now;
            let outcome = sign_in().map(Arc::new);
            tried = Some(Instant::now());
            let mut state = self.state();
            state.is_renewing = false;
            match &outcome {
                Ok(fetched) => {
                    state.current = Some(Current::new(Arc::clone(fetched)));
                    state.checked = Some(Instant::now());
                }
                Err(failure) if good.is_some() => warn(failure),
                Err(_) => {}
            }
            state.answer(&outcome);
        }
    }

    /// Runs the thread with the results of `signer`.
    pub fn serve_from(&self, asked: Asked, signer: &Signer<'_>, warn: impl Fn(&Failure)) {
        self.serve(asked, || signer.key(), || signer.sign_in(), warn);
    }
}

impl State {
    fn answer(&mut self, answer: &Answer) {
        for waiting in self.waiting.drain(..) {
            // A client that has left needs no answer.
            let _ = waiting.send(answer.clone());
        }
    }
}

impl Current {
    fn new(signed_in: Arc<SignedIn>) -> Self {
        let left = by_wall_clock(&signed_in);
        let (issued, expires) = (signed_in.token.issued(), signed_in.token.expires());
        // A slow clock gives a token more time than it was issued for.
        let whole = issued.and_then(|issued| expires.duration_since(issued).ok());
        Self {
            life: whole.map_or(left, |whole| whole.min(left)),
            came: Instant::now(),
            signed_in,
        }
    }

    fn left(&self) -> Duration {
        let left = self.life.saturating_sub(self.came.elapsed());
        left.min(by_wall_clock(&self.signed_in))
    }
}

fn by_wall_clock(signed_in: &SignedIn) -> Duration {
    let expires = signed_in.token.expires();
    expires
        .duration_since(SystemTime::now())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::UNIX_EPOCH;

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::cli::method::Method;
    use crate::entra::token::Token;
    use crate::intent::method::Choice;
    use crate::intent::role::{Delivery, Role};

    /// Returns a sign-in whose token lasts this many seconds.
    fn lasting(seconds: u64) -> SignedIn {
        issued(0, seconds)
    }

    /// Returns a sign-in whose token is issued this many seconds from now, and lasts as many.
    fn issued(ahead: u64, seconds: u64) -> SignedIn {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let issued = now.as_secs() + ahead;
        let expires = issued.saturating_add(seconds);
        let claims = format!("{{\"iat\":{issued},\"exp\":{expires}}}");
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let secret = format!("{}.{}.{}", part("{}"), part(&claims), part("x"));
        SignedIn {
            role: Role {
                name: "alice".into(),
                delivery: Delivery::Variable,
            },
            token: Token::read(secret).unwrap(),
            choice: Choice {
                method: Method::AzureCli,
                because: None,
            },
        }
    }

    fn key(state: usize) -> CacheKey {
        CacheKey {
            identity: "alice".to_owned(),
            state: state.to_string(),
            least_life: Duration::from_secs(300),
        }
    }

    /// Ends the thread, even if a test fails.
    struct Ending<'a>(&'a Tokens);

    impl Drop for Ending<'_> {
        fn drop(&mut self) {
            self.0.end();
        }
    }

    /// Runs `ask` with a token that lasts this long, and a day after each fetch. Returns how often it
    /// was fetched.
    fn fetches(first: u64, state: &AtomicUsize, ask: impl AsyncFnOnce(&Tokens)) -> usize {
        let (tokens, asked) = Tokens::new(Arc::new(lasting(first)), Some(key(0)));
        let count = AtomicUsize::new(0);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let sign_in = || {
                    count.fetch_add(1, Ordering::SeqCst);
                    Ok(lasting(86_400))
                };
                let now = || Some(key(state.load(Ordering::SeqCst)));
                tokens.serve(asked, now, sign_in, |_| {});
            });
            let _ending = Ending(&tokens);
            runtime.unwrap().block_on(ask(&tokens));
        });
        count.load(Ordering::SeqCst)
    }

    async fn seconds_left(tokens: &Tokens) -> u64 {
        by_wall_clock(&tokens.current().await.unwrap()).as_secs()
    }

    #[test]
    fn a_good_token_is_used_again() {
        let state = AtomicUsize::new(0);
        let count = fetches(3600, &state, async |tokens| {
            for _ in 0..3 {
                assert!(seconds_left(tokens).await <= 3600);
            }
        });
        assert_eq!(count, 0);
    }

    #[test]
    fn one_that_has_ended_is_replaced_once() {
        let state = AtomicUsize::new(0);
        let count = fetches(1, &state, async |tokens| {
            let (one, other) = tokio::join!(seconds_left(tokens), seconds_left(tokens));
            assert!(one > 3600 && other > 3600);
        });
        assert_eq!(count, 1);
    }

    /// It could end on the way to the server.
    #[test]
    fn one_that_would_end_while_connecting_is_replaced_too() {
        let state = AtomicUsize::new(0);
        let margin = TIME_TO_CONNECT.as_secs();
        for (first, expected) in [(margin - 1, true), (margin + 60, false)] {
            fetches(first, &state, async |tokens| {
                assert_eq!(seconds_left(tokens).await > 3600, expected, "{first}");
            });
        }
    }

    #[test]
    fn one_that_soon_ends_is_used_meanwhile() {
        let state = AtomicUsize::new(0);
        let count = fetches(90, &state, async |tokens| {
            assert!(seconds_left(tokens).await <= 90);
            while seconds_left(tokens).await <= 90 {
                std::thread::yield_now();
            }
        });
        assert_eq!(count, 1);
    }

    #[test]
    fn no_clock_gives_a_token_more_time_than_it_was_issued_for() {
        let left = |ahead, seconds| Current::new(Arc::new(issued(ahead, seconds))).left();
        for ahead in [0, 7200] {
            let left = left(ahead, 3600).as_secs();
            assert!((3590..=3600).contains(&left), "{ahead}: {left}");
        }
        assert_eq!(left(0, 0), Duration::ZERO);
        assert_eq!(left(0, u64::MAX), Duration::ZERO);
    }

    #[test]
    fn whoever_signs_in_as_somebody_else_is_somebody_else() {
        let state = AtomicUsize::new(0);
        let count = fetches(3600, &state, async |tokens| {
            state.store(1, Ordering::SeqCst);
            assert!(seconds_left(tokens).await > 3600);
            tokens.state().checked = None;
            assert!(seconds_left(tokens).await > 3600);
        });
        assert_eq!(count, 1);
    }

    #[test]
    fn a_failure_is_for_those_who_wait_and_the_next_one_tries_again() {
        let (tokens, asked) = Tokens::new(Arc::new(lasting(1)), Some(key(0)));
        let fails = AtomicUsize::new(1);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let sign_in = || match fails.fetch_sub(1, Ordering::SeqCst) {
                    1 => Err(Failure::sign_in("signed out")),
                    _ => Ok(lasting(3600)),
                };
                tokens.serve(asked, || Some(key(0)), sign_in, |_| {});
            });
            let _ending = Ending(&tokens);
            runtime.unwrap().block_on(async {
                assert!(tokens.current().await.is_err());
                assert!(tokens.current().await.is_ok());
            });
        });
    }
}
