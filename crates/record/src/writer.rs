//! The writer's thread: takes what was queued, makes frames of it, and brings them to the disk.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;

use crate::{
    brief::Brief,
    entry::{append_call, append_gap, append_outcome},
    log::Log,
    state::{Item, Lost, Order, Shared, Turn, Written},
    usage::Index,
};

/// Above this, memory of a large batch is given back.
const KEEP: usize = 1024 * 1024;

/// Writes until the book stops.
pub(crate) fn run(shared: &Shared, mut log: Log, usage: &Mutex<Index>) {
    let mut farewell = Farewell { shared, frames: Frames::default() };
    let frames = &mut farewell.frames;
    let mut batch = VecDeque::new();
    shared.close(log.closed());
    loop {
        let (order, last) = match shared.turn(&mut batch) {
            Turn::Write(order) => (order, false),
            Turn::Roll => {
                log.roll();
                shared.close(log.closed());
                continue;
            }
            Turn::Last(order) => (order, true),
        };
        frames.take(&mut batch, usage);
        log.forget(shared.is_sealed());
        write(shared, &mut log, frames, &order);
        shared.is_durable(log.end());
        shared.close(log.closed());
        if last {
            break;
        }
    }
}

/// Brings the frames to the disk, with the gap behind them where there is one. Where that fails
/// they are kept for the next try, if they are not on disk for certain.
fn write(shared: &Shared, log: &mut Log, frames: &mut Frames, order: &Order) {
    let without_gap = frames.bytes.len();
    let gap = order.gap.map(|missed| missed.until(Timestamp::now()));
    if let Some(gap) = &gap {
        // It is a few numbers: it always fits.
        let _ = append_gap(&mut frames.bytes, gap);
    }
    shared.at_disk();
    let committed = if frames.bytes.is_empty() { Ok(Vec::new()) } else { log.commit(&frames.bytes) };
    match committed {
        Ok(removed) => {
            let items = frames.held.calls + frames.held.outcomes;
            let bytes = frames.bytes.len() as u64;
            let lost = frames.unwritable;
            frames.clear();
            shared.wrote(order, Written { items, bytes, removed, lost, gap });
        }
        Err(failure) => {
            frames.bytes.truncate(without_gap);
            let lost = if failure.clean { Lost::default() } else { frames.held };
            if !failure.clean {
                frames.clear();
            }
            shared.failed(order, failure.reason, lost);
        }
    }
}

/// Frames that are not on disk.
#[derive(Default)]
struct Frames {
    bytes: Vec<u8>,
    /// How many items they hold.
    held: Lost,
    /// How many items could not be made frames.
    unwritable: Lost,
}

impl Frames {
    fn take(&mut self, batch: &mut VecDeque<Item>, usage: &Mutex<Index>) {
        let mut usage = usage.lock().unwrap_or_else(PoisonError::into_inner);
        for item in batch.drain(..) {
            let written = match &item {
                Item::Call(call) => {
                    usage.note(&Brief::from(call));
                    append_call(&mut self.bytes, call)
                }
                Item::Outcome(outcome) => {
                    usage.ended(outcome);
                    append_outcome(&mut self.bytes, outcome)
                }
            };
            let count = if written.is_ok() { &mut self.held } else { &mut self.unwritable };
            match item {
                Item::Call(_) => count.calls += 1,
                Item::Outcome(_) => count.outcomes += 1,
            }
            if let Err(error) = written {
                tracing::error!(%error, "an entry of the record cannot be written");
            }
        }
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEEP);
        self.held = Lost::default();
        self.unwritable = Lost::default();
    }
}

/// Whatever ends the writer, nobody is left waiting for it.
struct Farewell<'a> {
    shared: &'a Shared,
    frames: Frames,
}

impl Drop for Farewell<'_> {
    fn drop(&mut self) {
        self.shared.ended(self.frames.held);
    }
}
