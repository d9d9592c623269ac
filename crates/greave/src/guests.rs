//! Connections to the desk and to the metrics: only so many at once, and none that asks nothing.
//!
//! They share their files with the gate. Without a bound, whoever reaches the desk could take
//! all of them, say nothing, and so keep every client out of the gate.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::serve::Listener;
use law::{Neighbourhood, neighbourhood};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, sleep},
};

/// How long a guest may take for its first request.
const FIRST: Duration = Duration::from_secs(10);

/// How long for the next one after an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which part of the places one source may have: with all of them, it would keep everybody from
/// saying no. A proxy before the desk is one source, and keeps few connections open.
const SHARE: usize = 4;

/// A listener with so many places. Whoever finds none waits unaccepted.
pub(crate) struct Guests {
    listener: TcpListener,
    places: Arc<Semaphore>,
    seated: Seated,
    share: usize,
    first: Duration,
    patience: Duration,
}

/// How many places each source has.
type Seated = Arc<Mutex<HashMap<Neighbourhood, usize>>>;

/// A source's place; given back when this is dropped.
struct Seat(Seated, Neighbourhood);

impl Seat {
    /// One more place, where the source has fewer than so many.
    fn take(seated: &Seated, source: Neighbourhood, most: usize) -> Option<Self> {
        let mut places = seated.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = places.get(&source).copied().unwrap_or(0);
        (taken < most).then(|| {
            places.insert(source, taken + 1);
            Self(Arc::clone(seated), source)
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match places.get_mut(&self.1) {
            Some(taken) if *taken > 1 => *taken -= 1,
            _ => drop(places.remove(&self.1)),
        }
    }
}

/// One connection. It ends when nothing was written to it for too long: what a slow client
/// sends, byte by byte, does not prolong it.
pub(crate) struct Guest {
    stream: TcpStream,
    patience: Duration,
    end: Pin<Box<Sleep>>,
    /// Held for their end.
    _place: (Option<OwnedSemaphorePermit>, Seat),
}

impl Guests {
    pub(crate) fn new(listener: TcpListener, places: usize) -> Self {
        let share = places.div_ceil(SHARE);
        let (places, seated) = (Arc::new(Semaphore::new(places)), Seated::default());
        Self { listener, places, seated, share, first: FIRST, patience: PATIENCE }
    }
}

impl Listener for Guests {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        loop {
            // Nobody closes the semaphore.
            let place = Arc::clone(&self.places).acquire_owned().await.ok();
            let (stream, address) = Listener::accept(&mut self.listener).await;
            // Who has too many already is sent away at once: waiting, it would stand before others.
            if let Some(seat) = Seat::take(&self.seated, neighbourhood(address.ip()), self.share) {
                let (patience, end) = (self.patience, Box::pin(sleep(self.first)));
                return (Guest { stream, patience, end, _place: (place, seat) }, address);
            }
        }
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
        net::TcpSocket,
        time::timeout,
    };

    use super::*;

    #[tokio::test]
    async fn whoever_asks_nothing_gives_its_place_to_the_next() {
        let mut guests = Guests::new(TcpListener::bind("127.0.0.1:0").await.unwrap(), 1);
        guests.first = Duration::from_millis(200);
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

    #[tokio::test]
    async fn one_source_has_a_share_of_the_places_and_no_more() {
        let mut guests = Guests::new(TcpListener::bind("127.0.0.1:0").await.unwrap(), 8);
        let address = guests.local_addr().unwrap();
        let mut from_here = Vec::new();
        for _ in 0..3 {
            from_here.push(TcpStream::connect(address).await.unwrap());
        }
        let elsewhere = TcpSocket::new_v4().unwrap();
        elsewhere.bind("127.1.0.1:0".parse().unwrap()).unwrap();
        let _elsewhere = elsewhere.connect(address).await.unwrap();
        let (first, _) = guests.accept().await;
        let _second = guests.accept().await;
        assert_eq!(guests.accept().await.1.ip().to_string(), "127.1.0.1");
        assert_eq!(from_here[2].read(&mut [0]).await.unwrap(), 0, "the third has no place");

        drop(first);
        let _again = TcpStream::connect(address).await.unwrap();
        assert_eq!(guests.accept().await.1.ip().to_string(), "127.0.0.1");
    }
}
