//! A token that a cluster writes to a file, and that Entra takes for an application's own.
//!
//! The SDK would read any file, whole, and wait for a pipe. This one is read within limits, and
//! again for each request, since the cluster replaces it.

use std::io;
use std::path::{Path, PathBuf};

use azure_core::Error;
use azure_core::error::ErrorKind;
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;

use crate::failure::Failure;
use crate::system::plain_file;

/// More than any token, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// The file.
#[derive(Clone, Debug)]
pub struct TokenFile {
    path: PathBuf,
}

impl TokenFile {
    /// Takes the file if it can be read.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let file = Self {
            path: path.to_owned(),
        };
        file.text().map_err(|why| {
            Failure::sign_in(format!(
                "the token file `{}` cannot be read: {why}",
                path.display()
            ))
            .hint("does `AZURE_FEDERATED_TOKEN_FILE` name the file that the cluster mounts, and may you read it?")
        })?;
        Ok(file)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn text(&self) -> io::Result<String> {
        let bytes = plain_file::read(&self.path, LONGEST)?;
        let text = std::str::from_utf8(&bytes);
        text.map(str::to_owned)
            .map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))
    }
}

#[async_trait::async_trait]
impl ClientAssertion for TokenFile {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        self.text()
            .map_err(|why| Error::new(ErrorKind::Credential, why))
    }
}
