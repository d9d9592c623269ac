//! One drain at work: read, send, write down how far, again.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use authority::Authority;
use jiff::{SignedDuration, Timestamp};
use tell::{Drain, Line, Undelivered, backoff};
use tokio::{sync::watch, time::sleep};

use crate::{
    drains::{
        cursor::{Cursor, Health},
        source::{Batch, Source},
    },
    hourly::Hourly,
    stop::stopped,
};

/// How often it is looked for more.
const BEAT: Duration = Duration::from_millis(500);

/// How far a drain has come is written down at least so often while nothing goes out.
const LAZY: u32 = 20;

/// A drain is a finding when nothing has arrived for so long.
const FAILING: SignedDuration = SignedDuration::from_mins(15);

/// So often one event is tried that the receiver does not take, before it is passed over; and
/// those right behind one that was. Many such must not stop what follows.
const TRIES: u32 = 5;
const TRIES_BEHIND: u32 = 2;

/// Between two such tries.
const BREATH: Duration = Duration::from_secs(1);

/// The longest between two tries.
const LONGEST: Duration = Duration::from_mins(2);

pub(super) struct Pump {
    pub(super) name: String,
    pub(super) drain: Drain,
    /// Away while another thread reads.
    pub(super) source: Option<Source>,
    /// Makes another where that thread has failed.
    pub(super) again: Box<dyn Fn() -> Source + Send + Sync>,
    /// How far it has come, where what was sent last may be lost all the same.
    pub(super) unsure: Option<Cursor>,
    pub(super) authority: Arc<Authority>,
    pub(super) folder: PathBuf,
    pub(super) record: PathBuf,
    pub(super) reads_record: bool,
    pub(super) reads_ledger: bool,
    pub(super) health: Arc<Mutex<Health>>,
    pub(super) hourly: Hourly,
}

impl Pump {
    pub(super) async fn run(mut self, stopping: watch::Receiver<bool>) {
        // What is being sent is dropped: it was not written down as sent, and comes again.
        tokio::select! {
            () = self.work() => {}
            () = stopped(stopping) => {}
        }
    }

    async fn work(&mut self) {
        let mut cursor = self.begin().await;
        let mut idle = 0;
        loop {
            let before = cursor.clone();
            let Some(Batch { mut lines, cursor: next, is_full }) = self.read(cursor).await else {
                cursor = before;
                self.broken(&mut cursor.health, "this program failed at reading what is to be sent").await;
                sleep(LONGEST).await;
                continue;
            };
            let lost = next.health.lost - before.health.lost;
            let moved =
                next.record != before.record || next.ledger != before.ledger || next.findings != before.findings;
            cursor = next;
            self.look(&mut cursor, &lines).await;
            let has_lines = !lines.is_empty();
            self.send(&mut lines, &mut cursor.health).await;
            if lost > 0 {
                self.hourly.find(
                    "drain-lost",
                    format!(
                        "{lost} files of the record, findings, or entries that cannot be read were not sent to the \
                         drain `{}`",
                        self.name
                    ),
                );
            }
            idle = if moved { idle } else { 0 };
            idle += 1;
            if self.drain.is_unsure() {
                // One batch behind: over a stream nobody says that the last one arrived.
                let settled = if has_lines { self.unsure.replace(cursor.clone()) } else { None };
                let settled = settled.or_else(|| self.unsure.take_if(|_| idle % LAZY == 0));
                match settled {
                    Some(settled) => self.write(&settled).await,
                    None if self.unsure.is_none() && moved && idle % LAZY == 0 => self.write(&cursor).await,
                    None => {}
                }
            } else if has_lines || lost > 0 || (moved && idle % LAZY == 0) {
                self.write(&cursor).await;
            }
            if !is_full {
                sleep(BEAT).await;
            }
        }
    }

    /// Where it was the last time, or where it begins.
    async fn begin(&mut self) -> Cursor {
        loop {
            let read = Cursor::read(&self.folder, &self.name);
            let begun = match (read, &self.source) {
                (Ok(Some(mut cursor)), Some(source)) => {
                    source.confirm(&mut cursor).await.map(|()| cursor).map_err(|error| error.to_string())
                }
                (Ok(None), Some(source)) => source.first().await,
                (Err(error), _) => Err(error.to_string()),
                (Ok(_), None) => Err("it is being read".to_owned()),
            };
            match begun {
                Ok(cursor) => {
                    self.write(&cursor).await;
                    self.show(&cursor.health);
                    return cursor;
                }
                Err(error) => {
                    self.broken(&mut Health::default(), &format!("it cannot begin: {error}")).await;
                    sleep(LONGEST).await;
                }
            }
        }
    }

    async fn read(&mut self, cursor: Cursor) -> Option<Batch> {
        let mut source = self.source.take()?;
        let changes = match source.changes(&cursor).await {
            Ok(changes) => changes,
            Err(error) => {
                tracing::error!(
                    drain = self.name,
                    error = &error as &dyn std::error::Error,
                    "the ledger cannot be read"
                );
                Vec::new()
            }
        };
        let now = Timestamp::now();
        let read = tokio::task::spawn_blocking(move || {
            let batch = source.next(cursor, changes, now);
            (source, batch)
        });
        match read.await {
            Ok((source, batch)) => {
                self.source = Some(source);
                Some(batch)
            }
            Err(_) => {
                self.source = Some((self.again)());
                None
            }
        }
    }

