//! HTTP to Entra and to managed identity endpoints: [`transport`] carries requests, [`errors`]
//! reads what went wrong, [`runtime`] runs them. All of it is built only when it is needed.

pub mod errors;
pub mod runtime;
pub mod transport;

/// Returns the host in an address.
pub fn host_of(address: &str) -> &str {
    let rest = address.strip_prefix("https://");
    rest.unwrap_or(address).trim_end_matches('/')
}
