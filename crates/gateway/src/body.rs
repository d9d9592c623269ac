//! Bodies in both directions: streamed, counted, watched, never relayed raw.

use std::{
    collections::VecDeque,
    future::Future as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use law::{Ended, KeyId, Refusal};
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Sleep, sleep},
};
use wire::second_method::Passing;

use crate::{
    cut::{Over, Wait},
    framing::strip_trailers,
    hold::Room,
    lens::{LARGEST, Lens, Made},
    pace::{Paced, Unsent},
    screen::Source,
    tally::{Seen, Tally},
    toll::Toll,
    upstream::Lease,
};

/// How long a body waits for the upstream's `100 Continue` before it is sent all the same:
/// servers that do not know `Expect` wait for the body (RFC 9110, 10.1.1).
const UNASKED: Duration = Duration::from_secs(1);

/// How long a request's body may stand still after its answer has ended.
const LINGER: Duration = Duration::from_secs(10);

/// A request's body as it came: in flow, or held.
pub(crate) enum Load {
    Stream(Paced),
    Held { bytes: Option<Bytes>, trailers: Option<HeaderMap>, room: Option<Room> },
}

impl Default for Load {
    fn default() -> Self {
        Self::Held { bytes: None, trailers: None, room: None }
    }
}

impl Load {
    pub(crate) fn is_end(&self) -> bool {
        match self {
            Self::Stream(body) => body.is_end(),
            Self::Held { bytes, trailers, .. } => bytes.as_ref().is_none_or(Bytes::is_empty) && trailers.is_none(),
        }
    }

    pub(crate) fn exact(&self) -> Option<u64> {
        match self {
            Self::Stream(body) => body.size_hint().exact(),
            Self::Held { bytes, .. } => Some(bytes.as_ref().map_or(0, Bytes::len) as u64),
        }
    }

    pub(crate) const fn has_trailers(&self) -> bool {
        matches!(self, Self::Held { trailers: Some(_), .. })
    }

    /// What follows the body, where that is held.
    pub(crate) const fn trailers(&self) -> Option<&HeaderMap> {
        match self {
            Self::Held { trailers: Some(trailers), .. } => Some(trailers),
            Self::Held { .. } | Self::Stream(_) => None,
        }
    }

    pub(crate) fn held(&self) -> Option<Bytes> {
        match self {
            Self::Stream(_) => None,
            Self::Held { bytes, .. } => bytes.clone(),
        }
    }
}

/// The request's body on its way to the upstream.
pub(crate) struct Inbound {
    load: Load,
    tally: Arc<Tally>,
    wait: Wait,
    asked: Asked,
    passing: Option<Box<Passing>>,
}

/// Whether the upstream wants the body.
pub(crate) enum Asked {
    /// It does, or it was not asked whether it does.
    Yes,
    /// It has not said yet. The sender is dropped when it answers without having said so.
    NotYet { word: oneshot::Receiver<()>, patience: Pin<Box<Sleep>> },
    /// It answered without wanting it.
    Never,
}

impl Asked {
    pub(crate) fn not_yet(word: oneshot::Receiver<()>) -> Self {
        Self::NotYet { word, patience: Box::pin(sleep(UNASKED)) }
    }
}

/// Why a request's body does not reach its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InboundBroken {
    #[error(transparent)]
    Client(#[from] Unsent),
    #[error("the exchange was cut")]
    Cut,
    #[error("the upstream answered without the body")]
    Unwanted,
    #[error("the body names a second method")]
    SecondMethod,
}

impl Inbound {
    pub(crate) fn new(load: Load, tally: Arc<Tally>, asked: Asked) -> Self {
        let wait = Wait::new(tally.cut().clone(), Some(LINGER));
        if let Load::Held { bytes: Some(bytes), .. } = &load {
            tally.add_in(bytes.len());
        }
        Self { load, tally, wait, asked, passing: None }
    }

    /// It is looked into while it goes by, and breaks off before it names a second method.
    pub(crate) fn looked_into(mut self, passing: Option<Box<Passing>>) -> Self {
        self.passing = passing;
        self
    }

    /// Whether these bytes may go on.
    fn lets_pass(&mut self, bytes: &[u8]) -> Result<(), InboundBroken> {
        if self.passing.as_mut().is_some_and(|passing| passing.names(bytes)) {
            self.tally.client_fails(Refusal::MethodOverride);
            return Err(InboundBroken::SecondMethod);
        }
        Ok(())
    }

