//! What callers and the writer share: the queue, those who wait, and how the book stands.

use std::{
    collections::VecDeque,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use law::{Call, Outcome};
use tokio::sync::oneshot;

use crate::{Checkpointed, Damage, Gap, Reason, Removed, Settings, entry};

/// How the book stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Everything is written.
    Healthy,
    /// It is not written as it should be: durable intents fail, ordinary ones are still taken.
    Failing {
        /// Since when.
        since: Timestamp,
        /// Why, as last seen.
        reason: Reason,
        /// Calls and outcomes lost since then.
        lost: u64,
    },
    /// It failed for longer than the grace: ordinary intents fail too.
    Closed {
        /// Since when it has been failing.
        since: Timestamp,
        /// Why, as last seen.
        reason: Reason,
        /// Calls and outcomes lost since then.
        lost: u64,
    },
}

/// The call cannot be written down, and may not pass unwritten. The operator must act.
///
/// It may be in the book later all the same: what can still be kept in memory is written when
/// the disk can be written again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record cannot be written since {since}: {reason}; mend the record's folder or free space on its disk")]
pub struct Unavailable {
    /// Why.
    pub reason: Reason,
    /// Since when.
    pub since: Timestamp,
}

/// Something about the book itself that its keeper should know, such as the ledger.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// Something that was written cannot be read back.
    Damaged(Damage),
    /// An old file of the log was removed, unsealed, to stay under the cap.
    Removed(Removed),
    /// Segments were removed, as this leaf says.
    Dropped {
        /// The number of the leaf; the first is 0.
        leaf: u64,
    },
    /// Segments take four fifths of what they may: soon some go that were to be kept longer.
    Crowded {
        /// What they take, in bytes.
        bytes: u64,
        /// What they may take.
        cap: u64,
    },
    /// More of it was sealed: the newest checkpoint, for witnesses. One that was not taken yet is
    /// replaced by the next, and comes after all others.
    Checkpoint(Checkpointed),
    /// What an end at the wrong moment had left was mended.
    Repaired(String),
    /// Nothing is sealed for now, and why.
    Unsealed(String),
    /// From now on the book cannot be written as it should be.
    Failing(Unavailable),
    /// This is missing. A gap that lasts may be told in several pieces.
    Missing(Gap),
    /// So many notices were not taken in time and are forgotten.
    Forgotten(u64),
}

/// What the book has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls and outcomes on disk.
    pub written: u64,
    /// Calls and outcomes lost.
    pub lost: u64,
    /// Callers who were told that the call cannot be written.
    pub refused: u64,
    /// Syncs that succeeded: each made one batch durable.
    pub syncs: u64,
    /// Writes or syncs that failed.
    pub failures: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

/// How far what was taken is on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Calls and outcomes that were taken and are not on disk for certain yet.
    pub entries: u64,
    /// When the last ones came there; nothing where none did since the book was opened.
    pub synced: Option<Timestamp>,
}

/// What is handed over.
pub(crate) enum Item {
    Call(Call),
    Outcome(Outcome),
}

impl Item {
    fn weight(&self) -> usize {
        match self {
            Self::Call(call) => entry::weight(call),
            Self::Outcome(_) => size_of::<Self>(),
        }
    }
}

/// The answer that a durable intent waits for.
pub(crate) type Answer = oneshot::Receiver<Result<(), Unavailable>>;

pub(crate) struct Shared {
    state: Mutex<State>,
    /// Wakes the writer.
    wake: Condvar,
    /// Wakes the watch, which otherwise only looks from time to time.
    watch: Condvar,
    /// Wakes the sealer when it is to end.
    pause: Condvar,
    /// The number of the last file of the log that is never written again.
    closed: AtomicU64,
    /// The number of the last file of the log that is sealed.
    sealed: AtomicU64,
    /// What is on disk for certain: a file's number and an offset in it.
    durable: Mutex<(u64, u64)>,
    settings: Settings,
}

