//! The real Azure CLI: installed once, and signed in once as every identity.

mod install;
mod profiles;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Result;

use crate::{
    authority::Authority,
    cache::{Cache, copy_tree},
    certificates::ClientCertificates,
    directory::Identity,
    entra::Entra,
    keys::Keys,
};

/// The version that is installed.
pub const VERSION: &str = "2.91.0";

/// An Azure CLI, and a signed-in profile of every identity.
#[derive(Debug)]
pub struct AzureCli {
    dir: PathBuf,
    profiles: PathBuf,
}

impl AzureCli {
    /// The Azure CLI in the cache, installed and signed in on first use, which takes minutes and
    /// says so on stderr.
    ///
    /// # Errors
    ///
    /// Where Python is missing, the package index out of reach, or a sign-in fails.
    pub fn prepare(
        cache: &Cache,
        keys: &Arc<Keys>,
        authority: &Authority,
        certificates: &Arc<ClientCertificates>,
    ) -> Result<Self> {
        let dir = install::prepare(cache)?;
        let profiles = profiles::prepare(cache, &dir, keys, authority, certificates)?;
        Ok(Self { dir, profiles })
    }

    /// A directory that holds `az` and nothing else, for PATH.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The Python that it runs on, which has pip.
    #[must_use]
    pub fn python(&self) -> PathBuf {
        install::python(&self.dir)
    }

    /// Signs `identity` in for programs whose home is `home`: makes `home/.azure`, which must not
    /// exist.
    ///
    /// The profile holds no database token, so that the first call for one makes one request.
    ///
    /// # Errors
    ///
    /// Where the profile cannot be copied.
    pub fn sign_in(&self, home: &Path, identity: Identity) -> Result<()> {
        let profile = home.join(".azure");
        copy_tree(
            &self.profiles.join(profiles::name(identity)),
            &profile,
            None,
        )?;
        profiles::skip_version_check(&profile)
    }
}

/// The variables with which the Azure CLI, signed in as `identity`, reaches `entra` and nothing
/// else.
#[must_use]
pub fn env(entra: &Entra, authority: &Authority, identity: Identity) -> Vec<(String, String)> {
    let mut env = vec![
        ("HTTPS_PROXY".to_owned(), entra.proxy()),
        (
            "REQUESTS_CA_BUNDLE".to_owned(),
            authority.file().display().to_string(),
        ),
    ];
    if identity == Identity::ShopStaging {
        env.extend(entra.slot_identity_env());
    } else if identity.is_managed() {
        env.extend(entra.managed_identity_env());
    }
    env
}
