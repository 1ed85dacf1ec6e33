//! What az, azd and psql write: answers, complaints, az's configuration, and psql's version and
//! complaints.

use std::process::ExitStatus;
use std::time::SystemTime;

use entra_psql::testing::doctor::judge::session::{self, Who};
use entra_psql::testing::psql;
use entra_psql::testing::token::azd;
use entra_psql::testing::token::azure_cli::{self, active_cloud, error::AzError};

use crate::hunt::hunt;

const RESOURCE: &str = "https://ossrdbms-aad.database.windows.net";

/// How a program ends that failed with this code.
#[cfg(unix)]
fn status(code: i32) -> ExitStatus {
    std::os::unix::process::ExitStatusExt::from_raw(code << 8)
}

/// How a program ends that failed with this code.
#[cfg(windows)]
fn status(code: u32) -> ExitStatus {
    std::os::windows::process::ExitStatusExt::from_raw(code)
}

#[test]
fn complaints_of_az() {
    let samples: [&[u8]; 7] = [
        b"ERROR: Please run 'az login' to setup account.\n",
        b"ERROR: AADSTS70043: The refresh token has expired or is invalid due to sign-in frequency checks by conditional access. Trace ID: 3f5a Correlation ID: 9 Timestamp: 2026-01-01 00:00:00Z\nInteractive authentication is needed. Please run:\naz logout\naz login --tenant \"c0a51b7e-1b5c\" --scope \"https://ossrdbms-aad.database.windows.net/.default\"\n",
        b"ERROR: The command failed with an unexpected error. Here is the traceback:\nERROR: HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: /x (Caused by ProxyError('Cannot connect to proxy.'))\nTraceback (most recent call last):\n  File \"/opt/az/lib/x.py\", line 1, in <module>\nTo open an issue, please run: 'az feedback'\n",
        b"Traceback (most recent call last):\n  File \"x\", line 1\nModuleNotFoundError: No module named 'encodings'\n",
        b"WARNING: x\r\nERROR: User 'a@b' does not exist in MSAL token cache. Run `az login`.\r\n",
        b"/usr/bin/az: line 2: /opt/az/bin/python3: No such file or directory\n",
        b"ERROR: via http://user:password@proxy:80 with access_token=eyJ0eXAiOiJKV1Qi.eyJhdWQiOiJodHRwczovLyJ9.c2ln\x1b[31m\n",
    ];
    hunt(&samples, |stderr| {
        for code in [1, 127] {
            let complaint = AzError::read(stderr, status(code));
            let _ = complaint.is_lost_race();
            let _ = complaint.failure("get a token");
        }
    });
}

#[test]
fn answers_of_az() {
    let samples: [&[u8]; 6] = [
        b"{\n  \"accessToken\": \"e30.eyJhdWQiOiJodHRwczovL29zc3JkYm1zLWFhZC5kYXRhYmFzZS53aW5kb3dzLm5ldCIsImV4cCI6OTk5OTk5OTk5OX0.c2ln\",\n  \"expiresOn\": \"2026-01-01 10:00:00.000000\",\n  \"expires_on\": 1767258000,\n  \"subscription\": \"s\",\n  \"tenant\": \"t\",\n  \"tokenType\": \"Bearer\"\n}\n",
        b"{\"accessToken\": null}",
        b"{\"id\": \"1-2\", \"userPrincipalName\": \"a_home.example#EXT#@contoso.example\", \"displayName\": \"Alice \\u00e4\"}",
        b"[{\"displayName\": \"Readers\", \"id\": \"1\"}]",
        b"\"text\"",
        b"[[[[[[[[1]]]]]]]]",
    ];
    hunt(&samples, |stdout| {
        let Ok(answer) = azure_cli::read(stdout, "get a token") else {
            return;
        };
        let _ = azure_cli::name_in(&answer, "userPrincipalName", Some("1-2"));
        let _ = azure_cli::token_in(answer.clone(), Some(RESOURCE), SystemTime::now());
        let _ = azure_cli::token_in(answer, None, SystemTime::now());
    });
}

