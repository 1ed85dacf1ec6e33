//! A token that a cluster writes to a file, and that Entra accepts as an application's proof.
//!
//! The SDK would read any file whole, and block on a pipe. This one is read within limits, and
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

#[derive(Clone, Debug)]
pub struct TokenFile {
    path: PathBuf,
}

impl TokenFile {
    /// Takes the file if it is readable.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let file = Self {
            path: path.to_owned(),
        };
        file.text().map_err(|why| {
            Failure::sign_in(format!(
                "the token file `{}` cannot be read: {why}",
                path.display()
            ))
            .hint("set `AZURE_FEDERATED_TOKEN_FILE` to the file that the cluster mounts, and make sure that you may read it")
        })?;
        Ok(file)
    }

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
