//! Makes cases in which a token may be due: hosts that are mostly Azure's, and every way to say how
//! a connection is protected, each in every place that libpq takes it from.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entra_psql::testing::libpq::conninfo::escaped;
use entra_psql::testing::libpq::keywords::KEYWORDS;
use fastrand::Rng;

use super::case::{Case, File, Kind, Segment};
use super::pools::{self, often, pick};
use super::surroundings;

/// Names that [`TRUSTED_NAMES`] vouch for.
const TRUSTED_HOSTS: (&str, &[u8]) = (
    "ENTRA_PSQL_TRUSTED_HOSTS",
    b"db.example.org,.vouched.example",
);
const TRUSTED_NAMES: &[&[u8]] = &[b"db.example.org", b"a.vouched.example"];

const SUFFIXES: &[&[u8]] = &[
    b".postgres.database.azure.com",
    b".postgres.database.usgovcloudapi.net",
    b".postgres.database.chinacloudapi.cn",
    b".postgres.database.cloudapi.de",
    b".postgres.database.sovcloud-api.fr",
    b".postgres.cosmos.azure.com",
];

const AZURE_HOSTS: &[&[u8]] = &[
    b"mydb.postgres.database.azure.com",
    b"mydb.postgres.database.azure.com",
    b"MyDB.Postgres.Database.Azure.Com",
    b"mydb.privatelink.postgres.database.azure.com",
    b"other.postgres.database.azure.com",
    b"other.postgres.database.chinacloudapi.cn",
];

/// Names of strangers, and addresses in the spellings that the system takes.
const STRANGERS: &[&[u8]] = &[
    b"stranger.example",
    b"mydb",
    b"127.1",
    b"0x7f.1",
    b"2130706433",
    b"0177.0.0.1",
    b"mydb.postgres.database.azure.com.",
    b"mydb.postgres.database.azure.com.evil.example",
];

const TLS_MODES: &[&[u8]] = &[
    b"verify-full",
    b"verify-full",
    b"verify-full",
    b"require",
    b"require",
    b"require",
    b"verify-ca",
    b"verify-ca",
    b"prefer",
    b"allow",
    b"disable",
];

const GSS_MODES: &[&[u8]] = &[b"disable", b"disable", b"disable", b"prefer", b"require"];

/// An unsigned token for `audience` that ends so many seconds from now.
fn token(audience: &str, seconds: i64) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = i64::try_from(now.expect("a clock after 1970").as_secs()).expect("a time");
    let claims = format!(
        r#"{{"aud":"{audience}","exp":{},"upn":"alice@contoso.com"}}"#,
        now + seconds
    );
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)).into_bytes()
}

/// Tokens, by what they are for.
pub struct Tokens {
    /// What `ENTRA_PSQL_TOKEN` holds.
    pub ready: Vec<u8>,
    /// What `PGPASSWORD` may hold from an earlier launch, with time left.
    pub inherited: Vec<u8>,
    /// The same, without.
    pub expired: Vec<u8>,
}

impl Tokens {
    pub fn new() -> Self {
        const DATABASES: &str = "https://ossrdbms-aad.database.windows.net";
        Self {
            ready: token(DATABASES, 86_400),
            inherited: token(DATABASES, 43_200),
            expired: token(DATABASES, -60),
        }
    }
}

/// A whole case.
pub fn case(random: &mut Rng, tokens: &Tokens) -> Case {
    let mut case = if often(random, 20) {
        noise(random)
    } else {
        Case::default()
    };
    let places = random.usize(1..4);
    let with_host = random.usize(..places);
    for n in 0..places {
        place(random, &mut case, n == with_host);
    }
    variables(random, &mut case, tokens);
    own_words(random, &mut case);
    // A variable has one value, and a path one file: what came last, over the noise.
    let mut names = HashSet::new();
    case.variables.reverse();
    case.variables
        .retain(|(name, _)| names.insert(name.clone()));
    let mut paths = HashSet::new();
    case.files.reverse();
    case.files.retain(|file| paths.insert(file.path));
    case
}

/// A case of the other grammar, with Azure's hosts in the place of most others, and without what
/// seldom connects.
fn noise(random: &mut Rng) -> Case {
    let mut case = surroundings::case(random);
    case.segments
        .retain(|segment| !matches!(segment.kind, Kind::Ends | Kind::Own | Kind::Program));
    // Then psql is not run.
    case.variables
        .retain(|(name, _)| name != "ENTRA_PSQL_DRY_RUN");
    for (from, to) in [
        (&b"db.example.org"[..], AZURE_HOSTS[0]),
        (b"localhost", AZURE_HOSTS[2]),
        (b"127.0.0.1", AZURE_HOSTS[4]),
        (b"/tmp", AZURE_HOSTS[0]),
    ] {
        if often(random, 80) {
            case.replace(from, to);
        }
    }
    case
}