#[test]
fn configurations_of_az() {
    let samples: [&[u8]; 3] = [
        b"[core]\nname = x\n\n[cloud]\nprofile = latest\nname = AzureChinaCloud\n",
        b"[cloud]\r\nName: AzureUSGovernment\r\n# c\n[defaults]\n",
        b"\xef\xbb\xbf[cloud]\nname=\n",
    ];
    hunt(&samples, |config| {
        let _ = active_cloud::configured(&String::from_utf8_lossy(config));
    });
}

#[test]
fn complaints_of_azd() {
    let samples: [&[u8]; 4] = [
        b"ERROR: not logged in, run `azd auth login` to login\n",
        b"{\"type\":\"consoleMessage\",\"timestamp\":\"2026-11-20T10:00:00Z\",\"data\":{\"message\":\"\\nERROR: not logged in, run `azd auth login --tenant-id x` to login\\n\"}}\n",
        b"ERROR: fetching token: failed to authenticate:\n(invalid_grant) AADSTS50076: Due to a change. Trace ID: x\n",
        b"{\"data\":[]}\n{\"data\":{\"message\":1}}\n",
    ];
    hunt(&samples, |stderr| drop(azd::error::failure(stderr)));
}

#[test]
fn answers_of_azd() {
    let samples: [&[u8]; 4] = [
        b"{\n  \"token\": \"e30.eyJhdWQiOiJodHRwczovL29zc3JkYm1zLWFhZC5kYXRhYmFzZS53aW5kb3dzLm5ldCIsImV4cCI6OTk5OTk5OTk5OX0.c2ln\",\n  \"expiresOn\": \"2026-01-01T10:00:00Z\"\n}\n",
        b"{\"token\": null}",
        b"{\"token\": {\"token\": \"\"}}",
        b"[{\"token\": 1}]",
    ];
    hunt(&samples, |stdout| {
        let _ = azd::token_in(stdout, RESOURCE, SystemTime::now());
    });
}

#[test]
fn complaints_of_psql() {
    let samples: [&[u8]; 7] = [
        b"psql: error: connection to server at \"mydb.postgres.database.azure.com\" (10.0.0.4), port 5432 failed: FATAL:  role \"x\" does not exist\n",
        b"psql: error: connection to server at \"h\" (::1), port 1 failed: Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?\n",
        b"psql: error: FATAL:  Azure AD access token does not have a valid audience claim. Please acquire a new token for the resource \"https://r\".\n",
        b"psql: Fehler: FATAL:  password authentication failed for user \"O'Brien \\x\"\n",
        b"FATAL:  The Microsoft Entra access token has expired. Acquire a new token and try again.\nFATAL:  no pg_hba.conf entry\n",
        b"FATAL:  Service Principals cannot generate AAD_AUTH_TOKENTYPE_APP_USER tokens for role[x]\n",
        b"FATAL:  permission denied for database \"app\"\nDETAIL:  User does not have CONNECT privilege.\n",
    ];
    let who = |is_group, oid: Option<&str>, has_token| Who {
        database_is_role: false,
        role: "O'Brien \"x\"".to_owned(),
        database: "app".to_owned(),
        is_group,
        is_application: !is_group,
        oid: oid.map(str::to_owned),
        has_token,
        host: "mydb.postgres.database.azure.com".to_owned(),
        ..Who::default()
    };
    let everyone = [
        who(false, Some("1-2"), true),
        who(true, None, true),
        who(false, None, false),
    ];
    hunt(&samples, |stderr| {
        let cause = session::cause(&String::from_utf8_lossy(stderr));
        for who in &everyone {
            let _ = session::remedies(&cause, who);
        }
    });
}

#[test]
fn versions_of_psql() {
    let samples: [&[u8]; 4] = [
        b"psql (PostgreSQL) 16.14\r\n",
        b"psql (PostgreSQL) 19devel\n",
        b"psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)",
        b"psql (EDB) 9.6.1",
    ];
    hunt(&samples, |said| {
        let _ = psql::version::major(&String::from_utf8_lossy(said));
    });
}
