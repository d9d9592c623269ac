//! The fourth stop: the call is written down, and what became of it under the same id,
//! whatever way the request ends.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use authority::Key;
use http::HeaderValue;
use jiff::Timestamp;
use law::{Call, CallId, Ended, Factors, Outcome, Permit, Powers, Refusal, Verdict, Who};
use record::Book;
use wire::{Target, looks_like_credential};

use crate::{
    Ending, Problem,
    gate::{
        attempt::Understood,
        counts::Counts,
        histogram::{Decided, Timed},
        passage::{Passage, Refused},
        presented::Presented,
        span::Strand,
        watching::{Kept, Watching},
        worker::Gate,
    },
};

/// The longest `User-Agent`, name or value that is written down, in bytes.
const LONGEST_WORD: usize = 256;

/// What stands in the place of a word that is a credential.
pub(crate) const MASKED: &str = "[masked]";

/// Query parameters whose names are written down.
const MOST_PARAMETERS: usize = 64;

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
    began: Instant,
    /// By whom it came, and what was decided.
    decided: OnceLock<(Who, Verdict)>,
    /// How long it waited for a person.
    waited: OnceLock<Duration>,
    gone_on: AtomicBool,
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
            began: Instant::now(),
            decided: OnceLock::new(),
            waited: OnceLock::new(),
            gone_on: AtomicBool::new(false),
        })
    }

    /// It waited so long for a person.
    pub(crate) fn waited(&self, time: Duration) {
        let _ = self.waited.set(time);
    }

    /// It goes on to the API: what it took until here, the gate has added.
    pub(crate) fn goes_on(&self) {
        if !self.gone_on.swap(true, Ordering::Relaxed) {
            let own = self.began.elapsed().saturating_sub(self.waited.get().copied().unwrap_or_default());
            self.time(&self.counts.shares, own);
        }
    }

    /// It is over.
    fn is_over(&self) {
        self.goes_on();
        self.time(&self.counts.durations, self.began.elapsed());
    }

    /// What a drill takes says nothing of requests.
    fn time(&self, timed: &Timed, time: Duration) {
        if let Some((_, verdict)) = self.decided.get().filter(|(who, _)| *who != Who::Drill) {
            timed.note(Decided::of(*verdict, self.waited.get().is_some()), micros(time));
        }
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
        self.is_over();
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
            self.note(&call);
            self.trace(&call);
            let _ = self.book.intent(call);
        }
        self.is_over();
        // A drill's calls are answered by the gate itself.
        if self.decided.get().is_some_and(|(who, _)| *who != Who::Drill) {
            self.counts.answered(ending);
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
        self.note(&call);
        self.trace(&call);
        Some(call)
    }

    fn note(&self, call: &Call) {
        let _ = self.decided.set((call.who, call.verdict));
        self.counts.note(call);
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

impl Passage<'_> {
    /// What is known of a call before its operation is.
    pub(crate) fn draft(&self, presented: &Presented, agent: Option<&HeaderValue>) -> Call {
        let (who, key) = match presented {
            Presented::Key(key, _) if key.is_drill() => (Who::Drill, Some(key)),
            Presented::Key(key, _) => (Who::Key, Some(key)),
            Presented::Unknown(_) => (Who::Unknown, None),
            Presented::Session => (Who::Session, None),
            Presented::Nobody => (Who::Nobody, None),
        };
        Call {
            key: key.map(|key| key.id),
            holder: key.and_then(|key| key.holder()),
            user_agent: agent.map(|agent| without_secrets(&String::from_utf8_lossy(agent.as_bytes()), presented)),
            ..self.blank(who)
        }
    }

    fn blank(&self, who: Who) -> Call {
        Call {
            id: self.id,
            at: self.at,
            who,
            key: None,
            holder: None,
            operation: Arc::from("*"),
            parameters: Vec::new(),
            query: Vec::new(),
            powers: Powers::NONE,
            source: self.source,
            user_agent: None,
            factors: Factors::NONE,
            // Until the law has spoken.
            verdict: Verdict::Refuse(Refusal::NotJudged),
            law: Arc::clone(&self.worker.gate.authority.law().digest),
            challenge: None,
            approval: None,
        }
    }

    /// Refuses a request of which nothing but its method is understood.
    pub(crate) fn unreadable(&self, writing: &Writing, method: &str, refusal: Refusal) -> Refused {
        self.unreadable_with(writing, method, refusal, None)
    }

    /// The same of a request with this key.
    pub(crate) fn unreadable_with(
        &self,
        writing: &Writing,
        method: &str,
        refusal: Refusal,
        key: Option<&Key>,
    ) -> Refused {
        let operation = self.realm.catalogue.undescribed(method).into();
        let call = self.blank(if key.is_some() { Who::Key } else { Who::Nobody });
        let holder = key.and_then(Key::holder);
        writing.draft(Call { operation, key: key.map(|key| key.id), holder, ..call });
        writing.refuse(Verdict::Refuse(refusal));
        writing.answered(self.id, refusal.status(), self.at, Timestamp::now());
        Problem::new(refusal, self.id)
    }
}

/// Says which operation a call asks for. Only the record needs the parameters: it takes them.
pub(crate) fn describe(call: &mut Call, understood: &mut Understood) {
    call.operation = Arc::clone(&understood.name);
    call.parameters = std::mem::take(&mut understood.parameters);
    call.powers = understood.powers;
}

/// What the record says of a permit.
pub(crate) fn verdict(permit: &Permit) -> Verdict {
    match (permit.would_ask(), permit.would_refuse()) {
        (Some(challenge), _) => Verdict::WouldAsk(challenge.missing),
        (None, Some(refusal)) => Verdict::WouldRefuse(refusal),
        (None, None) => Verdict::Permit,
    }
}

/// The names of the query's parameters, and the values of those that page through a list.
pub(crate) fn query(target: &Target, understood: &Understood, presented: &Presented) -> Vec<String> {
    let shown = |parameter: wire::Parameter<'_>| {
        let name = without_secrets(&parameter.name, presented);
        let pages = understood.paging.contains(&name);
        if pages && !looks_like_credential(&parameter.value) {
            format!("{name}={}", shortened(&parameter.value))
        } else {
            name
        }
    };
    target.query().parameters().take(MOST_PARAMETERS).map(shown).collect()
}

/// A word of the client's for the record: what looks like a credential, or is the one that was
/// shown, is left out.
pub(crate) fn without_secrets(text: &str, presented: &Presented) -> String {
    let shown = match presented {
        Presented::Key(_, shown) | Presented::Unknown(shown) => shown.secrets.as_slice(),
        Presented::Session | Presented::Nobody => &[],
    };
    // Why they are exposed: to be recognised in a text that is written down, and left out of it.
    let shows = shown.iter().any(|secret| str::from_utf8(secret.expose()).is_ok_and(|secret| text.contains(secret)));
    if shows || text.split([' ', '/', ';', '(', ')']).any(looks_like_credential) {
        return MASKED.to_owned();
    }
    shortened(text)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// At most [`LONGEST_WORD`] bytes, cut between letters.
fn shortened(text: &str) -> String {
    text.get(..text.floor_char_boundary(LONGEST_WORD)).unwrap_or_default().to_owned()
}
