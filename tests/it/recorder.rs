//! A server that records what it is sent, in plain text: it refuses TLS, asks for a password, and
//! opens no session.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// The codes with which a client asks for encryption in the place of a protocol version
/// (`SSLRequest`, `GSSENCRequest`).
const ENCRYPTION: [u32; 2] = [80_877_103, 80_877_104];

/// How long a client that says nothing is listened to.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Recorder {
    port: u16,
    said: Receiver<Vec<u8>>,
}

impl Recorder {
    /// Records `clients` connections, and is gone.
    pub fn start(clients: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let (sender, said) = channel();
        thread::spawn(move || {
            for client in listener.incoming().take(clients) {
                record(client.expect("a client"), &sender);
            }
        });
        Self { port, said }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// All that was sent by the clients that there were.
    pub fn said(self) -> Vec<String> {
        // Those that nobody made are made here, so that the thread ends.
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() {}
        let said = self.said.into_iter();
        said.map(|bytes| bytes.escape_ascii().to_string())
            .filter(|said| !said.is_empty())
            .collect()
    }
}

fn record(mut client: TcpStream, sender: &Sender<Vec<u8>>) {
    client.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let mut said = Vec::new();
    // A client that breaks off has said what it said.
    let _ = converse(&mut client, &mut said);
    let _ = sender.send(said);
}

fn converse(client: &mut TcpStream, said: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let message = message(client, said)?;
        let code = message.first_chunk().map(|code| u32::from_be_bytes(*code));
        if code.is_some_and(|code| ENCRYPTION.contains(&code)) {
            client.write_all(b"N")?;
        } else {
            break;
        }
    }
    // AuthenticationCleartextPassword.
    client.write_all(b"R\0\0\0\x08\0\0\0\x03")?;
    client.read_to_end(said)?;
    Ok(())
}

/// A message of the connection's beginning, which has no type in front.
fn message(client: &mut TcpStream, said: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    client.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or_default();
    let mut message = vec![0; length.saturating_sub(4).min(1 << 16)];
    client.read_exact(&mut message)?;
    said.extend_from_slice(&message);
    Ok(message)
}
