//! How slowly a request's body may come.
//!
//! Only time in which the gate waits for the client counts: an upstream that reads slowly is
//! no fault of the client's. Every so many bytes begin a new count, so that what came quickly
//! before buys no pause later.

use std::{
    future::Future as _,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

/// The slowest that a body may come: for so many bytes the gate waits so long.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How many bytes.
    pub bytes: u64,
    /// How long the gate waits for them.
    pub within: Duration,
}

impl Default for Pace {
    /// Any modem is faster.
    fn default() -> Self {
        Self { bytes: 1024, within: Duration::from_secs(30) }
    }
}

/// A body as its client sends it.
pub(crate) struct Paced {
    body: Incoming,
    pace: Pace,
    /// Boxed, and made when the client is first waited for: most bodies are there at once.
    count: Option<Box<Count>>,
}

/// What came, and how long it was waited for.
struct Count {
    bytes: u64,
    waited: Duration,
    since: Option<Instant>,
    alarm: Pin<Box<Sleep>>,
}

/// What its client made of a body.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsent {
    #[error("the client's body broke off")]
    Broken(#[source] hyper::Error),
    #[error("the client's body came too slowly")]
    Slow,
}

impl Paced {
    pub(crate) const fn new(body: Incoming, pace: Pace) -> Self {
        Self { body, pace, count: None }
    }

    /// The next piece. `hurries` is whether slowness matters.
    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        hurries: bool,
    ) -> Poll<Option<Result<Frame<Bytes>, Unsent>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            return if hurries && self.poll_late(cx).is_ready() {
                Poll::Ready(Some(Err(Unsent::Slow)))
            } else {
                Poll::Pending
            };
        };
        let frame = frame.map(|frame| frame.map_err(Unsent::Broken));
        if let Some(count) = &mut self.count {
            let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
            count.came(data.map_or(0, |data| data.len() as u64), self.pace);
        }
        Poll::Ready(frame)
    }

    pub(crate) async fn frame(&mut self) -> Option<Result<Frame<Bytes>, Unsent>> {
        std::future::poll_fn(|cx| self.poll_frame(cx, true)).await
    }

    pub(crate) fn is_end(&self) -> bool {
        self.body.is_end_stream()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }

    /// Ready when the client has kept the gate waiting for too long.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now;
        let count = self.count.get_or_insert_with(|| {
            let alarm = Box::pin(sleep_until(now() + self.pace.within));
            Box::new(Count { bytes: 0, waited: Duration::ZERO, since: None, alarm })
        });
        let since = *count.since.get_or_insert_with(now);
        let end = since + self.pace.within.saturating_sub(count.waited);
        if count.alarm.deadline() != end {
            count.alarm.as_mut().reset(end);
        }
        count.alarm.as_mut().poll(cx)
    }
}

impl Count {
    fn came(&mut self, bytes: u64, pace: Pace) {
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
        self.bytes += bytes;
        if self.bytes >= pace.bytes {
            (self.bytes, self.waited) = (0, Duration::ZERO);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_waiting_counts_and_so_many_bytes_begin_anew() {
        let pace = Pace { bytes: 8, within: Duration::from_secs(30) };
        let mut count = Count { bytes: 0, waited: Duration::ZERO, since: None, alarm: Box::pin(sleep(pace.within)) };
        let second = Duration::from_secs(1);
        for waited in 1..=4 {
            count.since = Some(Instant::now());
            advance(second).await;
            count.came(1, pace);
            // Here the upstream is slow.
            advance(20 * second).await;
            assert_eq!((count.bytes, count.waited), (waited, second * u32::try_from(waited).unwrap()));
        }
        count.came(100, pace);
        assert_eq!((count.bytes, count.waited), (0, Duration::ZERO));
    }
}