fn hosts(random: &mut Rng) -> Vec<u8> {
    let length = if often(random, 75) {
        1
    } else {
        random.usize(2..4)
    };
    let names: Vec<&[u8]> = (0..length)
        .map(|_| match random.u8(..100) {
            0..=84 => pick(random, AZURE_HOSTS),
            85..=91 => pick(random, TRUSTED_NAMES),
            92..=96 => pick(random, STRANGERS),
            _ => pick(random, pools::HOSTS),
        })
        .collect();
    names.join(&b","[..])
}

/// Parameters that stand in one place together.
fn parameters(random: &mut Rng, with_host: bool) -> Vec<(&'static str, Vec<u8>)> {
    let mut given: Vec<(&str, Vec<u8>)> = Vec::new();
    let pools: [(u8, &str, &[&[u8]]); 8] = [
        (30, "sslmode", TLS_MODES),
        (8, "gssencmode", GSS_MODES),
        (6, "requiressl", &[b"1", b"0", b""]),
        (12, "hostaddr", &[b"127.0.0.1", b"10.0.0.4", b"::1"]),
        (20, "user", pools::USERS),
        (25, "dbname", &[b"app", b"postgres"]),
        (2, "password", &[b"secret", b""]),
        (8, "sslrootcert", &[b"/no/such/file", b"system", b""]),
    ];
    if with_host || often(random, 20) {
        given.push(("host", hosts(random)));
    }
    for (percent, name, values) in pools {
        if often(random, percent) {
            given.push((name, pick(random, values).to_vec()));
        }
    }
    if often(random, 10) {
        given.push(pools::parameter(random));
    }
    given
}

/// Says something about the connection in one of the places from which libpq takes it.
fn place(random: &mut Rng, case: &mut Case, with_host: bool) {
    let given = parameters(random, with_host);
    match random.u8(..10) {
        0..=1 => {
            let pair =
                |(name, value): &(&str, Vec<u8>)| [name.as_bytes(), b"=", &escaped(value)].concat();
            let word = given.iter().map(pair).collect::<Vec<_>>().join(&b' ');
            case.add_words([b"-d".to_vec(), word]);
        }
        2..=3 => {
            let pair = |(name, value): &(&str, Vec<u8>)| {
                [name.as_bytes(), b"=", &percent_encoded(value)].concat()
            };
            let query = given.iter().map(pair).collect::<Vec<_>>().join(&b'&');
            let word = [&b"postgresql://"[..], b"/?", &query].concat();
            case.segments.push(Segment::new(Kind::Operand, [word]));
        }
        4..=5 => {
            for (name, value) in given {
                let option = match name {
                    "host" => &b"-h"[..],
                    "user" => b"-U",
                    "dbname" => b"-d",
                    _ => continue,
                };
                case.add_words([option.to_vec(), value]);
            }
        }
        6..=7 => service(random, case, given),
        _ => {
            for (name, value) in given {
                let keyword = KEYWORDS.iter().find(|keyword| keyword.name == name);
                match keyword.and_then(|keyword| keyword.variable) {
                    Some(variable) => case.variables.push((variable.to_owned(), value)),
                    None if name == "requiressl" => {
                        case.variables.push(("PGREQUIRESSL".to_owned(), value));
                    }
                    None => {}
                }
            }
        }
    }
}

fn percent_encoded(text: &[u8]) -> Vec<u8> {
    // Filled in later, and right as it is.
    if text.starts_with(b"{dir}") {
        return text.to_vec();
    }
    let encoded = |byte: &u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b".-,_".contains(byte) => vec![*byte],
        byte => format!("%{byte:02x}").into_bytes(),
    };
    text.iter().flat_map(encoded).collect()
}

/// Settings of ours, which are comments to libpq. The last two are refused where a token is due.
const OWN_LINES: &[&[u8]] = &[
    b"#entra-psql renew=off\n",
    b"  #entra-psql\trenew='off' cloud=AzureCloud\r\n",
    b"#entra-psql group='Some Readers' auth=env\n",
    b"#entra-psql auth=env\n",
    b"#entra-psql\n",
    b"#entra-psqlx\n",
    b"# entra-psql host=elsewhere\n",
    b"#entra-psql entra=1 trusted-hosts=stranger.example\n",
    b"#entra-psql resource=https://vault.azure.net\n",
];

