//! Makes the variables and files around a command line, with the things in them that libpq minds.
//!
//! Left out: NUL bytes in files, which are no text; sections that libpq looks up in LDAP
//! (`ldap://…`), which would ask a network; and libpq's own directory of service files where
//! `PGSYSCONFDIR` says nothing, beyond what the machine happens to have there.

use std::collections::HashSet;

use entra_psql::testing::libpq::keywords::KEYWORDS;
use fastrand::Rng;

use super::case::{Case, File};
use super::conninfo;
use super::grammar;
use super::pools::{self, often, pick};

/// A whole case.
pub fn case(random: &mut Rng) -> Case {
    let mut case = Case {
        segments: grammar::segments(random),
        ..Case::default()
    };
    if often(random, 12) {
        service(random, &mut case);
    }
    variables(random, &mut case);
    files(random, &mut case);
    // A variable has one value, and a path one file: what came first.
    let mut names = HashSet::new();
    case.variables
        .retain(|(name, _)| names.insert(name.clone()));
    let mut paths = HashSet::new();
    case.files.retain(|file| paths.insert(file.path));
    case
}

/// A service that is there: chance alone seldom makes one.
fn service(random: &mut Rng, case: &mut Case) {
    let name = pick(random, pools::SERVICES);
    let mut add = |name: &str, value: &[u8]| {
        case.variables.push((name.to_owned(), value.to_owned()));
    };
    add("PGSERVICE", name);
    let path = match random.u8(..3) {
        0 => "home/.pg_service.conf",
        1 => {
            add("PGSERVICEFILE", b"{dir}/services");
            "services"
        }
        _ => {
            add("PGSYSCONFDIR", b"{dir}/etc");
            "etc/pg_service.conf"
        }
    };
    let mut text = [b"[", name, b"]\n"].concat();
    for _ in 0..random.usize(..4) {
        setting(random, &mut text);
        end_line(random, &mut text);
    }
    if random.bool() {
        text.extend(service_file(random));
    }
    case.files.push(File {
        path,
        mode: 0o644,
        text: Some(text),
    });
}

fn variables(random: &mut Rng, case: &mut Case) {
    let set = &mut case.variables;
    let mut add = |name: &str, value: &[u8]| set.push((name.to_owned(), value.to_owned()));
    match random.u8(..40) {
        0 => {}
        1 => add("HOME", b""),
        2 => add("HOME", b"{dir}/none"),
        _ => add("HOME", b"{dir}/home"),
    }
    if often(random, 12) {
        add("POSIXLY_CORRECT", pick(random, &[&b""[..], b"1"]));
    }
    for (percent, name, values) in [
        (18, "PGUSER", pools::USERS),
        (10, "PGDATABASE", pools::DATABASES),
        (12, "PGPASSWORD", pools::PASSWORDS),
        (
            8,
            "PGPASSFILE",
            &[b"{dir}/pass", b"{dir}/none", b"{dir}/etc", b""],
        ),
        (4, "PGREQUIRESSL", &[b"1", b"0", b"", b"10", b"yes"]),
        (8, "PGSERVICE", pools::SERVICES),
        (
            8,
            "PGSERVICEFILE",
            &[
                b"{dir}/services",
                b"{dir}/services",
                b"{dir}/none",
                b"{dir}/etc",
                b"",
            ],
        ),
        (
            40,
            "PGSYSCONFDIR",
            &[
                b"{dir}/etc",
                b"{dir}/etc",
                b"{dir}/etc",
                b"{dir}/none",
                b"{dir}/etc/",
            ],
        ),
        // Signing in is not due here, so that none of ours matters.
        (3, "ENTRA_PSQL_GROUP", &[b"Readers", b""]),
        (3, "ENTRA_PSQL_TIMEOUT", &[b"junk"]),
        (3, "ENTRA_PSQL_DRY_RUN", &[b"1"]),
    ] as [(u8, &str, &[&[u8]]); 11]
    {
        if often(random, percent) {
            add(name, pick(random, values));
        }
    }
    for (percent, name, values) in [
        (22, "PGHOST", pools::HOSTS),
        (6, "PGHOSTADDR", pools::ADDRESSES),
        (10, "PGPORT", pools::PORTS),
    ] {
        if often(random, percent) {
            add(name, &pools::list(random, values));
        }
    }
    if often(random, 3) {
        add("PGDATABASE", &conninfo::database(random));
    }
    // Any other parameter that has a variable.
    for _ in 0..random.usize(..3) {
        let (name, value) = pools::parameter(random);
        let keyword = KEYWORDS.iter().find(|keyword| keyword.name == name);
        if let Some(variable) = keyword.and_then(|keyword| keyword.variable) {
            add(variable, &value);
        }
    }
}

