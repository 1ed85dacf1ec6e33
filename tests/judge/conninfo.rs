//! Makes what may stand in the place of a database's name: names, connection strings and URIs,
//! right and wrong.

use fastrand::Rng;

use super::pools::{self, often, pick};

const SPACES: &[&str] = &[" ", "  ", "\t", "\n", "\x0b", "\x0c", "\r"];

/// A word for `-d` or the first operand.
pub fn database(random: &mut Rng) -> Vec<u8> {
    let mut word = match random.u8(..10) {
        0..=2 => pick(random, pools::DATABASES).to_vec(),
        3..=6 => key_value_string(random),
        _ => uri(random),
    };
    if often(random, 6) {
        spoil(random, &mut word);
    }
    word
}

/// Puts in, takes out or changes a byte or two, of those that mean something somewhere.
pub fn spoil(random: &mut Rng, word: &mut Vec<u8>) {
    const BYTES: &[u8] = b"='\\ %@:/?&,[]#-x0\t\n\xff";
    for _ in 0..random.usize(1..3) {
        let at = random.usize(..=word.len());
        match random.u8(..3) {
            0 => word.insert(at, pick(random, BYTES)),
            1 if at < word.len() => word[at] = pick(random, BYTES),
            _ if at < word.len() => drop(word.remove(at)),
            _ => {}
        }
    }
}

fn spaces(random: &mut Rng, word: &mut Vec<u8>, percent: u8) {
    while often(random, percent) {
        word.extend_from_slice(pick(random, SPACES).as_bytes());
    }
}

fn key_value_string(random: &mut Rng) -> Vec<u8> {
    let mut word = Vec::new();
    spaces(random, &mut word, 10);
    for n in 0..random.usize(1..6) {
        if n > 0 {
            word.extend_from_slice(pick(random, SPACES).as_bytes());
            spaces(random, &mut word, 10);
        }
        let (name, value) = pools::parameter(random);
        word.extend_from_slice(name.as_bytes());
        spaces(random, &mut word, 15);
        word.push(b'=');
        spaces(random, &mut word, 15);
        quoted(random, &value, &mut word);
    }
    spaces(random, &mut word, 10);
    word
}

fn quoted(random: &mut Rng, value: &[u8], word: &mut Vec<u8>) {
    let in_quotes = value.is_empty() || often(random, 40);
    // As it is, which may be wrong.
    let raw = often(random, 12);
    if in_quotes && !raw {
        word.push(b'\'');
    }
    for &byte in value {
        let needed = matches!(byte, b'\'' | b'\\') || (!in_quotes && byte.is_ascii_whitespace());
        if (needed && !raw) || often(random, 2) {
            word.push(b'\\');
        }
        word.push(byte);
    }
    if in_quotes && !raw {
        word.push(b'\'');
    }
}

fn uri(random: &mut Rng) -> Vec<u8> {
    let mut word = match random.u8(..40) {
        0 => b"postgresql:/".to_vec(),
        1 => b"Postgres://".to_vec(),
        2..=20 => b"postgres://".to_vec(),
        _ => b"postgresql://".to_vec(),
    };
    if often(random, 45) {
        let user = pick(random, pools::USERS);
        encode(random, user, &mut word);
        if often(random, 40) {
            word.push(b':');
            let password = pick(random, pools::PASSWORDS);
            encode(random, password, &mut word);
        }
        word.push(b'@');
    }
    let hosts = match random.u8(..10) {
        0..=1 => 0,
        2..=7 => 1,
        _ => random.usize(2..4),
    };
    for n in 0..hosts {
        if n > 0 {
            word.push(b',');
        }
        let host = pick(random, pools::HOSTS);
        if host.contains(&b':') && often(random, 80) {
            word.push(b'[');
            word.extend_from_slice(host);
            word.push(b']');
        } else {
            encode(random, host, &mut word);
        }
        if often(random, 40) {
            word.push(b':');
            let port = pick(random, pools::PORTS);
            encode(random, port, &mut word);
        }
    }
    if often(random, 60) {
        word.push(b'/');
        let database = pick(random, pools::DATABASES);
        encode(random, database, &mut word);
    }
    if often(random, 45) {
        word.push(b'?');
        query(random, &mut word);
    }
    word
}

fn query(random: &mut Rng, word: &mut Vec<u8>) {
    for n in 0..random.usize(..4) {
        if n > 0 {
            word.push(b'&');
        }
        let (name, value) = pools::parameter(random);
        encode(random, name.as_bytes(), word);
        if often(random, 97) {
            word.push(b'=');
        }
        if value.starts_with(b"{dir}") {
            // Filled in later, and right as it is.
            word.extend_from_slice(&value);
        } else {
            encode(random, &value, word);
        }
    }
}

/// Percent-encodes what has to be, most of the time, and now and then more.
fn encode(random: &mut Rng, text: &[u8], word: &mut Vec<u8>) {
    for &byte in text {
        let special = b" %@:/?#&=[]'\\".contains(&byte) || !byte.is_ascii();
        let encoded = if special {
            often(random, 85)
        } else {
            often(random, 4)
        };
        match (encoded, random.bool()) {
            (true, true) => word.extend_from_slice(format!("%{byte:02x}").as_bytes()),
            (true, false) => word.extend_from_slice(format!("%{byte:02X}").as_bytes()),
            (false, _) => word.push(byte),
        }
    }
    if often(random, 1) {
        word.extend_from_slice(pick(random, &[&b"%00"[..], b"%", b"%4", b"%zz", b"%+1"]));
    }
}
