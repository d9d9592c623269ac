//! What a request was for a trace, where it belongs to one that is recorded.
//!
//! Nothing of this exists for a request that is not traced. What is told is what the record
//! has: the template instead of the path, no header, no query.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use law::{Call, CallId, ChallengeId, Ended, KeyId, Powers, Verdict};
use tokio::sync::mpsc;
use uuid::Uuid;
use wire::{TRACEPARENT, TRACESTATE, TraceContext};

/// Which requests that belong to no trace yet begin one: so many of 2^32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling(u32);

impl Sampling {
    /// This share of them, from 0 to 1.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number from 0 to 2^32 - 1 by what stands before"
    )]
    pub fn of(share: f64) -> Self {
        Self((share.clamp(0.0, 1.0) * f64::from(u32::MAX)) as u32)
    }

    /// By bits of the call's id that say nothing else.
    const fn takes(self, chance: u32) -> bool {
        self.0 == u32::MAX || chance < self.0
    }
}

/// A request that is over, for whoever tells of it elsewhere.
#[derive(Clone, Debug)]
pub struct Traced {
    /// The trace that it belongs to.
    pub trace: [u8; 16],
    /// The gate's own span.
    pub span: [u8; 8],
    /// The span that sent it, where it came in a trace.
    pub parent: Option<[u8; 8]>,
    /// What vendors say of the trace.
    pub state: Option<HeaderValue>,
    /// When its head had been read.
    pub began: Timestamp,
    /// When its answer had been sent.
    pub ended: Timestamp,
    /// The status that the client saw, 0 where it saw none.
    pub status: u16,
    /// How it ended.
    pub how: Ended,
    /// The call in the record.
    pub call: CallId,
    /// Method and template.
    pub operation: Arc<str>,
    /// What the operation lets its caller do.
    pub powers: Powers,
    /// What was decided.
    pub verdict: Verdict,
    /// The key, where it is known.
    pub key: Option<KeyId>,
    /// Who called.
    pub source: IpAddr,
    /// With which program.
    pub user_agent: Option<String>,
    /// The question, where one was asked.
    pub challenge: Option<ChallengeId>,
    /// While it was held.
    pub held: Option<Part>,
    /// While the API had it.
    pub upstream: Option<Part>,
}

/// A part of a request that has a span of its own.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Its span.
    pub span: [u8; 8],
    /// When it began.
    pub began: Timestamp,
    /// When it ended; with the request, where it did not end before.
    pub ended: Option<Timestamp>,
}

/// A request that is being traced.
pub(crate) struct Strand {
    trace: [u8; 16],
    span: [u8; 8],
    context: Option<TraceContext>,
    /// Chance wants it, whatever the client says.
    by_chance: bool,
    began: Timestamp,
    parts: Mutex<Parts>,
    out: mpsc::Sender<Traced>,
}

#[derive(Default)]
struct Parts {
    call: Option<Call>,
    held: Option<Part>,
    upstream: Option<Part>,
}

impl Strand {
    /// Begins one where the client records its trace, or where chance wants it and the client
    /// is in none. Of those without a known key only what chance wants is told. A client that says that it does not record is taken at its word.
    pub(crate) fn begin(
        sampling: Sampling,
        headers: &HeaderMap,
        id: CallId,
        at: Timestamp,
        out: &mpsc::Sender<Traced>,
    ) -> Option<Arc<Self>> {
        let context = TraceContext::read(headers);
        let [.., b0, b1, b2, b3] = *id.0.as_bytes();
        let by_chance = sampling.takes(u32::from_be_bytes([b0, b1, b2, b3]));
        let is_recorded = context.as_ref().map_or(by_chance, TraceContext::is_sampled);
        is_recorded.then(|| {
            Arc::new(Self {
                // A trace that begins here goes by the call's own name.
                trace: context.as_ref().map_or(*id.0.as_bytes(), |context| context.trace),
                span: new_span(),
                context,
                by_chance,
                began: at,
                parts: Mutex::default(),
                out: out.clone(),
            })
        })
    }

    /// What will be told of the call.
    pub(crate) fn of(&self, call: &Call) {
        self.lock().call = Some(call.clone());
    }

    /// From here on people are asked.
    pub(crate) fn holds(&self, at: Timestamp) {
        self.lock().held = Some(Part { span: new_span(), began: at, ended: None });
    }

