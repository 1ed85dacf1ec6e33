//! What is known of Entra: its clouds and refusals, what a database token says, and who that makes
//! us.

pub mod cloud;
pub mod refusal;
pub mod role;
pub mod token;
