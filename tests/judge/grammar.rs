//! Makes command lines from the whole of psql's grammar, with our own words among them.
//!
//! Left out, with the reason:
//! - values of `-o` that name a path or a pipe: psql opens that file while it reads its options,
//!   and whether it can is no matter of the grammar;
//! - our own options without their value or with one too many: they end the launcher before psql is
//!   thought of, and have tests beside the reader;
//! - our own words behind a `-P`, `-v` or abbreviation that psql may refuse: there psql would not
//!   look for an option any more, and it alone knows.

use entra_psql::testing::cli::{self, Value};
use entra_psql::testing::psql::options::{Argument, Meaning, OPTIONS, PsqlOption};
use fastrand::Rng;

use super::case::{Kind, Segment};
use super::conninfo;
use super::pools::{self, often, pick};
use super::words::{ENDS, PRINT_SETTINGS, SETTING_VALUES, VALUES, VARIABLES};

/// The words of a command line.
pub fn segments(random: &mut Rng) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut may_add_own = true;
    for _ in 0..random.usize(..8) {
        let segment = match random.u8(..100) {
            0..=24 => connection_option(random),
            45..=62 => flags(random),
            63..=72 => other_option(random),
            73..=86 if may_add_own => own(random),
            25..=44 | 73..=86 => operand(random),
            87..=90 => Segment::new(Kind::Ends, pick(random, ENDS).iter().copied()),
            91..=94 => value_that_psql_looks_at(random),
            95 => abbreviation(random),
            96 => garbage(random),
            97 => Segment::new(Kind::Dashes, ["--"]),
            _ => lone_password_option(random),
        };
        may_add_own &= segment.kind != Kind::Ends;
        segments.push(segment);
    }
    if often(random, 3) {
        let valued = valued_options();
        let option = pick(random, &valued);
        segments.push(Segment::new(Kind::Ends, [spelled(random, option)]));
    }
    segments
}

fn valued_options() -> Vec<&'static PsqlOption> {
    OPTIONS
        .iter()
        .filter(|option| option.argument == Argument::Required)
        .collect()
}

/// The option as a word of its own.
fn spelled(random: &mut Rng, option: &PsqlOption) -> Vec<u8> {
    match option.short {
        Some(letter) if random.bool() => vec![b'-', letter],
        _ => format!("--{}", option.long).into_bytes(),
    }
}

/// Letters of options without values that psql goes on after.
fn flag_letters() -> Vec<u8> {
    OPTIONS
        .iter()
        .filter(|option| option.argument == Argument::None && option.meaning != Meaning::Version)
        .filter_map(|option| option.short)
        .collect()
}

fn bundle(random: &mut Rng, at_most: usize) -> Vec<u8> {
    let letters = flag_letters();
    let mut word = b"-".to_vec();
    for _ in 0..random.usize(..=at_most) {
        word.push(pick(random, &letters));
    }
    word
}

fn flags(random: &mut Rng) -> Segment {
    let mut word = bundle(random, 3);
    if word == b"-" || often(random, 40) {
        let flags: Vec<_> = OPTIONS
            .iter()
            .filter(|option| {
                option.argument == Argument::None && option.meaning != Meaning::Version
            })
            .collect();
        word = format!("--{}", pick(random, &flags).long).into_bytes();
    }
    Segment::new(Kind::Psql, [word])
}

/// `-W` and its like, alone, so that they come often enough.
fn lone_password_option(random: &mut Rng) -> Segment {
    let words = &[
        "-W",
        "-w",
        "--password",
        "--no-password",
        "--passwo",
        "-l",
        "-1",
    ];
    Segment::new(Kind::Psql, [pick(random, words)])
}

/// An option with a value, in one of the ways in which a value is given.
fn with_value(random: &mut Rng, kind: Kind, letter: u8, longs: &[&str], value: Vec<u8>) -> Segment {
    let long = || format!("--{}", longs[0]).into_bytes();
    let mut abbreviated = format!("--{}", pick(random, longs)).into_bytes();
    let flags_before = if often(random, 20) { 2 } else { 0 };
    let mut short = bundle(random, flags_before);
    short.push(letter);
    match random.u8(..6) {
        0..=1 => Segment::new(kind, [short, value]),
        // An empty value cannot be attached to a letter: the next word would be it.
        2 if !value.is_empty() => {
            short.extend(value);
            Segment::new(kind, [short])
        }
        2..=3 => Segment::new(kind, [long(), value]),
        4 => {
            abbreviated.push(b'=');
            abbreviated.extend(value);
            Segment::new(kind, [abbreviated])
        }
        _ => Segment::new(kind, [abbreviated, value]),
    }
}