    /// Shows that nothing goes out, and tells somebody at once: trying again may not mend it.
    async fn broken(&mut self, health: &mut Health, why: &str) {
        tracing::error!(drain = self.name, why, "a drain does not go on");
        self.failed(health, why).await;
        self.hourly.find("drain-failing", format!("the drain `{}` does not go on: {why}", self.name));
    }

    /// Sends until everything has arrived, or is passed over.
    async fn send(&mut self, lines: &mut Vec<Line>, health: &mut Health) {
        let (mut part, mut failures, mut unfit, mut refused) = (lines.len(), 0, 0, 0);
        while !lines.is_empty() {
            part = part.clamp(1, lines.len());
            let Some(batch) = lines.get(..part) else { return };
            match self.drain.carry(batch).await {
                Ok(_) => {
                    health.sent += part as u64;
                    lines.drain(..part);
                    self.arrived(health, lines);
                    (part, failures, unfit, refused) = (lines.len(), 0, 0, 0);
                }
                Err(Undelivered::Unfit { why }) if part > 1 => {
                    self.failed(health, &why).await;
                    part /= 2;
                }
                Err(Undelivered::Unfit { why }) if unfit + 1 >= if refused == 0 { TRIES } else { TRIES_BEHIND } => {
                    health.refused += 1;
                    refused += 1;
                    lines.remove(0);
                    self.failed(health, &why).await;
                    self.hourly
                        .find("drain-refused", format!("the drain `{}` does not take an event: {why}", self.name));
                    // Its neighbours may be like it: one after the other.
                    (part, unfit) = (1, 0);
                }
                Err(Undelivered::Unfit { why }) => {
                    unfit += 1;
                    self.failed(health, &why).await;
                    sleep(BREATH).await;
                }
                Err(Undelivered::Later { why, after }) => {
                    failures += 1;
                    self.failed(health, &why).await;
                    let salt = format!("{}{}", self.name, health.failed);
                    sleep(after.unwrap_or_else(|| backoff(failures, &salt).min(LONGEST))).await;
                }
            }
        }
    }

    fn arrived(&self, health: &mut Health, left: &[Line]) {
        if let Some(since) = health.failing_since.take() {
            tracing::info!(drain = self.name, %since, "events arrive again");
        }
        health.last_sent = Some(Timestamp::now());
        health.waiting_since = left.first().map(|line| line.at);
        self.show(health);
    }

    async fn failed(&mut self, health: &mut Health, why: &str) {
        let (now, before) = (Timestamp::now(), health.failing_since);
        health.failed += 1;
        if health.why.as_deref() != Some(why) || before.is_none() {
            tracing::warn!(drain = self.name, why, "events do not arrive; they wait in the record");
        }
        health.why = Some(why.to_owned());
        let since = *health.failing_since.get_or_insert(now);
        if now.duration_since(since) >= FAILING {
            self.hourly
                .find("drain-failing", format!("nothing arrives at the drain `{}` since {since:.0}: {why}", self.name));
        }
        self.show(health);
        // For who looks without the gate.
        self.note(health).await;
    }

    /// How far behind it is.
    async fn look(&self, cursor: &mut Cursor, lines: &[Line]) {
        cursor.health.waiting_since = lines.iter().map(|line| line.at).min();
        let (record, at) = (self.record.clone(), cursor.record);
        cursor.health.bytes_behind = if self.reads_record {
            tokio::task::spawn_blocking(move || at.behind(&record).unwrap_or(0)).await.unwrap_or(0)
        } else {
            0
        };
        if self.reads_ledger {
            let next = self.authority.store().entries(cursor.ledger + 1, 1000).await;
            cursor.health.changes_behind = next.map_or(0, |entries| entries.len() as u64);
        }
        self.show(&cursor.health);
    }

    fn show(&self, health: &Health) {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = health.clone();
    }

    /// Writes down how far it has come, and waits for the disk beside whatever else is to be done.
    async fn write(&self, cursor: &Cursor) {
        let cursor = cursor.clone();
        self.on_disk(move |folder, name| cursor.write(folder, name)).await;
    }

    /// Writes down how it does, and leaves its place as it was.
    async fn note(&self, health: &Health) {
        let health = health.clone();
        self.on_disk(move |folder, name| match Cursor::read(folder, name)? {
            Some(cursor) => Cursor { health, ..cursor }.write(folder, name),
            None => Ok(()),
        })
        .await;
    }

    async fn on_disk(&self, work: impl FnOnce(&Path, &str) -> io::Result<()> + Send + 'static) {
        let (folder, name) = (self.folder.clone(), self.name.clone());
        let done = tokio::task::spawn_blocking(move || work(&folder, &name)).await;
        if let Err(error) = done.unwrap_or_else(|error| Err(io::Error::other(error))) {
            tracing::error!(
                drain = self.name,
                error = &error as &dyn std::error::Error,
                "how far a drain has come is not written down"
            );
        }
    }
}
