//! libpq's connection parameters, with the variable of each: those of every version from 13 on.
//!
//! Which libpq psql has is not known here, so that one reading serves all: what any of them takes
//! is taken. A libpq that is too old for a parameter refuses it, and a token was got for nothing;
//! the other way round, somebody who needs one would go without.

/// One parameter.
#[derive(Debug)]
pub struct Keyword {
    /// Its name in connection strings and service files.
    pub name: &'static str,
    /// The environment variable that gives it.
    pub variable: Option<&'static str>,
}

const fn with(name: &'static str, variable: &'static str) -> Keyword {
    Keyword {
        name,
        variable: Some(variable),
    }
}

const fn bare(name: &'static str) -> Keyword {
    Keyword {
        name,
        variable: None,
    }
}

/// Every parameter. A name that is not here is an error to every libpq.
pub const KEYWORDS: &[Keyword] = &[
    with("service", "PGSERVICE"),
    with("servicefile", "PGSERVICEFILE"),
    with("user", "PGUSER"),
    with("password", "PGPASSWORD"),
    with("passfile", "PGPASSFILE"),
    with("channel_binding", "PGCHANNELBINDING"),
    with("connect_timeout", "PGCONNECT_TIMEOUT"),
    with("dbname", "PGDATABASE"),
    with("host", "PGHOST"),
    with("hostaddr", "PGHOSTADDR"),
    with("port", "PGPORT"),
    with("client_encoding", "PGCLIENTENCODING"),
    with("options", "PGOPTIONS"),
    with("application_name", "PGAPPNAME"),
    bare("fallback_application_name"),
    bare("keepalives"),
    bare("keepalives_idle"),
    bare("keepalives_interval"),
    bare("keepalives_count"),
    bare("tcp_user_timeout"),
    with("sslmode", "PGSSLMODE"),
    with("sslnegotiation", "PGSSLNEGOTIATION"),
    with("sslcompression", "PGSSLCOMPRESSION"),
    with("sslcert", "PGSSLCERT"),
    with("sslkey", "PGSSLKEY"),
    bare("sslpassword"),
    with("sslcertmode", "PGSSLCERTMODE"),
    with("sslrootcert", "PGSSLROOTCERT"),
    with("sslcrl", "PGSSLCRL"),
    with("sslcrldir", "PGSSLCRLDIR"),
    with("sslsni", "PGSSLSNI"),
    bare("sslkeylogfile"),
    with("requirepeer", "PGREQUIREPEER"),
    with("require_auth", "PGREQUIREAUTH"),
    with("min_protocol_version", "PGMINPROTOCOLVERSION"),
    with("max_protocol_version", "PGMAXPROTOCOLVERSION"),
    with("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    with("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    with("gssencmode", "PGGSSENCMODE"),
    with("krbsrvname", "PGKRBSRVNAME"),
    with("gsslib", "PGGSSLIB"),
    with("gssdelegation", "PGGSSDELEGATION"),
    bare("replication"),
    with("target_session_attrs", "PGTARGETSESSIONATTRS"),
    with("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    bare("scram_client_key"),
    bare("scram_server_key"),
    bare("oauth_issuer"),
    bare("oauth_client_id"),
    bare("oauth_client_secret"),
    bare("oauth_scope"),
];

/// The parameters whose values are secrets.
pub const SECRETS: [&str; 5] = [
    "password",
    "sslpassword",
    "scram_client_key",
    "scram_server_key",
    "oauth_client_secret",
];

/// What libpq 13 still took, without any effect.
pub const WITHOUT_EFFECT: [&[u8]; 2] = [b"authtype", b"tty"];

/// The place of a parameter in [`KEYWORDS`].
pub fn position(name: &[u8]) -> Option<usize> {
    KEYWORDS
        .iter()
        .position(|keyword| keyword.name.as_bytes() == name)
}
