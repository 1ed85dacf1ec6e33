//! What is known of Entra: its clouds, what a database token says, and who that makes us.

pub mod cloud;
pub mod role;
pub mod token;
