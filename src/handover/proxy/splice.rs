//! Passes bytes on in both directions, unread, until both have ended.
//!
//! An idle session has no buffer: each thread has one, and only bytes that couldn't be written at
//! once are kept. If one side ends its direction, that direction is ended on the other side too, and
//! the opposite one continues: PostgreSQL still answers. If one side fails, or the client has left,
//! both are dropped.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

/// The size of four TLS records.
pub const BUFFER: usize = 64 * 1024;

/// How long a client may take to read the server's last message.
const FAREWELL: Duration = Duration::from_secs(5);

/// How often a client that has ended its direction is checked.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

thread_local! {
    static SHARED: RefCell<Box<[u8]>> = RefCell::new(vec![0; BUFFER].into_boxed_slice());
}

/// A client's connection.
pub trait ClientStream: AsyncRead + AsyncWrite + Unpin {
    /// Returns whether the client has closed the connection, so nothing can be sent to it. On TCP,
    /// that is known only once the client's system has answered a message or a keepalive.
    fn has_left(&self) -> bool;
}

#[cfg(unix)]
impl ClientStream for tokio::net::UnixStream {
    fn has_left(&self) -> bool {
        refuses_bytes(&SockRef::from(self))
    }
}

impl ClientStream for tokio::net::TcpStream {
    fn has_left(&self) -> bool {
        refuses_bytes(&SockRef::from(self))
    }
}

/// Sends no bytes, which fails if no bytes can be sent.
fn refuses_bytes(socket: &SockRef<'_>) -> bool {
    let sent = socket.send(&[]);
    sent.is_err_and(|why| why.kind() != io::ErrorKind::WouldBlock)
}

/// One direction.
#[derive(Default)]
struct Way {
    /// Bytes that were read, and how many of them were written.
    kept: Vec<u8>,
    written: usize,
    needs_flush: bool,
    has_ended: bool,
    is_done: bool,
}

/// Which side of a direction failed.
enum Failed {
    Reader,
    Writer,
}

/// Passes everything on, beginning with `for_client`, which was read from the server already. Returns
/// when the server has ended or the client is gone.
pub async fn splice<C, S>(client: &mut C, server: &mut S, for_client: Vec<u8>)
where
    C: ClientStream,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut up = Way::default();
    let mut down = Way {
        kept: for_client,
        ..Way::default()
    };
    let mut looks = None;
    let is_client_there = std::future::poll_fn(|context| {
        match up.poll(context, client, server) {
            Poll::Ready(Err(Failed::Reader)) => return Poll::Ready(false),
            // The server's last message is still to be read.
            Poll::Ready(Err(Failed::Writer)) => up.is_done = true,
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        // A server that has stopped doesn't end its direction.
        if up.is_done {
            let looks = looks.get_or_insert_with(looks_at_client);
            while looks.poll_tick(context).is_ready() {
                if client.has_left() {
                    return Poll::Ready(false);
                }
            }
        }
        match down.poll(context, server, client) {
            Poll::Ready(Err(Failed::Writer)) => Poll::Ready(false),
            Poll::Ready(Err(Failed::Reader)) => {
                down.has_ended = true;
                down.poll(context, server, client)
                    .map(|ended| ended.is_ok())
            }
            Poll::Ready(Ok(())) => Poll::Ready(true),
            Poll::Pending => Poll::Pending,
        }
    });
    if is_client_there.await {
        drain(client).await;
    }
}

fn looks_at_client() -> Interval {
    let mut looks = interval(BETWEEN_LOOKS);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    looks
}

/// Waits until the client has ended its side too. If the connection is closed earlier, the system
/// may discard what the client hasn't read yet.
pub async fn drain(client: &mut (impl AsyncRead + Unpin)) {
    let mut rest = [0; 1024];
    let read = async { while matches!(client.read(&mut rest).await, Ok(1..)) {} };
    let _ = timeout(FAREWELL, read).await;
}

impl Way {
    fn poll<R, W>(
        &mut self,
        context: &mut Context<'_>,
        reader: &mut R,
        writer: &mut W,
    ) -> Poll<Result<(), Failed>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        while !self.is_done {
            ready!(self.poll_kept(context, writer)).map_err(|_| Failed::Writer)?;
            if self.has_ended {
                let ended = Pin::new(&mut *writer).poll_shutdown(context);
                ready!(ended).map_err(|_| Failed::Writer)?;
                self.is_done = true;
            } else if self.poll_pass(context, reader, writer)?.is_pending() {
                if self.needs_flush {
                    let flushed = Pin::new(&mut *writer).poll_flush(context);
                    ready!(flushed).map_err(|_| Failed::Writer)?;
                    self.needs_flush = false;
                }
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads what is there, at most a buffer, and writes as much of it as possible.
    fn poll_pass<R, W>(
        &mut self,
        context: &mut Context<'_>,
        reader: &mut R,
        writer: &mut W,
    ) -> Result<Poll<()>, Failed>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        SHARED.with_borrow_mut(|shared| {
            let mut buffer = ReadBuf::new(shared);
            // TLS gives one record at a time.
            let read = loop {
                let before = buffer.filled().len();
                let read = Pin::new(&mut *reader).poll_read(context, &mut buffer);
                if !matches!(read, Poll::Ready(Ok(()))) {
                    break read;
                }
                self.has_ended = buffer.filled().len() == before;
                if self.has_ended || buffer.remaining() == 0 {
                    break read;
                }
            };
            let bytes = buffer.filled();
            if bytes.is_empty() && read.is_pending() {
                return Ok(Poll::Pending);
            }
            self.pass(context, bytes, writer)
                .map_err(|_| Failed::Writer)?;
            if let Poll::Ready(Err(_)) = read {
                return Err(Failed::Reader);
            }
            Ok(Poll::Ready(()))
        })
    }

    /// Writes as much as possible, and keeps the rest.
    fn pass<W: AsyncWrite + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        mut bytes: &[u8],
        writer: &mut W,
    ) -> io::Result<()> {
        while !bytes.is_empty() {
            match Pin::new(&mut *writer).poll_write(context, bytes) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => {
                    bytes = &bytes[count..];
                    self.needs_flush = true;
                }
                Poll::Ready(Err(why)) => return Err(why),
                Poll::Pending => {
                    self.kept = bytes.to_vec();
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn poll_kept<W: AsyncWrite + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        writer: &mut W,
    ) -> Poll<io::Result<()>> {
        while self.written < self.kept.len() {
            let rest = &self.kept[self.written..];
            let count = ready!(Pin::new(&mut *writer).poll_write(context, rest))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += count;
            self.needs_flush = true;
        }
        self.kept = Vec::new();
        self.written = 0;
        Poll::Ready(Ok(()))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use tokio::io::{join, sink};
    use tokio::net::UnixStream;

    use super::*;

    /// A connection that has failed.
    struct Reset;

    impl AsyncRead for Reset {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
        }
    }

    #[test]
    fn what_the_server_said_before_it_failed_reaches_the_client() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            let (mut client, mut proxy) = UnixStream::pair().unwrap();
            let says = (&b"second "[..]).chain(&b"third"[..]).chain(Reset);
            let mut server = join(says, sink());
            let heard = async {
                let mut heard = String::new();
                client.read_to_string(&mut heard).await.unwrap();
                drop(client);
                heard
            };
            let spliced = splice(&mut proxy, &mut server, b"first ".to_vec());
            let ((), heard) = tokio::join!(spliced, heard);
            assert_eq!(heard, "first second third");
        });
    }
}
