//! A connection that gives up on slow peers: a header takes at most ten seconds from its first
//! byte, and a reader who takes nothing for thirty is gone. Idle and body times lie elsewhere.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Sleep, sleep},
};

const HEADER: Duration = Duration::from_secs(10);
const STALLED: Duration = Duration::from_secs(30);

/// A stream with deadlines.
pub(super) struct Timed<S> {
    stream: TokioIo<S>,
    /// Whether a request is being answered, so that nothing is expected to come in.
    busy: Arc<AtomicBool>,
    header: Option<Pin<Box<Sleep>>>,
    write: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Timed<S> {
    /// The stream, and the flag to set while a request is answered. The first header is due at
    /// once; later ones from their first byte on.
    pub(super) fn new(stream: S) -> (Self, Arc<AtomicBool>) {
        let busy = Arc::new(AtomicBool::new(false));
        let header = Some(Box::pin(sleep(HEADER)));
        (Self { stream: TokioIo::new(stream), busy: Arc::clone(&busy), header, write: None }, busy)
    }

    fn stalled(&mut self, context: &mut Context<'_>) -> bool {
        let timer = self.write.get_or_insert_with(|| Box::pin(sleep(STALLED)));
        timer.as_mut().poll(context).is_ready()
    }

    /// Lets a write's progress restart the time for the next one.
    fn written(
        &mut self,
        result: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match result {
            Poll::Ready(result) => {
                self.write = None;
                Poll::Ready(result)
            }
            Poll::Pending if self.stalled(context) => Poll::Ready(Err(late())),
            Poll::Pending => Poll::Pending,
        }
    }
}

fn late() -> io::Error {
    io::Error::from(io::ErrorKind::TimedOut)
}

impl<S: AsyncRead + Unpin> Read for Timed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let result = Pin::new(&mut this.stream).poll_read(context, buffer);
        if this.busy.load(Relaxed) {
            this.header = None;
            return result;
        }
        if result.is_ready() {
            this.header.get_or_insert_with(|| Box::pin(sleep(HEADER)));
            return result;
        }
        let timer = this.header.as_mut();
        if timer.is_some_and(|timer| timer.as_mut().poll(context).is_ready()) {
            return Poll::Ready(Err(late()));
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Write for Timed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(result, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.written(result, context)
    }
}
