//! All of it together.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use anyhow::Result;

use crate::{
    authority::Authority,
    azure_cli::{self, AzureCli},
    cache::Cache,
    certificates::{ClientCertificate, ClientCertificates, KeyKind},
    clouds,
    directory::Identity,
    entra::Entra,
    gateway::{Gateway, Manner},
    keys::Keys,
    nushell,
    postgres::{self, Postgres},
    prerequisites, psycopg,
    token::{self, TokenChanges},
};

/// An Entra, an Azure server and a signed-in Azure CLI. Dropping it ends and removes everything; so
/// does the end of the process.
#[derive(Debug)]
pub struct Sandbox {
    cache: Cache,
    keys: Arc<Keys>,
    authority: Authority,
    certificates: Arc<ClientCertificates>,
    entra: Entra,
    gateway: Gateway,
    postgres: Postgres,
    azure_cli: AzureCli,
}

impl Sandbox {
    /// Brings everything up. The first run installs what is missing and the Azure CLI, which takes
    /// minutes and says so on stderr; others take less than a second.
    ///
    /// # Errors
    ///
    /// Where PostgreSQL or Python is missing, or does not do what it should.
    pub fn start() -> Result<Self> {
        prerequisites::ensure()?;
        let cache = Cache::open()?;
        let keys = Arc::new(Keys::load(&cache)?);
        let authority = Authority::load(&cache)?;
        let certificates = Arc::new(ClientCertificates::load(&cache, &authority)?);
        let azure_cli = AzureCli::prepare(&cache, &keys, &authority, &certificates)?;
        let postgres = Postgres::start(&cache)?;
        let gateway = Gateway::start(&keys, &authority, postgres.server(), Manner::Genuine)?;
        let entra = Entra::start(&keys, &authority, &certificates)?;
        Ok(Self {
            cache,
            keys,
            authority,
            certificates,
            entra,
            gateway,
            postgres,
            azure_cli,
        })
    }