struct State {
    queue: VecDeque<Item>,
    /// Of everything in the queue, in bytes.
    weight: usize,
    /// When the oldest item in the queue came.
    oldest: Option<Instant>,
    /// How many items were ever queued; each item's number is its ticket.
    tickets: u64,
    /// The ticket of the last item that the writer has taken.
    handed: u64,
    /// The ticket of the last item that is on disk, or was given up.
    settled: u64,
    /// When the last batch came to the disk.
    synced: Option<Timestamp>,
    /// Who waits until the item with that ticket is on disk, in the order of tickets.
    waiting: VecDeque<(u64, oneshot::Sender<Result<(), Unavailable>>)>,
    /// Since when the writer has been at the disk.
    at_disk: Option<Instant>,
    trouble: Option<Trouble>,
    /// What the next gap entry will say.
    gap: Option<Missed>,
    /// The writer is to finish the file that it writes.
    roll: bool,
    stopping: bool,
    stopped: bool,
    counts: Counts,
    notices: VecDeque<Notice>,
    /// The newest checkpoint that was not taken: whoever makes many notices does not push it out.
    checkpoint: Option<Checkpointed>,
    forgotten: u64,
}

#[derive(Clone, Copy)]
struct Trouble {
    reason: Reason,
    since: Timestamp,
    began: Instant,
    retry: Instant,
    /// `Counts::lost` when it began.
    lost_before: u64,
}

impl Trouble {
    /// Whether the disk does not take anything, so that the queue is left as it is.
    fn blocks(&self) -> bool {
        !matches!(self.reason, Reason::Slow | Reason::Overrun)
    }

    fn unavailable(&self) -> Unavailable {
        Unavailable { reason: self.reason, since: self.since }
    }
}

/// A gap that has not ended.
#[derive(Clone, Copy)]
pub(crate) struct Missed {
    from: Timestamp,
    reason: Reason,
    calls: u64,
    outcomes: u64,
    refused: u64,
}

impl Missed {
    pub(crate) fn until(self, to: Timestamp) -> Gap {
        let Self { from, reason, calls, outcomes, refused } = self;
        Gap { from, to, reason, calls, outcomes, refused }
    }
}

/// What the writer is to do next.
pub(crate) enum Turn {
    /// Write the batch, and the gap where there is one, and say how it went.
    Write(Order),
    /// Finish the file: nothing is written to it any more.
    Roll,
    /// Write what there is, once, and end.
    Last(Order),
}

/// What goes with a batch.
pub(crate) struct Order {
    /// Whoever waits for this ticket or an earlier one is answered when the batch is on disk.
    upto: u64,
    pub(crate) gap: Option<Missed>,
}

/// How a batch went.
pub(crate) struct Written {
    pub(crate) items: u64,
    pub(crate) bytes: u64,
    pub(crate) removed: Vec<Removed>,
    /// What could not be made a frame.
    pub(crate) lost: Lost,
    /// The gap that the batch ends with.
    pub(crate) gap: Option<Gap>,
}

/// What could not be written and is given up.
#[derive(Clone, Copy, Default)]
pub(crate) struct Lost {
    pub(crate) calls: u64,
    pub(crate) outcomes: u64,
}

/// Ordinary items wait so long for company, so that they are on disk well within 50 ms.
const COMPANY: Duration = Duration::from_millis(20);
const MOST_NOTICES: usize = 1024;