fn files(random: &mut Rng, case: &mut Case) {
    for (percent, path) in [(60, "home/.pgpass"), (40, "pass")] {
        if often(random, percent) {
            let modes = [
                0o600, 0o600, 0o600, 0o400, 0o700, 0o644, 0o640, 0o604, 0o610,
            ];
            let mode = pick(random, &modes);
            let text = Some(password_file(random));
            case.files.push(File { path, mode, text });
        }
    }
    for (percent, path) in [
        (55, "home/.pg_service.conf"),
        (60, "services"),
        (50, "etc/pg_service.conf"),
    ] {
        if often(random, percent) {
            let text = (!often(random, 2)).then(|| service_file(random));
            let mode = if text.is_some() { 0o644 } else { 0o755 };
            case.files.push(File { path, mode, text });
        }
    }
}

/// How lines end; the last one may not end at all.
fn end_line(random: &mut Rng, text: &mut Vec<u8>) {
    let ends: [&[u8]; 6] = [b"\n", b"\n", b"\n", b"\r\n", b" \n", b"\r\r\n"];
    text.extend_from_slice(pick(random, &ends));
}

fn maybe_cut(random: &mut Rng, text: &mut Vec<u8>) {
    if often(random, 15) {
        while text.last().is_some_and(u8::is_ascii_whitespace) {
            text.pop();
        }
    }
}

fn password_file(random: &mut Rng) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..random.usize(1..6) {
        match random.u8(..16) {
            0 => text.extend_from_slice(b"#*:*:*:*:commented"),
            1 => text.extend_from_slice(pick(
                random,
                &[
                    &b""[..],
                    b" ",
                    b"*",
                    b"*:*",
                    b"*:*:*:*",
                    b":::::",
                    b" #",
                    b"*:*:*:*:x#",
                    b"\\",
                ],
            )),
            _ => password_line(random, &mut text),
        }
        if often(random, 90) {
            end_line(random, &mut text);
        } else {
            text.push(b'\n');
        }
    }
    maybe_cut(random, &mut text);
    text
}

fn password_line(random: &mut Rng, text: &mut Vec<u8>) {
    let pools: [&[&[u8]]; 4] = [
        pools::HOSTS,
        &[b"5432", b"6432", b"5433", b""],
        pools::DATABASES,
        pools::USERS,
    ];
    for (n, pool) in pools.into_iter().enumerate() {
        let field = match (n, random.u8(..20)) {
            (_, 0..=12) => &b"*"[..],
            (0, 13..=14) => b"localhost",
            (0, 15) => b"10.0.0.4",
            (2 | 3, 13..=15) => b"{user}",
            _ => pick(random, pool),
        };
        let raw = often(random, 15);
        for &byte in field {
            if (matches!(byte, b':' | b'\\') && !raw) || often(random, 1) {
                text.push(b'\\');
            }
            text.push(byte);
        }
        text.push(b':');
    }
    text.extend_from_slice(pick(
        random,
        &[
            &b"filed"[..],
            b"filed",
            b"filed",
            b"a\\:b",
            b"\\",
            b"",
            b":",
            b":x",
            b"x:y",
            b" ",
        ],
    ));
    if often(random, 3) {
        text.extend(std::iter::repeat_n(b'p', 7000));
    }
}

fn service_file(random: &mut Rng) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..random.usize(1..6) {
        header(random, &mut text);
        end_line(random, &mut text);
        for _ in 0..random.usize(..5) {
            setting(random, &mut text);
            end_line(random, &mut text);
        }
    }
    if often(random, 4) {
        // Around the length that libpq takes, at the end of the file or before more.
        let length = random.usize(1018..1028);
        text.extend(std::iter::repeat_n(b'#', length));
        end_line(random, &mut text);
        text.extend_from_slice(b"[azure]\nuser=late\n");
    }
    maybe_cut(random, &mut text);
    text
}

fn header(random: &mut Rng, text: &mut Vec<u8>) {
    let before: [&[u8]; 6] = [b"", b"", b"", b"", b" ", b"# "];
    let behind: [&[u8]; 8] = [b"]", b"]", b"]", b"]", b"] # x", b"]]", b"", b" ]"];
    text.extend_from_slice(pick(random, &before));
    text.push(b'[');
    text.extend_from_slice(pick(random, pools::SERVICES));
    text.extend_from_slice(pick(random, &behind));
}

fn setting(random: &mut Rng, text: &mut Vec<u8>) {
    if often(random, 6) {
        text.extend_from_slice(pick(
            random,
            &[
                &b""[..],
                b"# host=x",
                b"   ",
                b"user",
                b"service=local",
                b"ldap",
                b"ldap=x",
                b"LDAP=x",
                b"ldaps://x",
                b"ldap://",
                b"ldap://x/y",
                b"user = u",
                b"=x",
                b"\xff=x",
                b"user=u # x",
                b"usr=x",
                b"\x0buser=u",
                b"#entra-psql tenant=contoso.example",
                b"\x0b#entra-psql user=x",
                b"#entra-psql group='open",
            ],
        ));
        return;
    }
    let (name, value) = pools::parameter(random);
    let known = KEYWORDS.iter().any(|keyword| keyword.name == name) && name != "service";
    if !known && often(random, 90) {
        return;
    }
    if often(random, 10) {
        text.extend_from_slice(b"  ");
    }
    text.extend_from_slice(name.as_bytes());
    text.push(b'=');
    text.extend_from_slice(&value);
}