    /// One sandbox for all tests of a process.
    ///
    /// # Panics
    ///
    /// Where it cannot be brought up.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Sandbox> = OnceLock::new();
        SHARED.get_or_init(|| match Self::start() {
            Ok(sandbox) => sandbox,
            Err(error) => panic!("the sandbox does not come up: {error:#}"),
        })
    }

    /// The server's name. It leads to no address: `PGHOSTADDR=127.0.0.1` must say where it is.
    #[must_use]
    pub fn host(&self) -> &'static str {
        clouds::PUBLIC.server
    }

    /// The server's port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.gateway.port()
    }

    /// The certificate of the authority that the server and Entra are certified by, a PEM file.
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        self.authority.file()
    }

    /// The server that one signs in to.
    #[must_use]
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Another server in front of the same databases.
    ///
    /// # Errors
    ///
    /// Where it cannot listen or make its certificate.
    pub fn new_gateway(&self, manner: Manner) -> Result<Gateway> {
        let other = match manner {
            Manner::UnknownAuthority => Some(Authority::load_stranger(&self.cache)?),
            Manner::RetiredAuthority => Some(Authority::load_retired(&self.cache)?),
            _ => None,
        };
        let authority = other.as_ref().unwrap_or(&self.authority);
        Gateway::start(&self.keys, authority, self.postgres.server(), manner)
    }

    /// The directory of PostgreSQL's socket, for an ordinary server without TLS and passwords.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.postgres.server().socket_dir
    }

    /// PostgreSQL's own port on 127.0.0.1, for an ordinary server without TLS, where
    /// [`Self::local_role`] has a password. The socket's name has the same number.
    #[must_use]
    pub fn tcp_port(&self) -> u16 {
        self.postgres.server().port
    }

    /// The role with a plain password.
    #[must_use]
    pub fn local_role(&self) -> &'static str {
        postgres::LOCAL_ROLE
    }

    /// The password of [`Self::local_role`].
    #[must_use]
    pub fn local_password(&self) -> &'static str {
        postgres::LOCAL_PASSWORD
    }

    /// The directory of PostgreSQL's programs, the real `psql` among them.
    #[must_use]
    pub fn postgres_bin_dir(&self) -> &Path {
        self.postgres.bin_dir()
    }

    /// Runs SQL as the superuser in database `postgres`; the rows of the last statement that has
    /// any, as text.
    ///
    /// # Errors
    ///
    /// Where PostgreSQL refuses.
    pub fn superuser_sql(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        self.postgres.server().sql("postgres", sql)
    }

    /// The Entra that everybody shares.
    #[must_use]
    pub fn entra(&self) -> &Entra {
        &self.entra
    }

    /// An Entra of one's own, to misbehave and to count requests.
    ///
    /// # Errors
    ///
    /// Where it cannot listen or make its certificate.
    pub fn new_entra(&self) -> Result<Entra> {
        Entra::start(&self.keys, &self.authority, &self.certificates)
    }

    /// A directory that holds the real `az` and nothing else, for PATH.
    #[must_use]
    pub fn az_dir(&self) -> &Path {
        self.azure_cli.dir()
    }

    /// The value for `LD_LIBRARY_PATH` with which psql runs on a libpq of PostgreSQL 18. Installed
    /// on first use.
    ///
    /// # Errors
    ///
    /// Where the package index is out of reach.
    pub fn newer_libpq(&self) -> Result<OsString> {
        Ok(psycopg::libraries(&self.psycopg()?))
    }

    /// The value for `PYTHONPATH` with which [`Self::python`] finds psycopg. Installed on first
    /// use.
    ///
    /// # Errors
    ///
    /// Where the package index is out of reach.
    pub fn psycopg(&self) -> Result<PathBuf> {
        psycopg::prepare(&self.cache, &self.python())
    }

    /// A Python, the Azure CLI's.
    #[must_use]
    pub fn python(&self) -> PathBuf {
        self.azure_cli.python()
    }

    /// A program of this machine; on Debian it is installed where it is missing and that may be.
    ///
    /// # Errors
    ///
    /// Where it is missing and cannot be installed.
    pub fn program(&self, name: &str) -> Result<PathBuf> {
        prerequisites::program(name)
    }

    /// Nushell. Installed on first use.
    ///
    /// # Errors
    ///
    /// Where npm is missing, or its registry out of reach.
    pub fn nushell(&self) -> Result<PathBuf> {
        nushell::prepare(&self.cache)
    }

    /// The variables with which the Azure CLI, signed in as `identity`, reaches `entra` and nothing
    /// else.
    #[must_use]
    pub fn az_env(&self, entra: &Entra, identity: Identity) -> Vec<(String, String)> {
        azure_cli::env(entra, &self.authority, identity)
    }

    /// Signs `identity` in to the Azure CLI for programs whose home is `home`: makes `home/.azure`,
    /// which must not exist.
    ///
    /// # Errors
    ///
    /// Where the profile cannot be copied.
    pub fn sign_in(&self, home: &Path, identity: Identity) -> Result<()> {
        self.azure_cli.sign_in(home, identity)
    }

    /// A database token, without asking Entra.
    #[must_use]
    pub fn issue(&self, identity: Identity, changes: &TokenChanges) -> String {
        token::issue(&self.keys, identity, clouds::PUBLIC.resource, None, changes).0
    }

    /// The certificate of this sort that the application `billing service` has registered.
    ///
    /// # Panics
    ///
    /// Where there is none.
    #[must_use]
    pub fn client_certificate(&self, kind: KeyKind) -> &ClientCertificate {
        self.certificates.of(kind).expect("one of each sort")
    }

    /// A certificate that nobody has registered, valid from so many days from now to so many.
    ///
    /// # Errors
    ///
    /// Where it cannot be made.
    pub fn new_client_certificate(
        &self,
        kind: KeyKind,
        days: (i64, i64),
    ) -> Result<ClientCertificate> {
        ClientCertificate::new(&self.authority, kind, days)
    }

    /// A new home directory in which `identity` is signed in. It is removed with the sandbox.
    ///
    /// # Errors
    ///
    /// Where it cannot be made.
    pub fn new_home(&self, identity: Identity) -> Result<PathBuf> {
        let home = tempfile::Builder::new()
            .prefix("home-")
            .tempdir_in(self.postgres.dir())?
            .keep();
        self.sign_in(&home, identity)?;
        Ok(home)
    }
}
