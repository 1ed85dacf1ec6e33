//! What turns a new PostgreSQL into an Azure server: settings, roles, and the functions that map
//! roles to principals.

use super::literal;
use crate::directory::{DATABASE_ADMINISTRATORS, GROUPS, Identity, TENANT};

/// The role with a plain password, for connections as to an ordinary server.
pub const LOCAL_ROLE: &str = "reporting";

/// The password of [`LOCAL_ROLE`].
pub const LOCAL_PASSWORD: &str = "plain old password";

/// `postgresql.conf`. Nothing here must survive a crash.
pub(super) const CONFIGURATION: &str = "\
autovacuum = off
fsync = off
full_page_writes = off
logging_collector = off
max_connections = 600
max_wal_size = 64MB
min_wal_size = 2MB
pgaadauth.enable_group_sync = off
shared_buffers = 16MB
synchronous_commit = off
timezone = UTC
wal_level = replica
max_wal_senders = 4
";

/// `pg_hba.conf`. The gateway, which has checked a token, connects through the socket, which is only
/// open to the server's own user.
pub(super) const AUTHENTICATION: &str = "\
local all all trust
local replication all trust
host  all all 127.0.0.1/32 scram-sha-256
";

/// The functions and their tables.
const FUNCTIONS: &str = include_str!("setup.sql");

/// Returns the SQL that is run once, in database `postgres`.
pub(super) fn script() -> String {
    let mut script = FUNCTIONS.replace("@TENANT@", TENANT);
    let mut add = |statement: String| {
        script.push_str(&statement);
        script.push_str(";\n");
    };
    for identity in Identity::ALL {
        let kind = if identity.is_user() {
            "user"
        } else {
            "service"
        };
        add(format!(
            "INSERT INTO pgaadauth.directory VALUES ('{}', {}, '{kind}')",
            identity.oid(),
            literal(identity.name())
        ));
    }
    for group in GROUPS {
        add(format!(
            "INSERT INTO pgaadauth.directory VALUES ('{}', {}, 'group')",
            group.oid,
            literal(group.name)
        ));
        for member in group.members {
            add(format!(
                "INSERT INTO pgaadauth.members VALUES ('{}', '{}')",
                group.oid,
                member.oid()
            ));
        }
        let admin = group.oid == DATABASE_ADMINISTRATORS.oid;
        add(format!(
            "SELECT pgaadauth_create_principal({}, {admin}, false)",
            literal(group.name)
        ));
    }
    // Carol is left for a test or a person to map with the functions.
    for identity in Identity::ALL
        .into_iter()
        .filter(|identity| *identity != Identity::Carol)
    {
        add(format!(
            "SELECT pgaadauth_create_principal({}, false, false)",
            literal(identity.name())
        ));
    }
    add(format!(
        "SET password_encryption = 'scram-sha-256'; CREATE ROLE {LOCAL_ROLE} LOGIN PASSWORD {}",
        literal(LOCAL_PASSWORD)
    ));
    script
}
