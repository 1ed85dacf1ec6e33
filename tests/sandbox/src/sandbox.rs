//! Everything together.

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

/// An Entra, an Azure server and a signed-in Azure CLI. Everything ends and is removed when this is
/// dropped, or when the process ends.
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
    /// Starts everything. The first run installs what is missing and the Azure CLI, which takes minutes
    /// and is reported on stderr. Later runs take less than a second.
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

    /// Returns the sandbox that all tests of a process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Sandbox> = OnceLock::new();
        SHARED.get_or_init(|| match Self::start() {
            Ok(sandbox) => sandbox,
            Err(error) => panic!("the sandbox did not start: {error:#}"),
        })
    }

    /// Returns the server's name. It has no address, so `PGHOSTADDR=127.0.0.1` must be set.
    pub fn host(&self) -> &'static str {
        clouds::PUBLIC.server
    }

    /// Returns the server's port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.gateway.port()
    }

    /// Returns the certificate of the authority of the server and Entra, as a PEM file.
    pub fn ca_file(&self) -> &Path {
        self.authority.file()
    }

    /// Returns the server.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Starts another server in front of the same databases.
    pub fn new_gateway(&self, manner: Manner) -> Result<Gateway> {
        let other = match manner {
            Manner::UnknownAuthority => Some(Authority::load_stranger(&self.cache)?),
            Manner::RetiredAuthority => Some(Authority::load_retired(&self.cache)?),
            _ => None,
        };
        let authority = other.as_ref().unwrap_or(&self.authority);
        Gateway::start(&self.keys, authority, self.postgres.server(), manner)
    }

    /// Returns the directory of PostgreSQL's socket, for connections without TLS and password.
    pub fn socket_dir(&self) -> &Path {
        &self.postgres.server().socket_dir
    }

    /// Returns PostgreSQL's own port on 127.0.0.1, for connections without TLS, as
    /// [`Self::local_role`] with a password. The socket's name has the same number.
    pub fn tcp_port(&self) -> u16 {
        self.postgres.server().port
    }

    /// Has PostgreSQL itself take connections over TLS on [`Self::tcp_port`], under the server's name
    /// and as 127.0.0.1, without the gateway. It asks for a cleartext password, as Azure's does, and
    /// checks it against the role's own.
    pub fn serve_tls(&self) -> Result<()> {
        let files = self.authority.server_files(&[self.host(), "127.0.0.1"])?;
        self.postgres.serve_tls(&files)
    }

    /// Returns the role with a plain password.
    pub fn local_role(&self) -> &'static str {
        postgres::LOCAL_ROLE
    }

    /// Returns the password of [`Self::local_role`].
    pub fn local_password(&self) -> &'static str {
        postgres::LOCAL_PASSWORD
    }

    /// Returns the directory of PostgreSQL's programs, with the real `psql`.
    pub fn postgres_bin_dir(&self) -> &Path {
        self.postgres.bin_dir()
    }

    /// Runs SQL as the superuser in database `postgres`. Returns the rows of the last statement that
    /// has any, as text.
    pub fn superuser_sql(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        self.postgres.server().sql("postgres", sql)
    }

    /// Returns the Entra that all tests share.
    pub fn entra(&self) -> &Entra {
        &self.entra
    }

    /// Starts an Entra for one test, to change its behaviour and count its requests.
    pub fn new_entra(&self) -> Result<Entra> {
        Entra::start(&self.keys, &self.authority, &self.certificates)
    }

    /// Returns a directory for `PATH` that holds the real `az` and nothing else.
    pub fn az_dir(&self) -> &Path {
        self.azure_cli.dir()
    }

    /// Returns the value for `LD_LIBRARY_PATH` that makes psql run on a libpq of PostgreSQL 18, and
    /// installs that on first use.
    pub fn newer_libpq(&self) -> Result<OsString> {
        Ok(psycopg::libraries(&self.psycopg()?))
    }

    /// Returns the value for `PYTHONPATH` that makes [`Self::python`] find psycopg, and installs that
    /// on first use.
    pub fn psycopg(&self) -> Result<PathBuf> {
        psycopg::prepare(&self.cache, &self.python())
    }

    /// Returns the Python of the Azure CLI.
    pub fn python(&self) -> PathBuf {
        self.azure_cli.python()
    }

    /// Returns a program of this machine. If it is missing, root on Debian installs it.
    pub fn program(&self, name: &str) -> Result<PathBuf> {
        prerequisites::program(name)
    }

    /// Returns Nushell, and installs it on first use.
    pub fn nushell(&self) -> Result<PathBuf> {
        nushell::prepare(&self.cache)
    }

    /// Returns the variables that lead the Azure CLI, signed in as `identity`, to `entra` and nothing
    /// else.
    pub fn az_env(&self, entra: &Entra, identity: Identity) -> Vec<(String, String)> {
        azure_cli::env(entra, &self.authority, identity)
    }

    /// Signs `identity` in to the Azure CLI for programs whose home is `home`: makes `home/.azure`,
    /// which must not exist.
    pub fn sign_in(&self, home: &Path, identity: Identity) -> Result<()> {
        self.azure_cli.sign_in(home, identity)
    }

    /// Returns a database token, without a request to Entra.
    pub fn issue(&self, identity: Identity, changes: &TokenChanges) -> String {
        token::issue(&self.keys, identity, clouds::PUBLIC.resource, None, changes).0
    }

    /// Returns the certificate of this sort that is registered for the application `billing service`.
    pub fn client_certificate(&self, kind: KeyKind) -> &ClientCertificate {
        self.certificates.find(kind).expect("one of each sort")
    }

    /// Makes a certificate that is not registered. `days` are the first and the last day of its
    /// validity, counted from now.
    pub fn new_client_certificate(
        &self,
        kind: KeyKind,
        days: (i64, i64),
    ) -> Result<ClientCertificate> {
        ClientCertificate::new(&self.authority, kind, days)
    }

    /// Makes a home directory where `identity` is signed in. It is removed with the sandbox.
    pub fn new_home(&self, identity: Identity) -> Result<PathBuf> {
        let home = tempfile::Builder::new()
            .prefix("home-")
            .tempdir_in(self.postgres.dir())?
            .keep();
        self.sign_in(&home, identity)?;
        Ok(home)
    }
}
