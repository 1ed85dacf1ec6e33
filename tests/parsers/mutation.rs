//! Spoils samples: bits and bytes changed, pieces taken out, doubled, exchanged or blown up.

use fastrand::Rng;

/// Pieces that mean something to one parser or another.
const PIECES: &[&[u8]] = &[
    b"\0",
    b"\xff",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\t",
    b" ",
    b"'",
    b"\"",
    b"\\",
    b"`",
    b"%",
    b"%00",
    b"%4",
    b"%zz",
    b"=",
    b"==",
    b":",
    b"://",
    b"postgres://",
    b"@",
    b"@/",
    b",",
    b"?",
    b"&",
    b"#",
    b"*:",
    b"[",
    b"]",
    b"[cloud]",
    b"{",
    b"}",
    b"{\"",
    b"null",
    b"[]",
    b"-",
    b"--",
    b".",
    b"eyJ",
    b"password=",
    b"ERROR: ",
    b"Traceback",
    b"az login",
    b"azd auth login",
    b"AADSTS",
    b" Trace ID:",
    b"FATAL:",
    b"-1",
    b"1e999",
    b"4294967296",
    b"9223372036854775807",
    b"18446744073709551615",
    b"18446744073709551616",
    "\u{feff}".as_bytes(),
    "\u{202e}".as_bytes(),
    "\u{2028}".as_bytes(),
    "\u{df}\u{130}".as_bytes(),
    "\u{1f44b}".as_bytes(),
    // Characters that are cut off.
    b"\xc3",
    b"\xe2\x80",
    b"\xf0\x9f\x91",
    // Lengths in DER: without end, none, and larger than anything.
    b"\x30\x80",
    b"\x30\x00",
    b"\x82\xff\xff",
    b"\x84\xff\xff\xff\xff",
    b"\x02\x01\x80",
    b"-----BEGIN ",
    b"-----END ",
    b"-----\n",
];

/// One in so many inputs is blown up.
const BLOWN_UP: u32 = 400;

fn pick<'a>(random: &mut Rng, all: &[&'a [u8]]) -> &'a [u8] {
    all[random.usize(..all.len())]
}

/// One of `samples`, spoilt; now and then as it is, or blown up by up to `longest` bytes.
pub fn spoilt(random: &mut Rng, samples: &[&[u8]], longest: usize) -> Vec<u8> {
    let mut bytes = pick(random, samples).to_vec();
    for _ in 0..random.usize(..6) {
        spoil(random, &mut bytes, samples);
    }
    if random.u32(..BLOWN_UP) == 0 {
        blow_up(random, &mut bytes, longest);
    }
    bytes
}

fn spoil(random: &mut Rng, bytes: &mut Vec<u8>, samples: &[&[u8]]) {
    let at = random.usize(..=bytes.len());
    match random.u8(..10) {
        0..=1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.u8(..8);
            }
        }
        2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random.u8(..);
            }
        }
        3..=4 => insert(bytes, at, pick(random, PIECES)),
        5 => {
            let piece = pick(random, PIECES);
            let end = bytes.len().min(at + piece.len());
            bytes.splice(at..end, piece.iter().copied());
        }
        6 => drop(bytes.drain(part(random, bytes.len()))),
        7 => bytes.truncate(at),
        8 => {
            let block = bytes[part(random, bytes.len())].repeat(random.usize(1..5));
            insert(bytes, at, &block);
        }
        _ => {
            let other = pick(random, samples);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[random.usize(..=other.len())..]);
        }
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}

/// Some part of so many bytes; short ones more often than long ones.
fn part(random: &mut Rng, length: usize) -> std::ops::Range<usize> {
    let start = random.usize(..=length);
    let most = if random.bool() { 16 } else { length };
    let end = start + random.usize(..=most.min(length - start));
    start..end
}

/// Repeats a part, or a piece, or two in turn, a great many times.
fn blow_up(random: &mut Rng, bytes: &mut Vec<u8>, longest: usize) {
    let at = random.usize(..=bytes.len());
    let mut block = match random.u8(..3) {
        0 => bytes[part(random, bytes.len())].to_vec(),
        1 => pick(random, PIECES).to_vec(),
        _ => [pick(random, PIECES), pick(random, PIECES)].concat(),
    };
    if block.is_empty() {
        block.push(b'a');
    }
    let length = longest >> random.usize(..8);
    let block = block.repeat(length / block.len());
    insert(bytes, at, &block);
}
