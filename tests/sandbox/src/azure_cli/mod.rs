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
    /// Returns the Azure CLI in the cache. On first use this installs it and signs it in, which takes
    /// minutes and is reported on stderr.
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

    /// Returns a directory for `PATH` that holds `az` and nothing else.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The Python that it runs on, which has pip.
    pub fn python(&self) -> PathBuf {
        install::python(&self.dir)
    }

    /// Signs `identity` in for programs whose home is `home`: makes `home/.azure`, which must not
    /// exist.
    ///
    /// The profile holds no database token, so the first call for one makes one request.
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

/// Returns the variables that lead the Azure CLI, signed in as `identity`, to `entra` and nothing
/// else.
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
