//! Connections to the desk and to the metrics: only so many at once, and none that asks nothing.
//!
//! They share their files with the gate. Without a bound, whoever reaches the desk could take
//! all of them, say nothing, and so keep every client out of the gate.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::serve::Listener;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, sleep},
};

/// How long a guest may take for a request, and for the next one after an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A listener with so many places. Whoever finds none waits unaccepted.
pub(crate) struct Guests {
    listener: TcpListener,
    places: Arc<Semaphore>,
    patience: Duration,
}

/// One connection. It ends when nothing was written to it for too long: what a slow client
/// sends, byte by byte, does not prolong it.
pub(crate) struct Guest {
    stream: TcpStream,
    patience: Duration,
    end: Pin<Box<Sleep>>,
    /// Held for its end.
    _place: Option<OwnedSemaphorePermit>,
}

impl Guests {
    pub(crate) fn new(listener: TcpListener, places: usize) -> Self {
        Self { listener, places: Arc::new(Semaphore::new(places)), patience: PATIENCE }
    }
}

impl Listener for Guests {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        // Nobody closes the semaphore.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let patience = self.patience;
        (Guest { stream, patience, end: Box::pin(sleep(patience)), _place: place }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Guest {
    /// Nothing moves: an error when that has lasted too long.
    fn poll_end<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        ready!(self.end.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Guest {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_read(cx, buffer) {
            Poll::Pending => this.poll_end(cx),
            read => read,
        }
    }
}

impl AsyncWrite for Guest {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_write(cx, bytes) {
            Poll::Pending => this.poll_end(cx),
            written => {
                this.end.as_mut().reset(Instant::now() + this.patience);
                written
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        time::timeout,
    };

    use super::*;

    #[tokio::test]
    async fn whoever_asks_nothing_gives_its_place_to_the_next() {
        let mut guests = Guests::new(TcpListener::bind("127.0.0.1:0").await.unwrap(), 1);
        guests.patience = Duration::from_millis(200);
        let address = guests.local_addr().unwrap();
        let mut first = TcpStream::connect(address).await.unwrap();
        let _second = TcpStream::connect(address).await.unwrap();
        let (mut guest, _) = guests.accept().await;
        assert!(timeout(Duration::from_millis(20), guests.accept()).await.is_err(), "there is no place");

        first.write_all(b"G").await.unwrap();
        let mut bytes = [0; 8];
        assert_eq!(guest.read(&mut bytes).await.unwrap(), 1);
        assert_eq!(guest.read(&mut bytes).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(guest);
        guests.accept().await;
    }
}
