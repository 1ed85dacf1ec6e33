//! The token that connections sign in with: one for all, and one fetch however many wait for it.
//!
//! Signing in blocks (az is a program that is waited for), so a thread of its own does it. Each
//! connection asks whether the token is still the one that would be used now: the thread looks
//! whether somebody signed out of az, or in as somebody else. The clock on the wall is what counts,
//! since others stand still while a laptop sleeps.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::oneshot;

use crate::failure::Failure;
use crate::sign_in::signer::{SignedIn, Signer};
use crate::token::CacheKey;

/// What a token has to last to connect with.
const TIME_TO_CONNECT: Duration = Duration::from_secs(5);

/// With less left, the next token is fetched while this one is used.
const ENOUGH: Duration = Duration::from_secs(600);

/// How long an answer holds, and how soon a token that isn't needed yet is asked for again.
const HOLDS: Duration = Duration::from_secs(1);
const BETWEEN_TRIES: Duration = Duration::from_secs(60);

type Answer = Result<Arc<SignedIn>, Failure>;

/// The token, for connections to ask for.
pub struct Tokens {
    state: Mutex<State>,
    asks: Sender<Ask>,
}

/// What the thread is told.
enum Ask {
    /// Somebody waits.
    Look,
    End,
}

/// The thread's side.
pub struct Asked(Receiver<Ask>);

struct State {
    current: Option<Arc<SignedIn>>,
    /// When it was last found to be the right one.
    checked: Option<Instant>,
    /// Whether the next one is being fetched while this one is used.
    is_renewing: bool,
    waiting: Vec<oneshot::Sender<Answer>>,
}

impl Tokens {
    /// Begins with the token that the start has fetched.
    pub fn new(first: Arc<SignedIn>) -> (Self, Asked) {
        let (asks, asked) = channel();
        let state = State {
            current: Some(first),
            checked: None,
            is_renewing: false,
            waiting: Vec::new(),
        };
        let tokens = Self {
            state: Mutex::new(state),
            asks,
        };
        (tokens, Asked(asked))
    }

    /// The token to connect with now.
    pub async fn current(&self) -> Answer {
        let answer = {
            let mut state = self.state();
            if let Some(current) = &state.current {
                let is_checked = state.is_renewing
                    || state.checked.is_some_and(|checked| checked.elapsed() < HOLDS);
                if is_checked && left(current) > TIME_TO_CONNECT {
                    return Ok(Arc::clone(current));
                }
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.push(sender);
            if state.waiting.len() == 1 {
                // A thread that has ended leaves nobody waiting.
                let _ = self.asks.send(Ask::Look);
            }
            receiver
        };
        answer.await.unwrap_or_else(|_| {
            Err(Failure::sign_in("entra-psql is ending").hint("start `entra-psql --proxy` again"))
        })
    }

    /// Ends the thread, and returns whether it is free to do so now.
    pub fn end(&self) -> bool {
        let _ = self.asks.send(Ask::End);
        let state = self.state();
        !state.is_renewing && state.waiting.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers, on the thread, until the end: with what `key` and `sign_in` say. What
    /// goes wrong while nobody waits is told to `warn`.
    fn serve(
        &self,
        asked: &Asked,
        key: impl Fn() -> Option<CacheKey>,
        sign_in: impl Fn() -> Result<SignedIn, Failure>,
        warn: impl Fn(&Failure),
    ) {
        let mut known = key();
        let mut tried: Option<Instant> = None;
        while let Ok(Ask::Look) = asked.0.recv() {
            let now = key();
            let good = self
                .state()
                .current
                .clone()
                .filter(|current| now == known && left(current) > TIME_TO_CONNECT);
            let is_tried = tried.is_some_and(|tried| tried.elapsed() < BETWEEN_TRIES);
            if let Some(good) = &good {
                let renews = left(good) < ENOUGH && !is_tried;
                let mut state = self.state();
                state.checked = Some(Instant::now());
                state.is_renewing = renews;
                state.answer(&Ok(Arc::clone(good)));
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
                    state.current = Some(Arc::clone(fetched));
                    state.checked = Some(Instant::now());
                }
                Err(failure) if good.is_some() => warn(failure),
                Err(_) => {}
            }
            state.answer(&outcome);
        }
    }

    /// Answers with what `signer` says, until the end.
    pub fn serve_from(&self, asked: &Asked, signer: &Signer<'_>, warn: impl Fn(&Failure)) {
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

fn left(signed_in: &SignedIn) -> Duration {
    let expires = signed_in.token.expires();
    expires.duration_since(SystemTime::now()).unwrap_or_default()
}