fn connection_option(random: &mut Rng) -> Segment {
    let (letter, longs, value): (u8, &[&str], _) = match random.u8(..10) {
        0..=3 => (b'h', &["host", "hos"], pools::list(random, pools::HOSTS)),
        4..=5 => (
            b'p',
            &["port", "por", "po"],
            pools::list(random, pools::PORTS),
        ),
        6..=7 => (
            b'U',
            &["username", "user", "us", "u"],
            pick(random, pools::USERS).to_vec(),
        ),
        _ => (b'd', &["dbname", "db", "d"], conninfo::database(random)),
    };
    let value = if often(random, 4) {
        pick(random, VALUES).to_vec()
    } else {
        value
    };
    with_value(random, Kind::Psql, letter, longs, value)
}

fn other_option(random: &mut Rng) -> Segment {
    let (letter, longs): (u8, &[&str]) = pick(
        random,
        &[
            (b'c', &["command", "com"][..]),
            (b'f', &["file", "fil"]),
            (b'F', &["field-separator"]),
            (b'L', &["log-file", "log"]),
            (b'o', &["output", "out"]),
            (b'R', &["record-separator"]),
            (b'T', &["table-attr", "ta"]),
        ],
    );
    let value = pick(random, VALUES).to_vec();
    with_value(random, Kind::Psql, letter, longs, value)
}

fn operand(random: &mut Rng) -> Segment {
    let word = match random.u8(..10) {
        0..=4 => conninfo::database(random),
        5..=7 => pick(random, pools::USERS).to_vec(),
        _ => pick(random, &[&b""[..], b"-", b"x y", b"group", b"\xfe"]).to_vec(),
    };
    let kind = match word.as_slice() {
        // A name that was spoilt into an option.
        [b'-', _, ..] => Kind::Ends,
        _ => Kind::Operand,
    };
    Segment::new(kind, [word])
}

fn own(random: &mut Rng) -> Segment {
    const OWN_VALUES: &[&[u8]] = &[
        b"x",
        b"Prod DB Readonly",
        b"",
        b"--",
        b"-l",
        b"--entra",
        b"-?",
        b"a=b",
        b"\xff",
        b"db",
    ];
    let option = &cli::OPTIONS[random.usize(..cli::OPTIONS.len())];
    let mut word = format!("--{}", option.name).into_bytes();
    let (kind, attached) = match option.value {
        Value::None => return Segment::new(Kind::Own, [word]),
        Value::Required(_) => (Kind::Own, random.bool()),
        Value::Optional(_) if random.bool() => return Segment::new(Kind::Own, [word]),
        Value::Optional(_) => (Kind::Own, true),
        Value::Program(_) => (Kind::Program, random.bool()),
    };
    let value = pick(random, OWN_VALUES);
    if !attached {
        return Segment::new(kind, [word, value.to_vec()]);
    }
    word.push(b'=');
    word.extend_from_slice(value);
    Segment::new(kind, [word])
}

/// `-P` and `-v`: psql looks at their values while it reads its options.
fn value_that_psql_looks_at(random: &mut Rng) -> Segment {
    let (letter, longs, names): (u8, &[&str], &[&str]) = if random.bool() {
        (b'P', &["pset", "ps"], PRINT_SETTINGS)
    } else {
        (b'v', &["set", "variable", "se", "va"], VARIABLES)
    };
    let mut value = pick(random, names).as_bytes().to_vec();
    if often(random, 85) {
        value.push(b'=');
        value.extend_from_slice(pick(random, SETTING_VALUES));
    }
    if often(random, 5) {
        conninfo::spoil(random, &mut value);
    }
    with_value(random, Kind::Ends, letter, longs, value)
}

/// Any beginning of any long option, which may be one that others share.
fn abbreviation(random: &mut Rng) -> Segment {
    let option = &OPTIONS[random.usize(..OPTIONS.len())];
    let length = random.usize(1..=option.long.len());
    let mut word = format!("--{}", &option.long[..length]).into_bytes();
    if option.argument == Argument::None || option.meaning == Meaning::Help {
        return Segment::new(Kind::Ends, [word]);
    }
    // Should it be `--output`, it is to be no path.
    let value = pick(random, &[&b"localhost"[..], b"10.0.0.4", b"", b"x y"]).to_vec();
    if random.bool() {
        return Segment::new(Kind::Ends, [word, value]);
    }
    word.push(b'=');
    word.extend(value);
    Segment::new(Kind::Ends, [word])
}

/// Bytes that mean something to `getopt_long`, in any order.
fn garbage(random: &mut Rng) -> Segment {
    // Without `o`, which would open a file.
    const BYTES: &[u8] = b"--==?hUdpWlqVcx1z0 \xff\xc3";
    let mut word: Vec<u8> = (0..random.usize(..7))
        .map(|_| pick(random, BYTES))
        .collect();
    if often(random, 70) {
        word.insert(0, b'-');
    }
    Segment::new(Kind::Ends, [word])
}
