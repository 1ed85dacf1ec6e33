//! Tests of the sandbox itself, with the real psql and the real Azure CLI.

mod azure_cli;
mod entra_functions;
mod faults;
mod lifetime;
mod program;
mod refusals;
mod sign_in;
mod support;
