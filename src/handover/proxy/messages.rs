//! The messages of PostgreSQL's protocol that the proxy reads or writes: authentication and errors.

use zeroize::Zeroizing;

use super::refused::Refused;

/// Any message before a session begins is shorter.
const LONGEST: usize = 64 * 1024;

/// A message with a type.
#[derive(Debug, PartialEq, Eq)]
pub struct Message<'a> {
    pub kind: u8,
    pub body: &'a [u8],
    /// The length of the whole message in bytes.
    pub length: usize,
}

/// The result of reading the bytes so far.
#[derive(Debug, PartialEq, Eq)]
pub enum Read<'a> {
    Whole(Message<'a>),
    /// More bytes are needed.
    Partial,
    /// The bytes aren't a message.
    Nonsense,
}

/// The authentication that a server asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// The client is authenticated.
    Done,
    Cleartext,
    /// One that servers never ask an Entra role for.
    Other(&'static str),
}

/// Reads the message at the start of `bytes`.
pub fn read(bytes: &[u8]) -> Read<'_> {
    let Some(head) = bytes.first_chunk::<5>() else {
        return Read::Partial;
    };
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if !(4..=LONGEST).contains(&length) || !head[0].is_ascii_alphabetic() {
        return Read::Nonsense;
    }
    match bytes.get(5..=length) {
        None => Read::Partial,
        Some(body) => Read::Whole(Message {
            kind: head[0],
            body,
            length: length + 1,
        }),
    }
}

/// Reads the body of an authentication request.
pub fn authentication(body: &[u8]) -> Option<Authentication> {
    let code = u32::from_be_bytes(*body.first_chunk()?);
    Some(match code {
        0 => Authentication::Done,
        3 => Authentication::Cleartext,
        5 => Authentication::Other("an MD5 password"),
        7 | 8 => Authentication::Other("GSSAPI"),
        9 => Authentication::Other("SSPI"),
        10..=12 => Authentication::Other("a SCRAM password"),
        _ => Authentication::Other("an unknown kind of authentication"),
    })
}

/// Returns whether an error response has this SQLSTATE.
pub fn has_state(body: &[u8], state: &[u8]) -> bool {
    let mut fields = body.split(|&byte| byte == 0);
    fields.any(|field| field.strip_prefix(b"C") == Some(state))
}

/// Makes an authentication request from its number and its data.
pub fn request(code: u32, rest: &[u8]) -> Vec<u8> {
    message(b'R', &[&code.to_be_bytes(), rest])
}

/// Makes a password message.
pub fn password(secret: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(message(b'p', &[secret.as_bytes(), &[0]]))
}

/// Makes an error response that ends the connection.
pub fn error(refused: &Refused) -> Vec<u8> {
    let failure = &refused.failure;
    let hints = failure.hints().join("\n");
    let message_text = format!("entra-psql: {}", failure.cause());
    let mut fields = Vec::new();
    for (field, value) in [
        (b'S', "FATAL"),
        (b'V', "FATAL"),
        (b'C', refused.state),
        (b'M', &message_text),
        (b'H', &hints),
    ] {
        if !value.is_empty() {
            fields.push(field);
            fields.extend(value.bytes().filter(|&byte| byte != 0));
            fields.push(0);
        }
    }
    fields.push(0);
    message(b'E', &[&fields])
}

fn message(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = 4 + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut message = Vec::with_capacity(length + 1);
    message.push(kind);
    // It fits: a token has at most some 65,000 bytes, and texts are cut to one line.
    message.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    for part in parts {
        message.extend(*part);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    #[test]
    fn messages_are_read_one_by_one() {
        let bytes = [&request(3, b"")[..], &password("x")].concat();
        for end in 0..9 {
            assert_eq!(read(&bytes[..end]), Read::Partial);
        }
        let Read::Whole(first) = read(&bytes) else {
            panic!("{bytes:?}");
        };
        assert_eq!((first.kind, first.length), (b'R', 9));
        assert_eq!(authentication(first.body), Some(Authentication::Cleartext));
        let second = read(&bytes[9..]);
        let expected = Message {
            kind: b'p',
            body: b"x\0",
            length: 7,
        };
        assert_eq!(second, Read::Whole(expected));
        assert_eq!(read(b"HTTP/1.1"), Read::Nonsense);
        assert_eq!(read(b"R\0\0\0\x03"), Read::Nonsense);
        assert_eq!(read(b"\0\0\0\0\x08"), Read::Nonsense);
    }

    #[test]
    fn a_failure_has_its_cause_and_its_remedies() {
        let failure = Failure::sign_in("no\0token")
            .hint("run `az login`")
            .hint("b");
        let bytes = error(&Refused::sign_in(failure));
        assert!(has_state(&bytes[5..], b"28000"));
        assert!(!has_state(&bytes[5..], b"57P03"));
        let said = String::from_utf8_lossy(&bytes);
        assert!(said.contains("Hrun `az login`\nb\0"), "{said}");
        let Read::Whole(message) = read(&bytes) else {
            panic!("{said}");
        };
        assert_eq!((message.kind, message.length), (b'E', bytes.len()));
    }
}