    /// Ready with an error when it was cut, or stood still although its answer has ended.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, InboundBroken>>> {
        let tally = &self.tally;
        self.wait.poll_over(cx, || !tally.has_ended()).map(|over| {
            Some(Err(match over {
                Over::Cut => {
                    self.tally.ends(Ended::Cut);
                    InboundBroken::Cut
                }
                Over::TooLong => InboundBroken::Unwanted,
            }))
        })
    }

    /// Ready when the body may be sent.
    fn poll_asked(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Asked::NotYet { word, patience } = &mut self.asked {
            match Pin::new(word).poll(cx) {
                Poll::Ready(Ok(())) => self.asked = Asked::Yes,
                Poll::Ready(Err(_)) => self.asked = Asked::Never,
                Poll::Pending if patience.as_mut().poll(cx).is_ready() => self.asked = Asked::Yes,
                Poll::Pending => return Poll::Pending,
            }
        }
        match self.asked {
            Asked::Yes => Poll::Ready(()),
            Asked::NotYet { .. } | Asked::Never => Poll::Pending,
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, InboundBroken>>> {
        if self.wait.is_cut() {
            self.tally.ends(Ended::Cut);
            return Poll::Ready(Some(Err(InboundBroken::Cut)));
        }
        if self.poll_asked(cx).is_pending() {
            // An error breaks the upstream's connection, and with it an answer that is under
            // way: so it waits for that answer's end.
            if matches!(self.asked, Asked::Never) && self.tally.has_ended() {
                return Poll::Ready(Some(Err(InboundBroken::Unwanted)));
            }
            return self.poll_idle(cx);
        }
        let body = match &mut self.load {
            Load::Stream(body) => body,
            Load::Held { bytes, trailers, room } => {
                if let Some(bytes) = bytes.take_if(|bytes| !bytes.is_empty()) {
                    drop(room.take());
                    return Poll::Ready(Some(self.lets_pass(&bytes).map(|()| Frame::data(bytes))));
                }
                return Poll::Ready(trailers.take().map(Frame::trailers).map(Ok));
            }
        };
        // Once the answer has begun, a client may pause: the two may be in a conversation.
        let polled = body.poll_frame(cx, !self.tally.has_answer());
        self.tally.awaits_client(polled.is_pending());
        let frame = match polled {
            Poll::Pending => return self.poll_idle(cx),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => {
                self.tally.client_fails(match error {
                    Unsent::Broken(_) => Refusal::BadFraming,
                    Unsent::Slow => Refusal::ClientSlow,
                });
                return Poll::Ready(Some(Err(error.into())));
            }
            Poll::Ready(Some(Ok(frame))) => frame,
        };
        self.wait.moved();
        let frame = match frame.into_data() {
            Ok(data) => {
                self.tally.add_in(data.len());
                if let Err(broken) = self.lets_pass(&data) {
                    return Poll::Ready(Some(Err(broken)));
                }
                Frame::data(data)
            }
            Err(frame) => frame.into_trailers().map_or_else(
                |other| other,
                |mut trailers| {
                    strip_trailers(&mut trailers);
                    Frame::trailers(trailers)
                },
            ),
        };
        Poll::Ready(Some(Ok(frame)))
    }
}

impl Body for Inbound {
    type Data = Bytes;
    type Error = InboundBroken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, InboundBroken>>> {
        let this = self.get_mut();
        let piece = ready!(this.poll_piece(cx));
        // hyper does not ask for the end of a body whose length it knows.
        if piece.as_ref().is_none_or(|piece| piece.is_ok() && this.load.is_end()) {
            this.tally.gives_all();
        }
        Poll::Ready(piece)
    }

    fn is_end_stream(&self) -> bool {
        self.load.is_end()
    }

    fn size_hint(&self) -> SizeHint {
        if self.load.has_trailers() {
            return SizeHint::default();
        }
        self.load.exact().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// An answer's body: the gate's own words, or the upstream's.
pub struct Answer(Kind);

enum Kind {
    Words(Option<Bytes>),
    Relay(Box<Relay>),
}

/// Why an answer does not reach its end. The client's connection is closed without the mark
/// that would make the answer look whole.
#[derive(Debug, thiserror::Error)]
pub enum AnswerBroken {
    /// The upstream broke off.
    #[error("the upstream broke off")]
    Upstream(#[source] hyper::Error),
    /// The upstream sent nothing for too long.
    #[error("the upstream sent nothing for too long")]
    Silent,
    /// The key was disabled, revoked or ended.
    #[error("the exchange was cut")]
    Cut,
    /// A limit of the key has no room for more.
    #[error("a limit of the key was reached")]
    LimitReached,
    /// It showed the gate's own credential.
    #[error("the answer showed the gate's own credential")]
    Showed,
}

/// Makes a key known that an answer brings.
pub(crate) type Register = Arc<dyn Fn(Made) -> Pin<Box<dyn Future<Output = Option<KeyId>> + Send>> + Send + Sync>;

/// An answer that may bring a new key, held back until that key is known: whoever has read
/// the answer may call with the key at once.
struct Minting {
    register: Register,
    held: VecDeque<Frame<Bytes>>,
    size: usize,
    registering: Option<JoinHandle<()>>,
    /// Whether what is held may go on.
    open: bool,
    /// Whether it does not go on all the same, for it ends in the middle of what may be a credential.
    within: bool,
}

/// Who looks at an answer while it goes by.
pub(crate) struct Watched {
    pub(crate) tally: Arc<Tally>,
    /// How long the upstream may send nothing.
    pub(crate) idle: Option<Duration>,
    pub(crate) lens: Option<Lens>,
    pub(crate) toll: Option<Toll>,
}

/// The upstream's answer on its way to the client.
pub(crate) struct Relay {
    body: Source,
    tally: Arc<Tally>,
    wait: Wait,
    lens: Option<Lens>,
    toll: Option<Toll>,
    /// Whether a limit had no room for the piece that came last.
    is_beyond: bool,
    minting: Option<Minting>,
    /// Whether the upstream's answer was read to its end.
    whole: bool,
    /// The connection, to be given back when the answer has been read.
    lease: Option<Lease>,
    done: bool,
}

impl Answer {
    /// The gate's own words.
    pub(crate) fn words(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Words(Some(bytes.into()).filter(|bytes| !bytes.is_empty())))
    }

    pub(crate) fn relay(body: Source, watched: Watched, register: Option<Register>, lease: Option<Lease>) -> Self {
        let Watched { tally, idle, lens, toll } = watched;
        let wait = Wait::new(tally.cut().clone(), idle);
        let minting = register.filter(|_| lens.as_ref().is_some_and(Lens::may_see_credential)).map(|register| {
            Minting { register, held: VecDeque::new(), size: 0, registering: None, open: false, within: false }
        });
        Self(Kind::Relay(Box::new(Relay {
            body,
            tally,
            wait,
            lens,
            toll,
            is_beyond: false,
            minting,
            whole: false,
            lease,
            done: false,
        })))
    }
}

impl Minting {
    /// Makes a credential known that stood in the last piece of an answer which is too large to be
    /// held back whole: what is held, that piece with it, goes on when the key is known.
    fn registers(&mut self, made: Made, tally: &Arc<Tally>, last: Frame<Bytes>) {
        self.held.push_back(last);
        let (known, tally) = ((self.register)(made), Arc::clone(tally));
        self.registering = Some(tokio::spawn(async move { tally.saw(Seen { rows: None, minted: known.await }) }));
    }

    /// Holds a piece back; all of them go on when they are too many to be held.
    fn hold(&mut self, frame: Frame<Bytes>) {
        self.size = self.size.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        self.held.push_back(frame);
        self.open |= self.size > LARGEST;
    }

    /// What goes on next. Pending while the key is being made known.
    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        if let Some(task) = &mut self.registering {
            // Whether it worked is in the log; the answer goes on either way.
            let _ = ready!(Pin::new(task).poll(cx));
            self.registering = None;
            self.open = true;
        }
        Poll::Ready(if self.open && !self.within { self.held.pop_front() } else { None })
    }
}

impl Relay {
    /// The upstream's answer has ended: what was looked for in it is known now.
    fn look(&mut self) {
        self.whole = true;
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
        let Some(lens) = self.lens.take() else { return };
        let (rows, minted) = lens.seen();
        match (minted, &mut self.minting) {
            (Some(made), Some(minting)) => {
                // A task of its own: the key is made known also where the client goes away
                // meanwhile. The tally is held as long, so that the record names the key.
                let (known, tally) = ((minting.register)(made), Arc::clone(&self.tally));
                minting.registering = Some(tokio::spawn(async move { tally.saw(Seen { rows, minted: known.await }) }));
            }
            (_, minting) => {
                self.tally.saw(Seen { rows, minted: None });
                if let Some(minting) = minting {
                    (minting.open, minting.within) = (true, false);
                }
            }
        }
    }

    fn finish(&mut self) {
        self.done = true;
        if !self.whole {
            self.look();
        }
        self.tally.ends(Ended::Whole);
    }

    /// Whether nothing more comes.
    fn is_over(&self) -> bool {
        let held =
            self.minting.as_ref().is_some_and(|minting| !minting.held.is_empty() || minting.registering.is_some());
        (self.whole || self.body.is_end_stream()) && !held
    }

    fn breaks(&mut self, ended: Ended, why: AnswerBroken) -> Poll<Option<Result<Frame<Bytes>, AnswerBroken>>> {
        self.done = true;
        self.tally.ends(ended);
        Poll::Ready(Some(Err(why)))
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, AnswerBroken>>> {
        loop {
            if self.wait.is_cut() {
                return self.breaks(Ended::Cut, AnswerBroken::Cut);
            }
            if self.is_beyond {
                return self.breaks(Ended::LimitReached, AnswerBroken::LimitReached);
            }
            if let Some(minting) = &mut self.minting
                && let Some(frame) = ready!(minting.poll_held(cx))
            {
                return self.passes(cx, frame);
            }
            if self.whole {
                self.finish();
                return Poll::Ready(None);
            }
            match self.body.poll_frame(cx) {
                Poll::Pending => {
                    return match self.wait.poll_over(cx, || false) {
                        Poll::Pending => Poll::Pending,
                        Poll::Ready(Over::Cut) => self.breaks(Ended::Cut, AnswerBroken::Cut),
                        Poll::Ready(Over::TooLong) => self.breaks(Ended::UpstreamGone, AnswerBroken::Silent),
                    };
                }
                Poll::Ready(None) => self.look(),
                Poll::Ready(Some(Err(AnswerBroken::Showed))) => {
                    self.tally.showed();
                    return self.breaks(Ended::Cut, AnswerBroken::Showed);
                }
                Poll::Ready(Some(Err(broken))) => return self.breaks(Ended::UpstreamGone, broken),
                Poll::Ready(Some(Ok(frame))) => {
                    self.wait.moved();
                    if let (Some(data), Some(lens)) = (frame.data_ref(), &mut self.lens) {
                        lens.pass(data);
                    }
                    let made = self.lens.as_mut().and_then(Lens::made);
                    if let Some(minting) = &mut self.minting {
                        minting.within = self.lens.as_ref().is_some_and(Lens::is_within);
                    }
                    match (&mut self.minting, made) {
                        (Some(minting), Some(made)) => minting.registers(made, &self.tally, frame),
                        (Some(minting), None) if !minting.open || minting.within || !minting.held.is_empty() => {
                            minting.hold(frame);
                        }
                        _ => return self.passes(cx, frame),
                    }
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        let held = self
            .minting
            .as_ref()
            .map_or(0, |minting| minting.held.iter().filter_map(Frame::data_ref).map(|data| data.len() as u64).sum());
        let left = self.body.size_hint();
        left.exact().map_or_else(SizeHint::default, |left| SizeHint::with_exact(left.saturating_add(held)))
    }

    fn passes(&mut self, cx: &Context<'_>, frame: Frame<Bytes>) -> Poll<Option<Result<Frame<Bytes>, AnswerBroken>>> {
        if let Some(data) = frame.data_ref() {
            if self.toll.as_mut().is_some_and(|toll| toll.pass(data).is_err()) {
                // The head goes first: it says what has happened at the API.
                self.is_beyond = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.tally.add_out(data.len());
        }
        Poll::Ready(Some(Ok(frame)))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // hyper does not ask for the end of a body whose length it knows.
        if !self.done && self.is_over() {
            self.finish();
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = AnswerBroken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, AnswerBroken>>> {
        match &mut self.get_mut().0 {
            Kind::Words(bytes) => Poll::Ready(bytes.take().map(Frame::data).map(Ok)),
            Kind::Relay(relay) => relay.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Words(bytes) => bytes.is_none(),
            Kind::Relay(relay) => relay.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Words(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Kind::Relay(relay) => relay.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn what_ends_in_the_middle_of_a_credential_does_not_go_on() {
        let register: Register = Arc::new(|_| Box::pin(async { None }));
        let held = VecDeque::new();
        let mut minting = Minting { register, held, size: 0, registering: None, open: true, within: true };
        let mut cx = Context::from_waker(Waker::noop());
        minting.hold(Frame::data(Bytes::from_static(b"\"secret\":\"mint_")));
        assert!(matches!(minting.poll_held(&mut cx), Poll::Ready(None)));
        minting.within = false;
        assert!(matches!(minting.poll_held(&mut cx), Poll::Ready(Some(_))));
    }
}
