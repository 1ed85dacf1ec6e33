//! The packets without a type, which a client sends before a session.
//!
//! Documented at <https://www.postgresql.org/docs/current/protocol-message-formats.html>.

/// PostgreSQL refuses longer startup packets.
const LONGEST: usize = 10_000;

/// The lengths of a cancel request: 16 bytes in protocol 3.0, and a key of up to 256 bytes in 3.2.
const CANCEL_LENGTHS: std::ops::RangeInclusive<usize> = 13..=268;

/// The packet that asks for TLS (`SSLRequest`): its length and its code.
pub const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

const CANCEL: u32 = 80_877_102;
const ENCRYPTION: u32 = 80_877_103;
const ENCRYPTION_BY_GSS: u32 = 80_877_104;

/// A whole packet, unchanged.
#[derive(Debug, PartialEq, Eq)]
pub enum Opening {
    /// The client asks for TLS, or for encryption by GSSAPI.
    Encryption,
    /// The client asks to cancel a query of another connection.
    Cancel(Vec<u8>),
    /// The client asks for a session.
    Startup(Startup),
}

/// A startup packet.
#[derive(Debug, PartialEq, Eq)]
pub struct Startup {
    packet: Vec<u8>,
}

/// Returns how long a packet that begins with these bytes is, if it can be one.
pub fn length(first: [u8; 4]) -> Option<usize> {
    let length = usize::try_from(u32::from_be_bytes(first)).ok()?;
    (8..=LONGEST).contains(&length).then_some(length)
}

impl Opening {
    /// Reads a packet; `None` if it isn't one.
    pub fn read(packet: Vec<u8>) -> Option<Self> {
        let code = u32::from_be_bytes(packet.get(4..8)?.try_into().ok()?);
        match code {
            ENCRYPTION | ENCRYPTION_BY_GSS if packet.len() == 8 => Some(Self::Encryption),
            CANCEL if CANCEL_LENGTHS.contains(&packet.len()) => Some(Self::Cancel(packet)),
            _ if code >> 16 == 3 => Some(Self::Startup(Startup { packet })),
            _ => None,
        }
    }
}

impl Startup {
    /// Returns the packet for the server.
    pub fn packet(&self) -> &[u8] {
        &self.packet
    }

    /// Returns the value of a parameter, unless it is missing or empty.
    pub fn value(&self, name: &[u8]) -> Option<&[u8]> {
        let found = self.parameters()?.into_iter().find(|(key, _)| *key == name);
        found
            .map(|(_, value)| value)
            .filter(|value| !value.is_empty())
    }

    /// Returns the packet with these parameters replaced or added. A packet that can't be read is
    /// left for the server to refuse.
    pub fn replace_values(self, values: &[(&[u8], &[u8])]) -> Self {
        let Some(mut parameters) = self.parameters() else {
            return self;
        };
        for (name, value) in values {
            match parameters.iter_mut().find(|(key, _)| key == name) {
                Some(found) => found.1 = value,
                None => parameters.push((name, value)),
            }
        }
        let mut packet = vec![0; 4];
        packet.extend(&self.packet[4..8]);
        for (name, value) in parameters {
            for text in [name, value] {
                packet.extend(text);
                packet.push(0);
            }
        }
        packet.push(0);
        match u32::try_from(packet.len()) {
            Ok(length) => packet[..4].copy_from_slice(&length.to_be_bytes()),
            Err(_) => return self,
        }
        Self { packet }
    }

    /// Returns names and values in order; `None` if the packet is malformed.
    fn parameters(&self) -> Option<Vec<(&[u8], &[u8])>> {
        let mut rest = self.packet.get(8..)?;
        let mut found = Vec::new();
        loop {
            let name = text(&mut rest)?;
            if name.is_empty() {
                return rest.is_empty().then_some(found);
            }
            found.push((name, text(&mut rest)?));
        }
    }
}

/// Takes the text before the next NUL.
fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|&byte| byte == 0)?;
    let (text, after) = rest.split_at(end);
    *rest = &after[1..];
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(code: u32, rest: &[u8]) -> Vec<u8> {
        let length = u32::try_from(rest.len() + 8).unwrap();
        [&length.to_be_bytes(), &code.to_be_bytes(), rest].concat()
    }

    fn startup(parameters: &[u8]) -> Startup {
        match Opening::read(packet(3 << 16, parameters)) {
            Some(Opening::Startup(startup)) => startup,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn packets_are_told_apart() {
        assert_eq!(length([0, 0, 0, 8]), Some(8));
        assert_eq!(length(*b"GET "), None);
        assert_eq!(length([0, 0, 0, 7]), None);
        let read = |code, rest: &[u8]| Opening::read(packet(code, rest));
        assert_eq!(read(ENCRYPTION, b""), Some(Opening::Encryption));
        assert_eq!(read(ENCRYPTION_BY_GSS, b""), Some(Opening::Encryption));
        assert_eq!(read(ENCRYPTION, b"x"), None);
        for key in [8, 260] {
            let cancel = read(CANCEL, &vec![7; key]);
            assert_eq!(cancel, Some(Opening::Cancel(packet(CANCEL, &vec![7; key]))));
        }
        assert_eq!(read(CANCEL, &[7; 4]), None);
        assert_eq!(read(CANCEL, &[7; 261]), None);
        assert_eq!(read(2 << 16, b""), None);
        assert!(matches!(
            read(3 << 16 | 2, b"\0"),
            Some(Opening::Startup(_))
        ));
        assert_eq!(Opening::read(Vec::new()), None);
    }

    #[test]
    fn parameters_are_replaced_in_their_place() {
        let given = startup(b"user\0me\0options\0-c a=b\0\0");
        assert_eq!(given.value(b"user"), Some(&b"me"[..]));
        assert_eq!(given.value(b"database"), None);
        let changed = given.replace_values(&[(b"user", b"Prod DB"), (b"database", b"app")]);
        let expected = startup(b"user\0Prod DB\0options\0-c a=b\0database\0app\0\0");
        assert_eq!(changed, expected);
    }

    #[test]
    fn what_cannot_be_read_is_left_to_the_server() {
        for parameters in [&b""[..], b"user", b"user\0me\0", b"user\0me\0\0x"] {
            let given = startup(parameters);
            assert_eq!(given.value(b"user"), None);
            let before = given.packet().to_vec();
            assert_eq!(given.replace_values(&[(b"user", b"x")]).packet(), before);
        }
    }
}
