//! What goes over the bridge: frames, each with a kind, a length and bytes.
//!
//! From Windows come the words, the variables and [`Kind::Run`], and then the standard input as it
//! is read; back come output and exit code as they arise. The end of the connection is the end of
//! the program on Windows.

use std::io::{self, Read, Write};

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A word of the command line, the program's path first.
    Word,
    /// A variable, as `NAME=VALUE`.
    Variable,
    /// Nothing: that was all, and the program is to run.
    Run,
    /// Bytes of standard input; none is its end.
    Input,
    /// Bytes of standard output.
    Output,
    /// Bytes of standard error.
    Error,
    /// The exit code, in digits. Nothing comes after it.
    Exit,
}

/// Every kind, by its number on the way.
const KINDS: [Kind; 7] = [
    Kind::Word,
    Kind::Variable,
    Kind::Run,
    Kind::Input,
    Kind::Output,
    Kind::Error,
    Kind::Exit,
];

/// Sends a frame.
///
/// # Errors
///
/// The other end is gone.
pub fn send(mut to: impl Write, kind: Kind, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    // In one piece, so that nothing waits for the second one.
    let head = [&[kind as u8][..], &length.to_le_bytes()].concat();
    to.write_all(&[&head, bytes].concat())?;
    to.flush()
}

/// Waits for a frame.
///
/// # Errors
///
/// The other end is gone, or is no end of ours.
pub fn receive(mut from: impl Read) -> io::Result<(Kind, Vec<u8>)> {
    let (mut kind, mut length) = ([0], [0; 4]);
    from.read_exact(&mut kind)?;
    from.read_exact(&mut length)?;
    let kind = KINDS.get(usize::from(kind[0])).copied();
    let kind = kind.ok_or(io::ErrorKind::InvalidData)?;
    let mut bytes = vec![0; usize::try_from(u32::from_le_bytes(length)).map_err(io::Error::other)?];
    from.read_exact(&mut bytes)?;
    Ok((kind, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_arrive_as_they_were_sent() {
        let mut way = Vec::new();
        for kind in KINDS {
            send(&mut way, kind, b"some\r\nbytes\0").unwrap();
            send(&mut way, kind, b"").unwrap();
        }
        let mut way = way.as_slice();
        for kind in KINDS {
            let frame = receive(&mut way).unwrap();
            assert_eq!(frame, (kind, b"some\r\nbytes\0".to_vec()));
            assert_eq!(receive(&mut way).unwrap(), (kind, Vec::new()));
        }
        assert!(receive(&mut way).is_err());
        assert!(receive(&[7, 0, 0, 0, 0][..]).is_err());
    }
}
