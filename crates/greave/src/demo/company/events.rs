//! What happens, told as it happens: an endless answer of server-sent events.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::State,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::IntoResponse,
};
use http_body::Frame;
use tokio::{
    sync::mpsc,
    time::{Interval, interval},
};

use super::{
    Company,
    access::{Caller, Scope},
    errors::Error,
    office::Entry,
};

/// How often a silent stream shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Those who listen. A listener who falls 64 events behind is dropped and may come again.
#[derive(Default)]
pub(super) struct Events(Vec<mpsc::Sender<Bytes>>);

impl Events {
    pub(super) fn tell(&mut self, entry: &Entry) {
        let Ok(data) = serde_json::to_string(entry) else { return };
        let event = Bytes::from(format!("event: {}\ndata: {data}\n\n", entry.action));
        self.0.retain(|listener| listener.try_send(event.clone()).is_ok());
    }

    fn follow(&mut self) -> Feed {
        let (listener, events) = mpsc::channel(64);
        self.0.retain(|listener| !listener.is_closed());
        self.0.push(listener);
        Feed { events, heartbeat: interval(HEARTBEAT) }
    }
}

/// The body of one listener's answer. It ends when the books are reset.
struct Feed {
    events: mpsc::Receiver<Bytes>,
    /// Beats at once for the first time, so that a listener knows the stream is open.
    heartbeat: Interval,
}

impl HttpBody for Feed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Poll::Ready(event) = self.events.poll_recv(context) {
            return Poll::Ready(event.map(|event| Ok(Frame::data(event))));
        }
        self.heartbeat.poll_tick(context).map(|_| Some(Ok(Frame::data(Bytes::from_static(b": the lamp is lit\n\n")))))
    }
}

pub(super) async fn follow(State(company): State<Company>, caller: Caller) -> Result<impl IntoResponse, Error> {
    caller.needs(Scope::InvoicesRead)?;
    let feed = company.books().events.follow();
    Ok(([(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")], Body::new(feed)))
}
