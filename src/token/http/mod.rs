//! HTTP to Entra and to identity endpoints: [`transport`] carries requests, [`errors`] reads what
//! went wrong, [`runtime`] is what they are made on. All of it is built only when a token is to be
//! fetched, or a machine's identity to be looked for.

pub mod errors;
pub mod runtime;
pub mod transport;

/// The name of an address's host.
pub fn host_of(address: &str) -> &str {
    let rest = address.strip_prefix("https://");
    rest.unwrap_or(address).trim_end_matches('/')
}
