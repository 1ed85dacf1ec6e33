//! The names and values that cases are made of. Few of each, so that they meet: a host on the
//! command line is to be one that a password file knows.

use fastrand::Rng;

use super::oracle::Oracle;

pub const HOSTS: &[&[u8]] = &[
    b"mydb.postgres.database.azure.com",
    b"MyDB.Postgres.Database.Azure.Com",
    b"mydb.postgres.database.azure.com.",
    b"other.postgres.database.chinacloudapi.cn",
    b"mydb.postgres.database.azure.com.evil.example",
    b"mydb.postgres.database.azure.com:5432",
    b"evilpostgres.database.azure.com",
    b"db.example.org",
    b"localhost",
    b"LOCALHOST",
    b"127.0.0.1",
    b"::1",
    b"fe80::1%eth0",
    b"/var/run/postgresql",
    b"/var/run/postgresql/",
    b"/tmp",
    b"@abstract",
    b"my host",
    b"h\\x",
    b"h\xf6st",
    b"",
];
pub const ADDRESSES: &[&[u8]] = &[b"127.0.0.1", b"10.0.0.4", b"::1", b"db.example.org", b""];
pub const PORTS: &[&[u8]] = &[
    b"5432", b"6432", b"5433", b"05432", b" 5432 ", b"", b"0", b"65536", b"x", b"5432x",
];
pub const USERS: &[&[u8]] = &[
    b"alice",
    b"alice@contoso.com",
    b"Prod DB Readonly",
    b"Prod\\ DB\\ Readonly",
    b"it's",
    b"a:b",
    b"a\\b",
    b"J\xf6rg",
    b"J\xc3\xb6rg",
    b"%41",
    b"",
];
pub const DATABASES: &[&[u8]] = &[
    b"app",
    b"postgres",
    b"my db",
    b"a:b",
    b"a\\b",
    b"d\xff",
    b"?",
    b"*",
    b"",
];
pub const PASSWORDS: &[&[u8]] = &[
    b"secret",
    b"p:w\\d",
    b"p w",
    b"it's",
    b"\xe4\xf6",
    b"%",
    b"",
];
pub const SERVICES: &[&[u8]] = &[
    b"azure",
    b"azure",
    b"azure",
    b"local",
    b"my service",
    b"a]b",
    b"azu",
    b"",
];

/// One of `items`.
pub fn pick<T: Copy>(random: &mut Rng, items: &[T]) -> T {
    items[random.usize(..items.len())]
}

/// True so many times in a hundred.
pub fn often(random: &mut Rng, percent: u8) -> bool {
    random.u8(..100) < percent
}

/// One of `items`, or several with commas between.
pub fn list(random: &mut Rng, items: &[&[u8]]) -> Vec<u8> {
    let length = if often(random, 75) {
        1
    } else {
        random.usize(2..4)
    };
    let picked: Vec<_> = (0..length).map(|_| pick(random, items)).collect();
    picked.join(&b","[..])
}

/// A parameter and a value for it, right or wrong.
///
/// What libpq does not know yet is given now and then, and else passed over.
///
/// Left out: `gssencmode=require`, which hangs on how libpq was built; `client_encoding=auto`,
/// which hangs on the locale; and wrong values for `require_auth` and the keys, which only some
/// versions look at. Relative paths are left out too: many cases run in one process here, with one
/// directory.
pub fn parameter(random: &mut Rng) -> (&'static str, Vec<u8>) {
    const WORDS: &[(&str, &[&str])] = &[
        (
            "sslmode",
            &[
                "disable",
                "allow",
                "prefer",
                "require",
                "verify-ca",
                "verify-full",
                "Require",
                "",
            ],
        ),
        (
            "channel_binding",
            &["disable", "prefer", "require", "x", ""],
        ),
        ("gssencmode", &["disable", "prefer", "Prefer", ""]),
        (
            "target_session_attrs",
            &[
                "any",
                "read-write",
                "read-only",
                "primary",
                "standby",
                "prefer-standby",
                "none",
                "",
            ],
        ),
        (
            "ssl_min_protocol_version",
            &["TLSv1", "tlsv1.1", "TLSv1.2", "TLSv1.3", "SSLv3", ""],
        ),
        (
            "ssl_max_protocol_version",
            &["TLSv1", "TLSv1.1", "TLSV1.2", "TLSv1.3", "1.3", ""],
        ),
        ("requiressl", &["1", "0", "", "10"]),
        ("connect_timeout", &["5", "", "x"]),
        ("application_name", &["my app", ""]),
        ("fallback_application_name", &["fallback"]),
        ("client_encoding", &["UTF8", ""]),
        ("options", &["-c search_path=a", ""]),
        ("keepalives", &["0", "x"]),
        ("sslrootcert", &["/no/such/file", "system", ""]),
        ("sslcert", &["/no/such/file"]),
        ("sslpassword", &["p"]),
        ("sslsni", &["0"]),
        ("sslcompression", &["1"]),
        ("krbsrvname", &["postgres"]),
        ("replication", &["database", ""]),
        ("requirepeer", &["postgres"]),
        ("passfile", &["{dir}/pass", "{dir}/none", "{dir}/etc", ""]),
        ("sslcertmode", &["disable", "allow", "require", "x", ""]),
        (
            "require_auth",
            &["password", "!none", "scram-sha-256,none", ""],
        ),
        ("load_balance_hosts", &["disable", "random", "Random", ""]),
        ("gssdelegation", &["1"]),
        ("sslnegotiation", &["postgres", "direct", "directly", ""]),
        ("min_protocol_version", &["3.0", "3.2", "latest", "3", ""]),
        ("max_protocol_version", &["3.0", "3.2", "latest", "x", ""]),
        ("oauth_issuer", &["https://login.example.org"]),
        ("oauth_client_id", &["id", ""]),
        ("sslkeylogfile", &["/no/such/file"]),
        ("servicefile", &["{dir}/services", "{dir}/none"]),
    ];
    const UNKNOWN: &[&str] = &["ssl", "hostname", "User", "dbname ", "", "\u{e4}"];
    match random.u8(..22) {
        0..=5 => ("host", list(random, HOSTS)),
        6 => ("hostaddr", list(random, ADDRESSES)),
        7..=8 => ("port", list(random, PORTS)),
        9..=10 => ("user", pick(random, USERS).to_vec()),
        11..=12 => ("dbname", pick(random, DATABASES).to_vec()),
        13 => ("password", pick(random, PASSWORDS).to_vec()),
        14 => ("service", pick(random, SERVICES).to_vec()),
        15..=16 => ("sslmode", pick(random, WORDS[0].1).into()),
        17 if often(random, 30) => (pick(random, UNKNOWN), b"true".to_vec()),
        _ => {
            let (name, values) = pick(random, WORDS);
            let is_known = Oracle::get().plain.known.contains_key(name);
            if is_known || often(random, 10) {
                (name, pick(random, values).into())
            } else {
                parameter(random)
            }
        }
    }
}
