//! Command lines, connection strings, URIs, service files and password files.

use entra_psql::testing::cli::{self, Options};
use entra_psql::testing::libpq::parameters::Parameters;
use entra_psql::testing::libpq::passfile::{self, Lookup};
use entra_psql::testing::libpq::target::Target;
use entra_psql::testing::libpq::{conninfo, service, uri};
use entra_psql::testing::psql::command_line::{CommandLine, Outcome};
use entra_psql::testing::system::platform;

use crate::hunt::{LONGEST_ARGUMENT, hunt, hunt_up_to};

#[test]
fn connection_strings() {
    let samples: [&[u8]; 4] = [
        b"host=mydb.postgres.database.azure.com port=5432 dbname=app user='Prod DB Readonly' sslmode=require",
        b"user = 'it\\'s' password=p\\ w hostaddr=10.0.0.1,10.0.0.2 host=a,b port=1,2",
        b"requiressl=1 options='-c search_path=a' ssl_min_protocol_version=TLSv1.2 target_session_attrs=any",
        b"user=a\\",
    ];
    hunt_up_to(LONGEST_ARGUMENT, &samples, |text| {
        let mut parameters = Parameters::none();
        if conninfo::read(text, &mut parameters).is_ok() {
            let _ = Target::settle(parameters);
        }
        let _ = conninfo::escaped(text);
    });
}

#[test]
fn uris() {
    let samples: [&[u8]; 5] = [
        b"postgresql://alice%40contoso.com:p%3aw@mydb.postgres.database.azure.com:5432/app?sslmode=require&connect_timeout=5",
        b"postgres://a,b:2,[::1]:5/d?host=x&ssl=true",
        b"postgresql://%2fvar%2frun/db?user=u#f",
        b"postgres://[fe80::1%25eth0]/",
        b"postgresql://",
    ];
    hunt_up_to(LONGEST_ARGUMENT, &samples, |text| {
        let mut parameters = Parameters::none();
        let _ = uri::is_uri(text);
        if uri::read(text, &mut parameters).is_ok() {
            let _ = Target::settle(parameters);
        }
    });
}

#[test]
fn service_files() {
    let samples: [&[u8]; 3] = [
        b"# mine\n[azure]\nhost=mydb.postgres.database.azure.com\nport=5432\nuser=Prod DB Readonly\nsslmode=verify-full\n\n[local]\nhost=localhost\n",
        b"[b]\r\nldap://x/y\r\n  [azure] \r\ndbname=app\r\n",
        b"[azure]\nhost=x\n#entra-psql tenant=contoso.example group='Prod \\'DB\\\\' auth=azure-cli\n",
    ];
    hunt(&samples, |text| {
        let mut parameters = Parameters::none();
        if service::read(text, b"azure", &mut parameters).is_ok() {
            for line in parameters.own_lines() {
                let _ = service::own_settings(line);
            }
            let _ = Target::settle(parameters);
        }
    });
}

#[test]
fn password_files() {
    let samples: [&[u8]; 3] = [
        b"#mine\nmydb.postgres.database.azure.com:5432:app:alice@contoso.com:secret\n*:*:*:*:p\\:w\\\\d\n",
        b"\\:\\:1:5432:app:a\\\\b:x\r\n::1:*:app:*:y\r\n",
        b"localhost:*:*",
    ];
    let lookup = Lookup {
        host: b"::1",
        port: b"5432",
        database: b"app",
        user: b"a\\b",
    };
    hunt(&samples, |text| {
        let _ = passfile::has_password(text, lookup);
    });
}

/// Words are split at line breaks here; a word has no NUL.
#[test]
fn command_lines() {
    let samples: [&[u8]; 5] = [
        b"-h\nmydb.postgres.database.azure.com\n--group\nProd DB Readonly\n-d\napp\n-c\nselect 1",
        b"--auth=env\n--timeout\n20\n-qAtX\npostgresql://alice@h/app?sslmode=require\nbob",
        b"--dbname=host=h user=u\n--port=5432,5433\n-Ualice\n-W\n--\n-V\n--entra",
        b"--set=ON_ERROR_STOP=1\n-Pborder=2\n-vx=y\n-1f\nfile\n--exec\npg_dump\n-Fc",
        b"--print-env=sh\n--cloud=AzureCloud\n--resource=https://r\n--tenant=t\n--client-id=1\n--subscription=s\n--psql=/p\n--hel",
    ];
    hunt_up_to(LONGEST_ARGUMENT, &samples, |text| {
        let words = || text.split(|&byte| byte == b'\n');
        let word = |bytes: &[u8]| {
            let bytes: Vec<u8> = bytes.iter().copied().filter(|&b| b != 0).collect();
            platform::os_string(&bytes)
        };
        for posix in [false, true] {
            let line = CommandLine::read(words().map(word).collect(), posix, cli::is_own);
            if let Outcome::Connects(wanted) = &line.outcome
                && let Ok(parameters) = Parameters::of_command_line(wanted)
            {
                let _ = Target::settle(parameters);
            }
            // Reading our own options takes a thousand times as long as finding them.
            if !line.own.is_empty() && text.len() % 8 == 0 {
                let _ = Options::of_command_line(line.own);
            }
        }
    });
}