impl Shared {
    pub(crate) fn new(settings: Settings) -> Self {
        let state = State {
            queue: VecDeque::new(),
            weight: 0,
            oldest: None,
            tickets: 0,
            handed: 0,
            settled: 0,
            synced: None,
            waiting: VecDeque::new(),
            at_disk: None,
            trouble: None,
            gap: None,
            roll: false,
            stopping: false,
            stopped: false,
            counts: Counts::default(),
            notices: VecDeque::new(),
            checkpoint: None,
            forgotten: 0,
        };
        Self {
            state: Mutex::new(state),
            wake: Condvar::new(),
            watch: Condvar::new(),
            pause: Condvar::new(),
            closed: AtomicU64::new(0),
            sealed: AtomicU64::new(0),
            durable: Mutex::default(),
            settings,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ── The callers' side ──────────────────────────────────────────────────────────────────────

    /// Queues an item. Ordinary: it may be lost, counted, for as long as the grace lasts.
    pub(crate) fn push(&self, item: Item) -> Result<(), Unavailable> {
        let mut state = self.state();
        let callers = u64::from(matches!(item, Item::Call(_)));
        self.queue(&mut state, item);
        match state.trouble {
            Some(trouble) if state.stopped || trouble.began.elapsed() >= self.settings.grace => {
                state.refuse(callers);
                Err(trouble.unavailable())
            }
            _ => Ok(()),
        }
    }

    /// Queues an item if there is one, and lets the caller wait until everything queued so far is on disk.
    pub(crate) fn push_and_wait(&self, item: Option<Item>) -> Result<Answer, Unavailable> {
        let mut state = self.state();
        if let Some(item) = item {
            self.queue(&mut state, item);
        }
        if let Some(trouble) = state.trouble {
            state.refuse(1);
            return Err(trouble.unavailable());
        }
        let (sender, receiver) = oneshot::channel();
        let ticket = state.tickets;
        state.waiting.push_back((ticket, sender));
        self.wake.notify_one();
        Ok(receiver)
    }

    fn queue(&self, state: &mut State, item: Item) {
        let weight = item.weight();
        if state.stopped || state.weight + weight > self.settings.queue {
            let lost = match item {
                Item::Call(_) => Lost { calls: 1, outcomes: 0 },
                Item::Outcome(_) => Lost { calls: 0, outcomes: 1 },
            };
            state.fail(Reason::Overrun, &self.settings);
            state.lose(lost);
            return;
        }
        state.tickets += 1;
        state.weight += weight;
        state.queue.push_back(item);
        let first = state.oldest.is_none();
        if first {
            state.oldest = Some(Instant::now());
        }
        // The writer looks at the weight when it wakes; a queue that is half full does not wait for company.
        if first || state.weight >= self.settings.queue / 2 {
            self.wake.notify_one();
        }
    }

    pub(crate) fn health(&self) -> Health {
        let state = self.state();
        let Some(trouble) = state.trouble else {
            return Health::Healthy;
        };
        let Trouble { reason, since, .. } = trouble;
        let lost = state.counts.lost - trouble.lost_before;
        if state.stopped || trouble.began.elapsed() >= self.settings.grace {
            Health::Closed { since, reason, lost }
        } else {
            Health::Failing { since, reason, lost }
        }
    }

    /// What to say when nothing else is known.
    pub(crate) fn unavailable(&self) -> Unavailable {
        let stopped = Unavailable { reason: Reason::Stopped, since: Timestamp::now() };
        self.state().trouble.map_or(stopped, |trouble| trouble.unavailable())
    }

    pub(crate) fn counts(&self) -> Counts {
        self.state().counts
    }

    pub(crate) fn pending(&self) -> Pending {
        let state = self.state();
        Pending { entries: state.tickets - state.settled, synced: state.synced }
    }

    pub(crate) fn notices(&self) -> Vec<Notice> {
        let mut state = self.state();
        let forgotten = std::mem::take(&mut state.forgotten);
        let forgotten = (forgotten > 0).then_some(Notice::Forgotten(forgotten));
        let checkpoint = state.checkpoint.take().map(Notice::Checkpoint);
        forgotten.into_iter().chain(state.notices.drain(..)).chain(checkpoint).collect()
    }

    pub(crate) fn notice(&self, notice: Notice) {
        self.state().notice(notice);
    }

    /// Asks the writer to write what there is and to end.
    pub(crate) fn stop(&self) {
        self.state().stopping = true;
        self.wake.notify_all();
        self.pause.notify_all();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.state().stopping
    }

    // ── The sealer's side ──────────────────────────────────────────────────────────────────────

    /// Waits for so long, or until the book stops.
    pub(crate) fn pause(&self, time: Duration) {
        let state = self.state();
        if !state.stopping {
            drop(self.pause.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// The number of the last file of the log that is never written again.
    pub(crate) fn closed(&self) -> u64 {
        self.closed.load(Ordering::Acquire)
    }

    /// Asks the writer to finish the file that it writes.
    pub(crate) fn ask_to_roll(&self) {
        self.state().roll = true;
        self.wake.notify_one();
    }

    /// Files up to this number are sealed and gone.
    pub(crate) fn sealed(&self, last: u64) {
        self.sealed.fetch_max(last, Ordering::AcqRel);
    }

    // ── The writer's side ──────────────────────────────────────────────────────────────────────

    /// Waits until there is something to do; fills the empty `batch`.
    pub(crate) fn turn(&self, batch: &mut VecDeque<Item>) -> Turn {
        let mut state = self.state();
        loop {
            let now = Instant::now();
            let blocked = state.trouble.is_some_and(|trouble| trouble.blocks());
            // A gap is written when it is over, and while it lasts as a try whether it is.
            let due = state.gap.is_some() && state.trouble.is_none_or(|trouble| now >= trouble.retry);
            if state.stopping {
                return Turn::Last(state.order(batch, true));
            }
            if std::mem::take(&mut state.roll) {
                return Turn::Roll;
            }
            let company = state.oldest.map(|oldest| oldest + COMPANY);
            let full = state.weight >= self.settings.queue / 2;
            let ready = full || company.is_some_and(|until| now >= until) || !state.waiting.is_empty();
            if due || (ready && !blocked) {
                if blocked {
                    return Turn::Write(Order { upto: 0, gap: state.gap.take() });
                }
                return Turn::Write(state.order(batch, due));
            }
            let retry = state.trouble.map(|trouble| trouble.retry);
            let until = [company.filter(|_| !blocked), retry].into_iter().flatten().min();
            state = match until {
                Some(until) => {
                    let wait = until.saturating_duration_since(now);
                    self.wake.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Files up to this number are never written again.
    pub(crate) fn close(&self, last: u64) {
        self.closed.store(last, Ordering::Release);
    }

    /// The number of the last file that is sealed.
    pub(crate) fn is_sealed(&self) -> u64 {
        self.sealed.load(Ordering::Acquire)
    }

    /// Up to this place everything is on disk for certain.
    pub(crate) fn is_durable(&self, end: (u64, u64)) {
        *self.durable.lock().unwrap_or_else(PoisonError::into_inner) = end;
    }

    /// The place up to which everything is on disk for certain.
    pub(crate) fn durable(&self) -> (u64, u64) {
        *self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writer goes to the disk now.
    pub(crate) fn at_disk(&self) {
        self.state().at_disk = Some(Instant::now());
    }

    /// The batch is on disk.
    pub(crate) fn wrote(&self, order: &Order, written: Written) {
        let mut state = self.state();
        let took = state.at_disk.take().map_or(Duration::ZERO, |since| since.elapsed());
        state.counts.written += written.items;
        state.counts.bytes += written.bytes;
        state.counts.syncs += 1;
        // Whatever the writer had taken was in this batch, or is lost.
        state.settled = state.handed;
        state.synced = Some(Timestamp::now());
        while state.waiting.front().is_some_and(|(ticket, _)| *ticket <= order.upto) {
            if let Some((_, sender)) = state.waiting.pop_front() {
                // Whoever no longer waits has gone away.
                let _ = sender.send(Ok(()));
            }
        }
        for removed in written.removed {
            state.notice(Notice::Removed(removed));
        }
        if written.lost.calls + written.lost.outcomes > 0 {
            state.fail(Reason::Broken, &self.settings);
            state.lose(written.lost);
        }
        let slow = took > self.settings.slow;
        if slow {
            state.fail(Reason::Slow, &self.settings);
        }
        if let Some(gap) = written.gap {
            if !slow {
                state.trouble = None;
                tracing::info!(?gap, "the record can be written again");
            }
            state.notice(Notice::Missing(gap));
        }
    }

    /// Nothing of the batch is on disk.
    pub(crate) fn failed(&self, order: &Order, reason: Reason, lost: Lost) {
        let mut state = self.state();
        state.at_disk = None;
        state.counts.failures += 1;
        state.fail(reason, &self.settings);
        state.lose(lost);
        // What the gap said before the try still holds, and began earlier.
        if let (Some(before), Some(gap)) = (order.gap, &mut state.gap) {
            gap.from = before.from;
            gap.reason = before.reason;
            gap.calls += before.calls;
            gap.outcomes += before.outcomes;
            gap.refused += before.refused;
        }
        state.dismiss();
    }

    /// The writer has ended, in whatever way: from now on everything is unavailable.
    pub(crate) fn ended(&self, lost: Lost) {
        let mut state = self.state();
        state.stopped = true;
        state.trouble = None;
        state.fail(Reason::Stopped, &self.settings);
        let left = state.queue.drain(..).fold(lost, |lost, item| match item {
            Item::Call(_) => Lost { calls: lost.calls + 1, ..lost },
            Item::Outcome(_) => Lost { outcomes: lost.outcomes + 1, ..lost },
        });
        state.lose(left);
        state.dismiss();
        self.watch.notify_all();
        if left.calls + left.outcomes > 0 {
            tracing::error!(calls = left.calls, outcomes = left.outcomes, "the record ends with a gap");
        }
    }

    // ── The watch's side ───────────────────────────────────────────────────────────────────────

    /// Looks from time to time whether the writer hangs at the disk, until the book stops.
    ///
    /// The writer cannot say so itself: it waits for the disk.
    pub(crate) fn watch(&self) {
        let tick = (self.settings.slow / 2).max(Duration::from_millis(10));
        let mut state = self.state();
        while !state.stopped {
            state.expire(Instant::now(), &self.settings);
            state = self.watch.wait_timeout(state, tick).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl State {
    fn order(&mut self, batch: &mut VecDeque<Item>, with_gap: bool) -> Order {
        std::mem::swap(&mut self.queue, batch);
        self.weight = 0;
        self.oldest = None;
        self.handed = self.tickets;
        Order { upto: self.tickets, gap: if with_gap { self.gap.take() } else { None } }
    }

    /// Enters the failing state, or stays in it for a further reason.
    fn fail(&mut self, reason: Reason, settings: &Settings) {
        let (now, at) = (Instant::now(), Timestamp::now());
        let trouble = match self.trouble {
            None => {
                let trouble = Trouble {
                    reason,
                    since: at,
                    began: now,
                    // An overrun is over as soon as the writer has caught up.
                    retry: if reason == Reason::Overrun { now } else { now + settings.retry },
                    lost_before: self.counts.lost,
                };
                // A book that was closed in order is no fault.
                if reason != Reason::Stopped {
                    tracing::error!(%reason, "the record cannot be written");
                }
                self.notice(Notice::Failing(trouble.unavailable()));
                trouble
            }
            // A full queue says nothing new about a disk that takes nothing.
            Some(trouble) if reason == Reason::Overrun => trouble,
            Some(trouble) => Trouble { reason, retry: now + settings.retry, ..trouble },
        };
        self.trouble = Some(trouble);
        self.gap.get_or_insert(Missed { from: at, reason, calls: 0, outcomes: 0, refused: 0 });
    }

    fn lose(&mut self, lost: Lost) {
        self.counts.lost += lost.calls + lost.outcomes;
        if let Some(gap) = &mut self.gap {
            gap.calls += lost.calls;
            gap.outcomes += lost.outcomes;
        }
    }

    fn refuse(&mut self, callers: u64) {
        self.counts.refused += callers;
        if let Some(trouble) = self.trouble {
            let fresh = Missed { from: Timestamp::now(), reason: trouble.reason, calls: 0, outcomes: 0, refused: 0 };
            self.gap.get_or_insert(fresh).refused += callers;
        }
    }

    /// Tells everybody who waits that it cannot be written.
    fn dismiss(&mut self) {
        let Some(trouble) = self.trouble else { return };
        self.refuse(self.waiting.len() as u64);
        for (_, sender) in self.waiting.drain(..) {
            // Whoever no longer waits has gone away.
            let _ = sender.send(Err(trouble.unavailable()));
        }
    }

    fn expire(&mut self, now: Instant, settings: &Settings) {
        if self.at_disk.is_some_and(|since| now.saturating_duration_since(since) > settings.slow) {
            self.fail(Reason::Slow, settings);
            self.dismiss();
        }
    }

    fn notice(&mut self, notice: Notice) {
        if let Notice::Checkpoint(newest) = notice {
            // It covers what the one before did.
            let calls = self.checkpoint.take().map_or(0, |before| before.calls);
            self.checkpoint = Some(Checkpointed { calls: calls + newest.calls, ..newest });
            return;
        }
        if self.notices.len() == MOST_NOTICES {
            self.notices.pop_front();
            self.forgotten += 1;
        }
        self.notices.push_back(notice);
    }
}

#[cfg(test)]
mod tests;
