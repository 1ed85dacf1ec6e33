//! What is the account's: programs that its shell does not know of yet, and what only it may read.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sandbox::Identity;

use crate::support::{Test, signed_in};

pub const TESTS: &[Test] = &[
    (
        "az_is_found_where_it_is_installed",
        az_is_found_where_it_is_installed,
    ),
    (
        "what_is_remembered_is_the_accounts_alone",
        what_is_remembered_is_the_accounts_alone,
    ),
    (
        "a_command_line_of_31_kilobytes_arrives",
        a_command_line_of_31_kilobytes_arrives,
    ),
];

const ALICE: &str = "alice@contoso.example";

fn az_is_found_where_it_is_installed() {
    for (variable, programs) in [
        ("ProgramW6432", "Program Files"),
        ("ProgramFiles(x86)", "Program Files (x86)"),
    ] {
        let user = signed_in("18", Identity::Alice);
        let wbin = format!("{programs}/Microsoft SDKs/Azure/CLI2/wbin");
        let home = user.home.path();
        fs::create_dir_all(home.join(&wbin)).expect("a place");
        fs::rename(home.join("bin/az.cmd"), home.join(&wbin).join("az.cmd")).expect("a move");
        let folder = user.windows_path(programs);
        // Wine sets the real variable anew for each program; a batch file comes after that.
        let ran = user.run_batch(&[
            "@echo off",
            &format!("set {variable}={folder}"),
            "entra-psql -XAtc \"select current_user\"",
        ]);
        assert_eq!((ran.stdout.trim(), ran.stderr.as_str()), (ALICE, ""));
    }
}

/// Wine makes file modes of Windows's lists of access, and such lists of modes. The administrators
/// have the group's part.
fn what_is_remembered_is_the_accounts_alone() {
    let user = signed_in("18", Identity::Alice).asks_who();
    user.run().is_signed_in(ALICE, "postgres", 1);
    let directory = user.home.path().join("run/entra-psql");
    let token = file_with_token(&directory);
    assert_eq!((mode(&directory) & 0o7, mode(&token) & 0o7), (0, 0));
    user.run().is_signed_in(ALICE, "postgres", 1);
    for (path, open) in [(&token, 0o604), (&directory, 0o755)] {
        let closed = mode(path);
        fs::set_permissions(path, Permissions::from_mode(open)).expect("a mode");
        let ran = user.run();
        fs::set_permissions(path, Permissions::from_mode(closed)).expect("a mode");
        assert!(ran.stderr.contains("is open to others"), "{ran:?}");
        assert_eq!(ran.stdout, format!("{ALICE}|t|postgres\n"));
    }
}

fn file_with_token(directory: &Path) -> PathBuf {
    let files = fs::read_dir(directory).expect("the directory");
    files
        .map(|file| file.expect("a file").path())
        .find(|file| fs::read(file).is_ok_and(|text| text.windows(3).any(|part| part == b"eyJ")))
        .expect("a remembered token")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a mode").permissions().mode() & 0o777
}

fn a_command_line_of_31_kilobytes_arrives() {
    let text = "x".repeat(31_000);
    let ran = signed_in("16", Identity::Alice)
        .args(["-XAtc", &format!("select '{text}'")])
        .run();
    assert!(
        ran.stdout.trim() == text,
        "{} bytes: {}",
        ran.stdout.len(),
        ran.stderr
    );
}