    /// People have answered, or nobody has.
    pub(crate) fn held(&self, at: Timestamp) {
        if let Some(held) = &mut self.lock().held {
            held.ended = Some(at);
        }
    }

    /// The request goes to the API, which hears that our span sends it.
    pub(crate) fn goes_on(&self, headers: &mut HeaderMap, at: Timestamp) {
        let span = new_span();
        self.lock().upstream = Some(Part { span, began: at, ended: None });
        let flags = self.context.as_ref().map_or(wire::SAMPLED, |context| context.flags);
        headers.insert(TRACEPARENT, wire::traceparent(&self.trace, &span, flags));
        match self.context.as_ref().and_then(|context| context.state.clone()) {
            Some(state) => headers.insert(TRACESTATE, state),
            None => headers.remove(TRACESTATE),
        };
    }

    /// The request is over. Where nobody keeps up, it is not told.
    pub(crate) fn end(&self, status: u16, how: Ended, at: Timestamp) {
        let parts = std::mem::take(&mut *self.lock());
        let Some(call) = parts.call else { return };
        // Who has no key does not decide how much the collector gets.
        if call.key.is_none() && !self.by_chance {
            return;
        }
        let traced = Traced {
            trace: self.trace,
            span: self.span,
            parent: self.context.as_ref().map(|context| context.parent),
            state: self.context.as_ref().and_then(|context| context.state.clone()),
            began: self.began,
            ended: at,
            status,
            how,
            call: call.id,
            operation: call.operation,
            powers: call.powers,
            verdict: call.verdict,
            key: call.key,
            source: call.source,
            user_agent: call.user_agent,
            challenge: call.challenge,
            held: parts.held,
            upstream: parts.upstream,
        };
        let _ = self.out.try_send(traced);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes what cannot be read as a trace out of a request that is not traced: half-read it would
/// tie the API's spans to the wrong trace.
pub(crate) fn drop_unreadable(headers: &mut HeaderMap) {
    if headers.contains_key(TRACEPARENT) && TraceContext::read(headers).is_none() {
        headers.remove(TRACEPARENT);
        headers.remove(TRACESTATE);
    }
}

/// 62 bits that no other span of this process has; the other two are set, so that it is never zero.
fn new_span() -> [u8; 8] {
    let [.., a, b, c, d, e, f, g, h] = *Uuid::now_v7().as_bytes();
    [a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn begin(share: f64, parent: Option<&str>) -> Option<Arc<Strand>> {
        let mut headers = HeaderMap::new();
        parent.map(|parent| headers.insert(TRACEPARENT, parent.parse().unwrap()));
        let (out, _) = mpsc::channel(1);
        Strand::begin(Sampling::of(share), &headers, CallId(Uuid::now_v7()), Timestamp::UNIX_EPOCH, &out)
    }

    #[test]
    fn a_client_decides_for_its_trace_and_chance_for_those_without_one() {
        assert!(begin(0.0, Some(PARENT)).is_some());
        assert!(begin(1.0, Some(&PARENT.replace("-01", "-00"))).is_none());
        assert!(begin(0.0, None).is_none());
        assert!(begin(1.0, None).is_some());
        assert!(begin(1.0, Some("00-nonsense")).is_some_and(|span| span.context.is_none()), "a trace of its own");
        let some = (0..2000).filter(|_| begin(0.25, None).is_some()).count();
        assert!((300..700).contains(&some), "about a quarter of 2000: {some}");
    }

    #[test]
    fn the_api_hears_of_our_span_in_the_clients_trace() {
        let span = begin(0.0, Some(PARENT)).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(TRACESTATE, "left=behind".parse().unwrap());
        span.goes_on(&mut headers, Timestamp::UNIX_EPOCH);
        let said = TraceContext::read(&headers).unwrap();
        assert_eq!(said.trace, span.trace);
        assert_eq!(Some(said.parent), span.lock().upstream.map(|part| part.span));
        assert_ne!(said.parent, span.context.as_ref().unwrap().parent);
        assert!(said.is_sampled() && said.state.is_none());
    }

    #[test]
    fn what_cannot_be_read_does_not_reach_the_api() {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, "00-nonsense".parse().unwrap());
        headers.insert(TRACESTATE, "a=1".parse().unwrap());
        drop_unreadable(&mut headers);
        assert!(headers.is_empty());
        headers.insert(TRACEPARENT, PARENT.parse().unwrap());
        drop_unreadable(&mut headers);
        assert_eq!(headers.len(), 1);
    }
}
