//! What became of one exchange, told exactly once.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering},
    },
    time::Instant,
};

use law::{Ended, KeyId, Refusal};

use crate::cut::Cut;

/// What became of one exchange: the measured half of a [`law::Outcome`].
#[derive(Debug)]
pub(crate) struct Ending {
    /// The HTTP status that the client saw, 0 where it saw none.
    pub(crate) status: u16,
    /// Whether the request was sent to the upstream, or began to be.
    pub(crate) sent: bool,
    /// Bytes of the request's body that went towards the upstream, or were held.
    pub(crate) bytes_in: u64,
    /// Bytes of the answer's body that went towards the client.
    pub(crate) bytes_out: u64,
    /// Items of the list in the answer, where they were looked for and could be counted.
    pub(crate) rows: Option<u64>,
    /// The key that the answer brought and that was made known.
    pub(crate) minted: Option<KeyId>,
    /// The key that the request's own credential became known as.
    pub(crate) learned: Option<KeyId>,
    /// Whether the answer showed the gate's own credential, and was kept back.
    pub(crate) showed: bool,
    /// Whether the answer's body is compressed: more went out than its bytes say.
    pub(crate) encoded: bool,
    /// From the tally's beginning to its end, in microseconds.
    pub(crate) micros: u64,
    /// How it ended.
    pub(crate) ended: Ended,
}

type Report = Box<dyn FnOnce(Ending) + Send + Sync>;

/// Counts one exchange. Everything that takes part in it holds the tally; when the last of
/// them lets go, in whatever way, the ending is told.
pub(crate) struct Tally {
    began: Instant,
    cut: Cut,
    status: AtomicU16,
    sent: AtomicBool,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    ended: OnceLock<Ended>,
    seen: OnceLock<Seen>,
    /// What the client did wrong with its body.
    fault: OnceLock<Refusal>,
    /// Whether nothing moves because the client sends nothing.
    awaits_client: AtomicBool,
    /// Whether the whole of the request's body is on its way.
    gave_all: AtomicBool,
    showed: AtomicBool,
    encoded: AtomicBool,
    report: Option<Report>,
}

/// What was found inside the answer.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) rows: Option<u64>,
    pub(crate) minted: Option<KeyId>,
}

impl Tally {
    /// Begins now. `cut` ends the exchange; `report` gets the ending, on whatever thread is last.
    pub(crate) fn begin(cut: Cut, report: impl FnOnce(Ending) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            cut,
            status: AtomicU16::new(0),
            sent: AtomicBool::new(false),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            ended: OnceLock::new(),
            seen: OnceLock::new(),
            fault: OnceLock::new(),
            awaits_client: AtomicBool::new(false),
            gave_all: AtomicBool::new(false),
            showed: AtomicBool::new(false),
            encoded: AtomicBool::new(false),
            report: Some(Box::new(report)),
        })
    }

    /// The gate answered by itself, with this status.
    pub(crate) fn answered(&self, status: u16) {
        self.answers(status);
        self.ends(Ended::Answered);
    }

    /// The upstream's answer begins, with this status.
    pub(crate) fn answers(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    /// The request goes to the upstream now.
    pub(crate) fn sent(&self) {
        self.sent.store(true, Ordering::Relaxed);
    }

    /// It ended so. The first to say so is right: what follows an end are its consequences.
    pub(crate) fn ends(&self, ended: Ended) {
        let _ = self.ended.set(ended);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.get().is_some()
    }

    pub(crate) const fn cut(&self) -> &Cut {
        &self.cut
    }

    pub(crate) fn add_in(&self, bytes: usize) {
        self.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn add_out(&self, bytes: usize) {
        self.bytes_out.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn bytes_in(&self) -> u64 {
        self.bytes_in.load(Ordering::Relaxed)
    }

    /// The whole of the request's body is on its way.
    pub(crate) fn gives_all(&self) {
        self.gave_all.store(true, Ordering::Relaxed);
    }

    pub(crate) fn gave_all(&self) -> bool {
        self.gave_all.load(Ordering::Relaxed)
    }

    /// The upstream's answer has begun.
    pub(crate) fn has_answer(&self) -> bool {
        self.status.load(Ordering::Relaxed) != 0
    }

    /// The client's body does not reach its end: it broke off, could not be decoded, or is slow.
    pub(crate) fn client_fails(&self, refusal: Refusal) {
        let _ = self.fault.set(refusal);
    }

    pub(crate) fn client_fault(&self) -> Option<Refusal> {
        self.fault.get().copied()
    }

    /// Whether the client is waited for now.
    pub(crate) fn awaits_client(&self, awaits: bool) {
        self.awaits_client.store(awaits, Ordering::Relaxed);
    }

    pub(crate) fn is_awaiting_client(&self) -> bool {
        self.awaits_client.load(Ordering::Relaxed)
    }

    /// The answer showed the gate's own credential.
    pub(crate) fn showed(&self) {
        self.showed.store(true, Ordering::Relaxed);
    }

    /// Items that were counted in the answer, once it has ended.
    pub(crate) fn rows(&self) -> Option<u64> {
        self.seen.get()?.rows
    }

    /// The answer's body is compressed.
    pub(crate) fn encoded(&self) {
        self.encoded.store(true, Ordering::Relaxed);
    }

    pub(crate) fn saw(&self, seen: Seen) {
        let _ = self.seen.set(seen);
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        let Some(report) = self.report.take() else { return };
        // What was dropped without a word ended because the client's connection did, unless
        // the gate itself let go of it.
        let unsaid = || if self.cut.is_cut() { Ended::Cut } else { Ended::ClientGone };
        let seen = self.seen.take().unwrap_or_default();
        report(Ending {
            status: *self.status.get_mut(),
            sent: *self.sent.get_mut(),
            bytes_in: *self.bytes_in.get_mut(),
            bytes_out: *self.bytes_out.get_mut(),
            rows: seen.rows,
            minted: seen.minted,
            learned: self.cut.learned().and_then(|learned| Some(learned.get()?.id)),
            showed: *self.showed.get_mut(),
            encoded: *self.encoded.get_mut(),
            micros: u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX),
            ended: self.ended.get().copied().unwrap_or_else(unsaid),
        });
    }
}

impl std::fmt::Debug for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tally").field("status", &self.status).field("ended", &self.ended).finish_non_exhaustive()
    }
}
