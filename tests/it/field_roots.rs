//! All roots that Microsoft names for Azure reach an older libpq, and the doctor names the one that
//! a server's chain ends in.

use std::fs;

use sandbox::{Manner, Sandbox, TokenChanges};

use crate::doctor::{alice, examined};
use crate::identities::ready;
use crate::roots::{roots_of, store, with_store};

const NAMED: [&str; 7] = [
    "DigiCert Global Root CA",
    "DigiCert Global Root G2",
    "DigiCert Global Root G3",
    "DigiCert TLS ECC P384 Root G5",
    "DigiCert TLS RSA4096 Root G5",
    "Microsoft ECC Root Certificate Authority 2017",
    "Microsoft RSA Root Certificate Authority 2017",
];

/// What stands between the marks of the certificates in a text.
fn certificates(pem: &str) -> Vec<&str> {
    let blocks = pem.split("-----BEGIN CERTIFICATE-----").skip(1);
    blocks
        .map(|block| block.split("-----END").next().unwrap_or_default().trim())
        .collect()
}

/// The subject's name, as openssl has it.
fn subject(certificate: &str) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut openssl = Command::new("openssl")
        .args(["x509", "-noout", "-subject", "-nameopt", "multiline"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl");
    let pem = format!("-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n");
    let mut input = openssl.stdin.take().expect("a pipe");
    input.write_all(pem.as_bytes()).expect("its input");
    drop(input);
    let output = openssl.wait_with_output().expect("its end");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let name = text.lines().find(|line| line.contains("commonName"));
    let name = name.and_then(|line| Some(line.split_once('=')?.1.trim().to_owned()));
    name.unwrap_or_default()
}

#[test]
fn an_older_libpq_gets_a_smaller_file_with_every_root_of_azures() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = store(directory.path());
    let text = fs::read_to_string(&store).expect("the store");
    let user = with_store(&store).args(["--dry-run"]);
    let roots = roots_of(&user.run());
    let kept = fs::read_to_string(roots).expect("the smaller file");
    let kept: Vec<String> = certificates(&kept).into_iter().map(subject).collect();
    let mut held = 0;
    for name in NAMED {
        // The oldest is not in newer systems.
        if certificates(&text)
            .into_iter()
            .any(|root| subject(root) == name)
        {
            held += 1;
            assert!(kept.iter().any(|kept| kept == name), "{name}: {kept:#?}");
        }
    }
    assert!(held >= 6, "{held}");
    // And what an administrator added.
    let added = "entra-psql sandbox authority".to_owned();
    assert!(kept.contains(&added), "{kept:#?}");
}

#[test]
fn the_doctor_names_the_root() {
    let root = "entra-psql sandbox authority";
    let found = examined(alice());
    found
        .works()
        .says("tls", &format!("its chain ends in `{root}`"), "");
    let server = Sandbox::shared().new_gateway(Manner::UnknownAuthority);
    let server = server.expect("a server");
    let user = ready(&TokenChanges::none()).0;
    let found = examined(user.var("PGPORT", server.port().to_string()));
    found.is_broken_at(&["tls"]).says(
        "tls",
        &format!("its chain ends in `{root}`"),
        "`PGSSLROOTCERT`",
    );
    assert!(!found.ran.stdout.contains("Mozilla"), "{found}");
}

#[test]
fn a_root_that_newer_systems_lack_is_named_as_that() {
    let server = Sandbox::shared().new_gateway(Manner::RetiredAuthority);
    let server = server.expect("a server");
    let user = ready(&TokenChanges::none()).0;
    examined(user.var("PGPORT", server.port().to_string()))
        .is_broken_at(&["tls"])
        .matches("doctor/server_of_a_retired_root");
}
