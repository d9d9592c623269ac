//! The fourth stop: the call is written down, and what became of it under the same id,
//! whatever way the request ends.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::Timestamp;
use law::{Call, CallId, Ended, Outcome, Refusal, Verdict};
use record::Book;

use crate::{
    Ending,
    gate::{
        counts::Counts,
        span::Strand,
        stops::Gate,
        watching::{Kept, Watching},
    },
};

/// A call that is not written yet. If its request is dropped while it waits, the tally's end
/// writes it.
pub(crate) struct Writing {
    book: Arc<Book>,
    counts: Arc<Counts>,
    call: Mutex<Option<Call>>,
    /// Where the request is traced.
    span: Option<Arc<Strand>>,
    watching: Arc<Watching>,
    /// What the watch looked at: it looks at what becomes of it, too.
    watched: OnceLock<Kept>,
}

impl Writing {
    pub(crate) fn new(gate: &Gate, span: Option<Arc<Strand>>) -> Arc<Self> {
        Arc::new(Self {
            book: Arc::clone(&gate.book),
            counts: Arc::clone(&gate.counts),
            call: Mutex::new(None),
            span,
            watching: Arc::clone(&gate.watching),
            watched: OnceLock::new(),
        })
    }

    /// What the watch looked at.
    pub(crate) fn watch(&self, kept: Kept) {
        let _ = self.watched.set(kept);
    }

    pub(crate) fn watched(&self) -> Option<&Kept> {
        self.watched.get()
    }

    /// What will be written if nothing better is known.
    pub(crate) fn draft(&self, call: Call) {
        *self.lock() = Some(call);
    }

    /// Changes what will be written.
    pub(crate) fn amend(&self, change: impl FnOnce(&mut Call)) {
        if let Some(call) = &mut *self.lock() {
            change(call);
        }
    }

    /// Writes the call. Where it must be on disk before the request goes on, this waits.
    pub(crate) async fn write(&self, verdict: Verdict, durable: bool) -> Result<(), Refusal> {
        let Some(call) = self.take(verdict) else { return Ok(()) };
        let written = if durable { self.book.intent_durable(call).await } else { self.book.intent(call) };
        written.map_err(|_| Refusal::RecordUnavailable)
    }

    /// Writes the call of a request that does not go on. Where it cannot be written, it is
    /// counted as lost by the book; the refusal stands.
    pub(crate) fn refuse(&self, verdict: Verdict) {
        if let Some(call) = self.take(verdict) {
            let _ = self.book.intent(call);
        }
    }

    /// Writes what became of a request that the gate answered before anything was counted.
    pub(crate) fn answered(&self, id: CallId, status: u16, began: Timestamp, at: Timestamp) {
        let micros = at.as_microsecond().saturating_sub(began.as_microsecond());
        self.book.outcome(Outcome {
            call: id,
            at,
            status,
            bytes_in: 0,
            bytes_out: 0,
            rows: None,
            minted: None,
            learned: None,
            micros: u64::try_from(micros).unwrap_or(0),
            ended: Ended::Answered,
        });
        if let Some(span) = &self.span {
            span.end(status, Ended::Answered, at);
        }
    }

    /// Writes what became of it.
    pub(crate) fn end(&self, id: CallId, ending: &Ending, at: Timestamp) {
        if let Some(call) = self.lock().take() {
            self.counts.note(call.verdict);
            self.trace(&call);
            let _ = self.book.intent(call);
        }
        if let Some(kept) = self.watched.get() {
            self.watching.ended(kept, ending, at);
        }
        self.book.outcome(Outcome {
            call: id,
            at,
            status: ending.status,
            bytes_in: ending.bytes_in,
            bytes_out: ending.bytes_out,
            rows: ending.rows,
            minted: ending.minted,
            learned: ending.learned,
            micros: ending.micros,
            ended: ending.ended,
        });
        if let Some(span) = &self.span {
            span.end(ending.status, ending.ended, at);
        }
    }

    fn take(&self, verdict: Verdict) -> Option<Call> {
        let mut call = self.lock().take()?;
        call.verdict = verdict;
        self.counts.note(verdict);
        self.trace(&call);
        Some(call)
    }

    fn trace(&self, call: &Call) {
        if let Some(span) = &self.span {
            span.of(call);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Call>> {
        self.call.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