fn service(random: &mut Rng, case: &mut Case, given: Vec<(&'static str, Vec<u8>)>) {
    let mut text = b"[azure]\n".to_vec();
    for (name, value) in given {
        text.extend([name.as_bytes(), b"=", &value, b"\n"].concat());
        if often(random, 20) {
            text.extend_from_slice(pick(random, OWN_LINES));
        }
    }
    if often(random, 30) {
        text.extend_from_slice(b"[local]\nhost=localhost\nsslmode=disable\n");
    }
    let path = match random.u8(..3) {
        0 => "home/.pg_service.conf",
        1 => {
            case.variables
                .push(("PGSERVICEFILE".to_owned(), b"{dir}/services".to_vec()));
            "services"
        }
        _ => {
            case.variables
                .push(("PGSYSCONFDIR".to_owned(), b"{dir}/etc".to_vec()));
            "etc/pg_service.conf"
        }
    };
    case.files.push(File {
        path,
        mode: 0o644,
        text: Some(text),
    });
    if often(random, 60) {
        case.variables
            .push(("PGSERVICE".to_owned(), b"azure".to_vec()));
    } else {
        case.add_words([b"-d".to_vec(), b"service=azure".to_vec()]);
    }
}

fn variables(random: &mut Rng, case: &mut Case, tokens: &Tokens) {
    let passwords: [&[u8]; 4] = [&tokens.inherited, &tokens.expired, b"secret", b""];
    let (trusted, names) = TRUSTED_HOSTS;
    let pools: [(u8, &str, &[&[u8]]); 9] = [
        (100, "HOME", &[b"{dir}/home"]),
        (30, "PGSSLMODE", TLS_MODES),
        (15, "PGREQUIRESSL", &[b"1", b"0", b"", b"10"]),
        (10, "PGGSSENCMODE", GSS_MODES),
        (12, "PGPASSWORD", &passwords),
        (60, trusted, &[names]),
        (4, "ENTRA_PSQL_NO_ENTRA", &[b"1"]),
        (3, "ENTRA_PSQL_GROUP", &[b"Readers"]),
        (6, "PGSERVICE", &[b"azure", b"local"]),
    ];
    for (percent, name, values) in pools {
        if often(random, percent) {
            let value = pick(random, values).to_vec();
            case.variables.push((name.to_owned(), value));
        }
    }
    if often(random, 12) {
        let lines: &[&[u8]] = &[
            b"*:*:*:*:filed\n",
            b"localhost:*:*:*:filed\n",
            b"mydb.postgres.database.azure.com:*:*:*:filed\n",
        ];
        case.files.push(File {
            path: "home/.pgpass",
            mode: 0o600,
            text: Some(pick(random, lines).to_vec()),
        });
    }
}

/// Words of ours, before all others: some of the others may end what psql reads.
fn own_words(random: &mut Rng, case: &mut Case) {
    let words: [(u8, &[&str]); 9] = [
        (40, &["--auth", "env"]),
        (12, &["--entra"]),
        (3, &["--no-entra"]),
        (4, &["--group=Readers"]),
        (4, &["--tenant", "x"]),
        (3, &["--single-server"]),
        (4, &["--cloud=AzureCloud"]),
        (4, &["--resource=https://ossrdbms-aad.database.windows.net"]),
        (4, &["--entra-verbose"]),
    ];
    for (percent, words) in words {
        if often(random, percent) {
            let segment = Segment::new(Kind::Own, words.iter().copied());
            case.segments.insert(0, segment);
        }
    }
}

/// Whether a token may go to `host` where `case` vouches for it or Azure's own names do. No address
/// is a name, in whatever spelling.
pub fn is_trusted(host: &[u8], case: &Case) -> bool {
    let is_number = |label: &[u8]| {
        let label = label.to_ascii_lowercase();
        let digits = label.strip_prefix(b"0x").unwrap_or(&label);
        !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit) && label[0].is_ascii_digit()
    };
    let is_label = |label: &[u8]| {
        let is_plain = |&b: &u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
        !label.is_empty() && label.iter().all(is_plain)
    };
    let labels: Vec<&[u8]> = host.split(|&b| b == b'.').collect();
    let is_name =
        labels.iter().all(|label| is_label(label)) && !labels.iter().all(|label| is_number(label));
    let is_azures = || {
        let lower = host.to_ascii_lowercase();
        SUFFIXES.iter().any(|suffix| lower.ends_with(suffix))
    };
    let is_listed = || {
        let (trusted, _) = TRUSTED_HOSTS;
        case.has_variable(trusted) && TRUSTED_NAMES.contains(&host)
    };
    is_name && (case.has_own("--entra") || is_azures() || is_listed())
}
