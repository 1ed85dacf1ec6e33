//! Signs in: gets an access token and the role that it is for.

pub mod cache;
pub mod choose;
mod failures;
pub mod groups;
pub mod offer;
pub mod sign_out;
pub mod signer;
