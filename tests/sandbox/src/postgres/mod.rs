//! A real PostgreSQL: found on this machine, and started in a temporary directory. It is gone when
//! this process ends, however that happens.

mod binaries;
mod cluster;
mod setup;
mod supervised;
mod template;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use tokio_postgres::{NoTls, SimpleQueryMessage};

pub use binaries::{Account, bin_dir, unprivileged_account};
pub use setup::{LOCAL_PASSWORD, LOCAL_ROLE};

use crate::{
    cache::{Cache, chown},
    runtime::wait,
};
use cluster::{Cluster, PATIENCE};

/// The superuser of every cluster here.
pub const SUPERUSER: &str = "postgres";

/// A running PostgreSQL with the roles and functions of an Azure server. Dropping it ends and
/// removes it.
#[derive(Debug)]
pub struct Postgres {
    cluster: Cluster,
    server: Server,
}

impl Postgres {
    /// Starts a copy of the prepared cluster in the cache, and prepares it on first use.
    pub fn start(cache: &Cache) -> Result<Self> {
        let cluster = Cluster::start(&template::prepare(cache)?)?;
        Ok(Self {
            server: cluster.server(),
            cluster,
        })
    }

    /// Returns how to reach it.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Returns the directory of its programs, with `psql`.
    pub fn bin_dir(&self) -> &Path {
        self.cluster.bin_dir()
    }

    /// Turns on TLS with a certificate and its key, in PEM, and asks for cleartext passwords there.
    pub(crate) fn serve_tls(&self, (certificate, key): &(String, String)) -> Result<()> {
        let data = self.cluster.data();
        let account = unprivileged_account()?.map(|account| (account.user, account.group));
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let file = data.join(name);
            fs::write(&file, text)?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
            chown(&file, account)?;
        }
        let rules = data.join("pg_hba.conf");
        let before = fs::read_to_string(&rules)?;
        fs::write(
            &rules,
            format!("hostssl all all 127.0.0.1/32 password\n{before}"),
        )?;
        self.server.sql("postgres", "ALTER SYSTEM SET ssl = on")?;
        self.server.sql("postgres", "SELECT pg_reload_conf()")?;
        let is_on = || {
            self.server
                .sql("postgres", "SHOW ssl")
                .map(|rows| rows[0][0].as_deref() == Some("on"))
        };
        let start = Instant::now();
        while !is_on()? {
            ensure!(start.elapsed() < PATIENCE, "PostgreSQL did not turn on TLS");
            sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Returns the temporary directory that it runs in, which is removed with it.
    pub(crate) fn dir(&self) -> &Path {
        self.cluster.dir()
    }
}

/// How to reach a PostgreSQL.
#[derive(Clone, Debug)]
pub struct Server {
    /// The directory of its socket, for connections without a password.
    pub socket_dir: PathBuf,
    /// The port on 127.0.0.1, which asks the role [`LOCAL_ROLE`] for a password. It is also the number
    /// in the socket's name.
    pub port: u16,
}

impl Server {
    /// The socket itself.
    pub(crate) fn socket(&self) -> PathBuf {
        self.socket_dir.join(format!(".s.PGSQL.{}", self.port))
    }

    /// Runs SQL as the superuser in a database. Returns the rows of the last statement that has any,
    /// as text.
    pub fn sql(&self, database: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let (server, database, sql) = (self.clone(), database.to_owned(), sql.to_owned());
        wait(async move { server.query(&database, &sql).await })
    }

    /// The same, for callers on the sandbox's own threads.
    pub(crate) async fn query(
        &self,
        database: &str,
        sql: &str,
    ) -> Result<Vec<Vec<Option<String>>>> {
        let mut config = tokio_postgres::Config::new();
        config
            .host_path(&self.socket_dir)
            .port(self.port)
            .user(SUPERUSER)
            .dbname(database);
        let (client, connection) = config
            .connect(NoTls)
            .await
            .context("cannot connect to the sandbox's PostgreSQL")?;
        let connection = tokio::spawn(connection);
        let messages = client
            .simple_query(sql)
            .await
            .map_err(|error| match error.as_db_error() {
                Some(refusal) => anyhow!("{}: {}", refusal.severity(), refusal.message()),
                None => error.into(),
            });
        drop(client);
        connection.await??;
        let mut rows = Vec::new();
        for message in messages? {
            match message {
                SimpleQueryMessage::RowDescription(_) => rows.clear(),
                SimpleQueryMessage::Row(row) => {
                    rows.push(
                        (0..row.len())
                            .map(|column| row.get(column).map(str::to_owned))
                            .collect(),
                    );
                }
                _ => {}
            }
        }
        Ok(rows)
    }
}

/// Writes a string as an SQL literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
