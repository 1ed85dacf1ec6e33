//! The judge: what our library decides, held against what the real psql and libpq do, over
//! thousands of random command lines with random variables and files around them.
//!
//! - [`grammar`], [`conninfo`] and [`surroundings`] make cases of what [`pools`] and [`words`]
//!   hold; a [`case`] can be tried and be cut down to what matters.
//! - [`oracle`] asks psql, through `spy.c`; [`verdict`] asks us, and compares.
//! - [`tables`] holds our tables against psql's own, and [`fixed`] keeps what was once decided
//!   wrongly.
//! - [`versions`] says what differs between the versions of psql and libpq.
//! - [`launched`] runs the launcher itself, and sees what reaches psql.
//! - [`signing_in`] makes cases in which a token may be due, and [`protected`] sees where that
//!   token can go.
//!
//! `ENTRA_PSQL_JUDGE_CASES` and `ENTRA_PSQL_JUDGE_SEED` change how many cases there are, and which;
//! `ENTRA_PSQL_JUDGE_PSQL` names another psql than the installed one.

#[cfg(target_os = "linux")]
mod case;
#[cfg(target_os = "linux")]
mod conninfo;
#[cfg(target_os = "linux")]
mod fixed;
#[cfg(target_os = "linux")]
mod grammar;
#[cfg(target_os = "linux")]
mod launched;
#[cfg(target_os = "linux")]
mod oracle;
#[cfg(target_os = "linux")]
mod pools;
#[cfg(target_os = "linux")]
mod protected;
mod psql;
#[cfg(target_os = "linux")]
mod random;
#[cfg(target_os = "linux")]
mod signing_in;
#[cfg(target_os = "linux")]
mod surroundings;
mod tables;
#[cfg(target_os = "linux")]
mod verdict;
#[cfg(target_os = "linux")]
mod versions;
#[cfg(target_os = "linux")]
mod words;

/// Says why there is no judge here.
#[cfg(not(target_os = "linux"))]
#[test]
#[ignore = "the judge listens to psql through LD_PRELOAD, which is Linux's"]
fn random_cases_are_decided_as_psql_decides_them() {}
