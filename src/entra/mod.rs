//! Facts about Entra: clouds, refusals, claims and role names.

pub mod cloud;
pub mod refusal;
pub mod role;
pub mod token;
