//! Where things are on Windows: programs, libpq's files, and the roots in the system's store.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sandbox::Identity;

use crate::support::{Test, VERSIONS, directory_of_program, nobody, signed_in};
use crate::user::User;
use crate::wine;

pub const TESTS: &[Test] = &[
    (
        "nothing_is_run_from_the_current_directory",
        nothing_is_run_from_the_current_directory,
    ),
    (
        "psql_is_found_where_it_is_installed",
        psql_is_found_where_it_is_installed,
    ),
    (
        "a_script_without_an_extension_is_no_az",
        a_script_without_an_extension_is_no_az,
    ),
    (
        "libpqs_files_are_those_of_the_account",
        libpqs_files_are_those_of_the_account,
    ),
    (
        "roots_come_from_the_systems_store",
        roots_come_from_the_systems_store,
    ),
];

fn nothing_is_run_from_the_current_directory() {
    let planted = ["az.cmd", "psql.cmd", "az.bat", "psql.bat"];
    let user = planted
        .iter()
        .fold(signed_in("18", Identity::Alice), |user, name| {
            user.file(name, "@echo planted\r\n@exit 9\r\n")
        });
    let user = user.asks_who();
    user.run()
        .is_signed_in("alice@contoso.example", "postgres", 1);
    // Nor where there is no other.
    fs::remove_file(user.home.path().join("bin/az.cmd")).expect("a file");
    user.args(["--fresh", "--auth", "azure-cli"]).run().fails(
        2,
        "the Azure CLI (`az`) was not found on `PATH`",
        "",
    );
}

fn psql_is_found_where_it_is_installed() {
    let user = nobody("18").var("PATH", directory_of_program());
    user.args(["-V"]).run().fails(127, "psql was not found", "");
    let user = nobody("18");
    let programs = user.home.path().join("Program Files");
    for version in ["9.6", "18"] {
        fs::create_dir_all(programs.join("PostgreSQL").join(version).join("bin")).expect("a place");
    }
    for file in fs::read_dir(&user.account().psql).expect("psql's directory") {
        let file = file.expect("a file");
        let copy = programs.join("PostgreSQL/18/bin").join(file.file_name());
        fs::copy(file.path(), copy).expect("a copy");
    }
    fs::write(
        programs.join("PostgreSQL/9.6/bin/psql.exe"),
        "not the newest",
    )
    .expect("a file");
    let programs = user.windows_path("Program Files");
    let path = wine::windows(Path::new(&directory_of_program()));
    // Wine sets the real variable anew for each program; a batch file comes after that.
    let ran = user.run_batch(&[
        "@echo off",
        &format!("set ProgramW6432={programs}"),
        &format!("set PATH={path}"),
        "entra-psql -V",
    ]);
    assert!(ran.stdout.starts_with("psql (PostgreSQL) 18"), "{ran:?}");
}

/// The Azure CLI's directory for Windows has a shell script named `az` beside `az.cmd`.
fn a_script_without_an_extension_is_no_az() {
    let user = signed_in("18", Identity::Alice);
    assert!(user.home.path().join("bin/az").exists());
    user.asks_who()
        .run()
        .is_signed_in("alice@contoso.example", "postgres", 1);
}

fn libpqs_files_are_those_of_the_account() {
    const OTHER: &str = "has-a-password.postgres.database.azure.com";
    const MOVED: &str = "C:\\nowhere";
    for arguments in [
        &["-U", "somebody", "-h", OTHER][..],
        &["-d", "service=entra_psql_test"],
    ] {
        let service = format!("[entra_psql_test]\r\nhost={OTHER}\r\nuser=somebody\r\n");
        let ran = nobody("18")
            .file(".pgpass", &format!("{OTHER}:*:*:*:not-a-token\r\n"))
            .file(".pg_service.conf", &service)
            .without("PGHOST")
            .var("APPDATA", MOVED)
            .args(["--dry-run"])
            .args(arguments)
            .run();
        assert!(
            ran.stdout.contains(".pgpass") || ran.stdout.contains("password"),
            "{ran:?}"
        );
        assert!(ran.az.is_empty());
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
}

/// The sandbox's authority is put into the store, and taken out again.
fn roots_come_from_the_systems_store() {
    for version in VERSIONS {
        let user = signed_in(version, Identity::Alice).without("PGSSLROOTCERT");
        let (key, add) = registry_of_root(&user);
        let user = user.file("add.reg", &add).asks_who();
        let add = user.windows_path("add.reg");
        let registry = |words: &[&str]| {
            let ended = user
                .account()
                .system_program("reg.exe")
                .args(words)
                .output();
            assert!(ended.expect("an end").status.success(), "{words:?}");
        };
        let without = user.run();
        assert!(
            without.stderr.contains("certificate verify failed"),
            "{without:?}"
        );
        registry(&["import", &add]);
        let with = user.run();
        registry(&["delete", &key, "/f"]);
        with.is_signed_in("alice@contoso.example", "postgres", 1);
    }
}

/// The registry's key for the sandbox's authority in the account's store of roots, and a file that
/// adds it.
fn registry_of_root(user: &User) -> (String, String) {
    const CERTIFICATE: u32 = 32;
    let pem = fs::read_to_string(user.sandbox.ca_file()).expect("the authority");
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let certificate = STANDARD.decode(base64).expect("a certificate");
    let file = user.home.path().join("ca.der");
    fs::write(&file, &certificate).expect("a file");
    let sum = Command::new("sha1sum").arg(&file).output().expect("a sum");
    let sum = String::from_utf8_lossy(&sum.stdout)[..40].to_uppercase();
    let length = u32::try_from(certificate.len()).expect("a length");
    let blob: Vec<String> = [CERTIFICATE, 1, length]
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .chain(certificate)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let key = format!(
        "HKEY_CURRENT_USER\\Software\\Microsoft\\SystemCertificates\\Root\\Certificates\\{sum}"
    );
    let add = format!(
        "REGEDIT4\r\n\r\n[{key}]\r\n\"Blob\"=hex:{}\r\n",
        blob.join(",")
    );
    (key, add)
}
