//! Questions to the Azure Resource Manager of az's cloud, through `az rest`.

use std::ffi::OsString;

use serde_json::Value;

use crate::failure::Failure;

use super::AzureCli;

impl AzureCli<'_> {
    /// Posts `body` to `path`, which begins with `/`, so az adds its own cloud's address. `what`
    /// completes "the Azure CLI could not".
    pub fn post(&self, what: &str, path: &str, body: &Value) -> Result<Value, Failure> {
        let body = body.to_string();
        let words = ["rest", "--method", "post", "--url", path, "--body", &body];
        self.run_for_json(what, &words.map(OsString::from))
    }
}
