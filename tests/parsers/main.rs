//! Whatever others wrote and we read, spoilt at random: nothing panics, takes long, or takes much
//! memory.
//!
//! - [`mutation`] spoils samples of the real thing; [`hunt`] has a parser read them and watches it,
//!   with the help of [`counting`].
//! - [`command_line_tools`], [`tokens`], [`connections`], [`network`] and [`certificates`] have the
//!   samples and the parsers.
//!
//! `ENTRA_PSQL_PARSER_INPUTS` and `ENTRA_PSQL_PARSER_SEED` change how many inputs each parser gets,
//! and which.

#![cfg(target_os = "linux")]

mod certificates;
mod command_line_tools;
mod connections;
mod counting;
mod hunt;
mod mutation;
mod network;
mod tokens;

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;
