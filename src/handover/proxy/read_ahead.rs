//! A connection that is read in large pieces. rustls asks for 4 KiB at a time, so a TLS record of
//! PostgreSQL's 8 KiB would take three system calls. tokio's `BufReader` would keep a buffer for each
//! idle session.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::splice::BUFFER;

thread_local! {
    static SHARED: RefCell<Box<[u8]>> = RefCell::new(vec![0; BUFFER].into_boxed_slice());
}

/// The connection `inner`, with the bytes that were read but not asked for yet. It has no buffer
/// while there are none.
#[derive(Debug)]
pub struct ReadAhead<T> {
    inner: T,
    kept: Vec<u8>,
    given: usize,
}

impl<T> ReadAhead<T> {
    pub fn new(inner: T) -> Self {
        Self {
            inner,
            kept: Vec::new(),
            given: 0,
        }
    }

    fn give(&mut self, buffer: &mut ReadBuf<'_>) {
        let rest = &self.kept[self.given..];
        let count = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..count]);
        self.given += count;
        if self.given == self.kept.len() {
            self.kept = Vec::new();
            self.given = 0;
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for ReadAhead<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.kept.is_empty() {
            self.give(buffer);
            return Poll::Ready(Ok(()));
        }
        SHARED.with_borrow_mut(|shared| {
            let mut read = ReadBuf::new(shared);
            ready!(Pin::new(&mut self.inner).poll_read(context, &mut read))?;
            let count = read.filled().len().min(buffer.remaining());
            let (now, later) = read.filled().split_at(count);
            buffer.put_slice(now);
            self.kept = later.to_vec();
            Poll::Ready(Ok(()))
        })
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for ReadAhead<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// Gives each piece to one read, and counts the reads.
    struct Pieces {
        pieces: Vec<io::Result<Vec<u8>>>,
        reads: usize,
    }

    impl AsyncRead for Pieces {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            self.reads += 1;
            if !self.pieces.is_empty() {
                buffer.put_slice(&self.pieces.remove(0)?);
            }
            Poll::Ready(Ok(()))
        }
    }

    /// Reads at most `size` bytes at a time until the end.
    fn read(pieces: Vec<io::Result<Vec<u8>>>, size: usize) -> (io::Result<Vec<u8>>, usize) {
        let mut ahead = ReadAhead::new(Pieces { pieces, reads: 0 });
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let read = runtime.unwrap().block_on(async {
            let (mut all, mut bytes) = (Vec::new(), vec![0; size]);
            loop {
                match ahead.read(&mut bytes).await? {
                    0 => return Ok(all),
                    count => all.extend(&bytes[..count]),
                }
            }
        });
        assert_eq!(ahead.kept.capacity(), 0);
        (read, ahead.inner.reads)
    }

    #[test]
    fn a_large_piece_is_read_once_and_given_in_order() {
        let piece: Vec<u8> = (0..=255).cycle().take(BUFFER).collect();
        for size in [1, 4096, 4097, BUFFER, BUFFER + 1] {
            let pieces = vec![Ok(piece.clone()), Ok(vec![7]), Ok(piece.clone())];
            let expected = [&piece[..], &[7], &piece[..]].concat();
            let (read, reads) = read(pieces, size);
            assert!(read.unwrap() == expected, "{size}");
            // The last one finds the end.
            assert_eq!(reads, 4, "{size}");
        }
    }

    #[test]
    fn a_failure_comes_after_all_that_was_read() {
        let reset = Err(io::ErrorKind::ConnectionReset.into());
        let (read, reads) = read(vec![Ok(vec![1; 100]), reset], 30);
        let failure = read.unwrap_err().kind();
        assert_eq!((failure, reads), (io::ErrorKind::ConnectionReset, 2));
    }
}
