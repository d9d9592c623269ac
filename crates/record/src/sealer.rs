//! Sealing: a file of the log that is finished becomes segments, a leaf and a checkpoint, and
//! goes. And keeping: what was kept long enough is removed, and the tree says so.
//!
//! What stands when it ends at any moment, and what a start makes of it:
//!
//! 1. Segments are written under names that end in `.new`. They are removed.
//! 2. They have their names, and no leaf speaks of them. They are removed; the file is sealed again.
//! 3. The leaf is there, or part of its line. It is cut off and the step is done again: what it is
//!    about still lies there. Who can write here can append a leaf, so none is signed because it
//!    stands there.
//! 4. The checkpoint is there, and the file of the log as well. The file goes, if it is what was sealed.
//!
//! Readers go by the leaves: a file that a leaf speaks of is not read again.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use law::{ByPower, Span};
use seal::{Checkpoint, Signer, tree};

use crate::{
    Damage, Dropped, Gone, Leaf, Notice, Rollup, Sealed, Segment, Unfit,
    folder::{Place, places},
    gather::{Log, Spare, longest},
    keep,
    leaves::{self, CHECKPOINT, Leaves},
    rollup::{self, Open, Rolled},
    segment::{self, Sink},
    state::Shared,
};

/// How the log is sealed, and how long what is sealed is kept.
pub struct Sealing {
    /// Who signs the checkpoints. Its name is the record's.
    pub signer: Signer,
    /// A file is finished when the part of time of this length ends in which it was begun; with
    /// an hour, each full hour.
    pub after: Duration,
    /// How long calls are kept, by their powers: the longest of them counts. Without an end
    /// where there is none.
    pub keep: ByPower<Option<Span>>,
    /// All segments together take at most so much, in bytes. Beyond it calls that were stopped go
    /// first, then those that are kept shortest; of these the oldest.
    pub cap: u64,
    /// Entries of so many bytes become segments together: sealing takes about twice as much memory.
    pub piece: usize,
    /// Nothing is removed for so long after a start, and after the clock jumped.
    pub settle: Duration,
}

/// A checkpoint was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpointed {
    /// The signed note.
    pub note: String,
    /// How many leaves it covers.
    pub size: u64,
    /// How many calls were sealed with it.
    pub calls: u64,
}

/// Why nothing is sealed for now. Nothing is lost: the log stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    #[error("`{}`: {error}", path.display())]
    Disk { path: PathBuf, error: io::Error },
    #[error("a segment cannot be written: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    #[error("a leaf cannot be written: {0}")]
    Json(#[from] serde_json::Error),
    #[error(
        "{0}; the record is not sealed any further: put back what is missing, or look at it with `greave record verify`"
    )]
    Unfit(#[from] Unfit),
    #[error("no leaf speaks of `{0}`, and its log is gone: leaves are missing; put back `leaves.jsonl` of the record")]
    Unknown(String),
    #[error(
        "a leaf of the record was never signed, and the file that it is about is gone; look at it with `greave record verify`"
    )]
    Unsigned,
    #[error("`{0}` has version {1} of the log, and is not sealed by this one; go on with the greave that wrote it")]
    Newer(String, u32),
    #[error("this program failed at it; what it printed belongs into a report")]
    Failed,
    #[error(
        "`{}` says what was signed here, and the record does not begin with it: {unfit}; put the record back as it \
         was. Where it is lost for good, move that file away: a new record begins, under another name, and whoever \
         keeps a checkpoint sees that",
        path.display()
    )]
    Behind { path: PathBuf, unfit: Unfit },
}

fn disk(path: &Path) -> impl FnOnce(io::Error) -> SealError {
    let path = path.to_owned();
    move |error| SealError::Disk { path, error }
}

/// How often it is looked whether there is something to do.
const BEAT: Duration = Duration::from_secs(1);
/// The time of day is put right by less than this while nobody notices.
const JUMP: Duration = Duration::from_secs(60);
/// How often it is looked whether something was kept long enough.
const KEEPING: Duration = Duration::from_secs(60);
/// Memory for sealing is held for so long after the last file: where there are many calls, the next comes soon.
const REST: Duration = Duration::from_secs(60);
/// After an error it is tried again.
const RETRY: Duration = Duration::from_secs(10);

/// Seals until the book stops.
pub(crate) fn run(shared: &Shared, folder: &Path, sealing: &Sealing) {
    let mut told: Option<String> = None;
    let mut watch = Watch { clock: Clock::new(sealing.settle), crowded: false };
    while !shared.is_stopping() {
        // Whatever happens here, the log stays and calls go on.
        let work = AssertUnwindSafe(|| Sealer::open(shared, folder, sealing)?.work(&mut told, &mut watch));
        if let Err(error) = panic::catch_unwind(work).unwrap_or(Err(SealError::Failed)) {
            let error = error.to_string();
            // Said once: it is tried again and again.
            if told.as_ref() != Some(&error) {
                tracing::error!(error, "the record cannot be sealed");
                shared.notice(Notice::Unsealed(error.clone()));
                told = Some(error);
            }
            shared.pause(RETRY.min(sealing.after));
        }
    }
}

/// Says what was found and put right.
fn repaired(shared: &Shared, what: String) {
    tracing::warn!(what, "the record was repaired");
    shared.notice(Notice::Repaired(what));
}

struct Sealer<'a> {
    shared: &'a Shared,
    folder: &'a Path,
    sealing: &'a Sealing,
    leaves: Leaves,
    hashes: Vec<seal::Hash>,
    /// The name of this record in its checkpoints.
    origin: String,
    /// Calls of keys that had not ended when the newest file was sealed.
    open: Open,
    /// Memory of the last piece, for the next one.
    spare: Spare,
    space: segment::Space,
}

/// What is remembered over errors.
struct Watch {
    clock: Clock,
    /// It was said that the cap comes near.
    crowded: bool,
}

/// Whether the time of day can be gone by, where something is to be removed for it.
struct Clock {
    settle: Duration,
    looked: Instant,
    day: Timestamp,
    quiet_until: Instant,
}

impl Clock {
    fn new(settle: Duration) -> Self {
        let looked = Instant::now();
        Self { settle, looked, day: Timestamp::now(), quiet_until: looked + settle }
    }

    /// Whether it went on as time did, and has for long enough.
    fn is_steady(&mut self, now: Timestamp) -> bool {
        let looked = Instant::now();
        if jumped(now.duration_since(self.day), looked - self.looked) {
            self.quiet_until = looked + self.settle;
        }
        (self.looked, self.day) = (looked, now);
        looked >= self.quiet_until
    }
}

/// Whether the time of day went on by another length than time did.
fn jumped(day: SignedDuration, passed: Duration) -> bool {
    let off = SignedDuration::try_from(passed).map_or(SignedDuration::MAX, |passed| day.saturating_sub(passed));
    off.unsigned_abs() > JUMP
}

impl<'a> Sealer<'a> {
    /// Reads what is sealed, and repairs what an end at the wrong moment has left.
    fn open(shared: &'a Shared, folder: &'a Path, sealing: &'a Sealing) -> Result<Self, SealError> {
        let leaves = Leaves::read(folder).map_err(disk(folder))?;
        let hashes = leaves.hashes();
        let (origin, open, spare, space) = (String::new(), Open::new(), Spare::default(), segment::Space::default());
        let mut sealer = Self { shared, folder, sealing, leaves, hashes, origin, open, spare, space };
        sealer.repair()?;
        let newest = sealer.leaves.sealed().next_back().and_then(|sealed| sealed.usage.as_ref());
        // Where it cannot be read, the start has said so.
        sealer.open = newest.and_then(|usage| rollup::open(folder, usage).ok()).unwrap_or_default();
        Ok(sealer)
    }

    fn repair(&mut self) -> Result<(), SealError> {
        let shared = self.shared;
        let repaired = |what| repaired(shared, what);
        let note = leaves::note(self.folder).map_err(disk(self.folder))?;
        let signed = match &note {
            Some(note) => leaves::covered(&self.hashes, note, &self.sealing.signer.verifier())?,
            None => 0,
        };
        let signed = self.held_to_anchor(note.as_deref(), signed)?;
        if self.leaves.torn > 0 {
            self.cut(self.leaves.whole)?;
            repaired(format!("{} bytes of a leaf that was never whole were cut off", self.leaves.torn));
            self.leaves.torn = 0;
        }
        let logs = places(self.folder).map_err(disk(self.folder))?;
        if signed < self.hashes.len() {
            self.take_back(signed, &logs)?;
            repaired("a leaf that was never signed was cut off, and its step is done again".to_owned());
        }
        let last = self.leaves.last();
        for log in logs.iter().filter(|log| log.sequence <= last) {
            if self.holds(log)? {
                self.remove_log(log)?;
                repaired(format!("`{}` was removed: it is sealed", log.name()));
            } else {
                self.put_aside(log)?;
                repaired(format!(
                    "`{}` is not what was sealed under its number; it ends with `.damaged` now",
                    log.name()
                ));
            }
        }
        let logs: Vec<Place> = logs.into_iter().filter(|log| log.sequence > last).collect();
        for file in self.leftovers(&logs)? {
            fs::remove_file(self.folder.join(&file)).map_err(disk(&self.folder.join(&file)))?;
            repaired(format!("`{file}` was removed: no leaf speaks of it any more"));
        }
        self.shared.sealed(last);
        Ok(())
    }

    /// Holds the leaves against what was signed here; how many are signed. Where nothing was, this
    /// is a new record, or one from elsewhere of which others may have signed more: it gets a name
    /// of its own, so that no two records of one name ever contradict each other.
    fn held_to_anchor(&mut self, note: Option<&str>, signed: usize) -> Result<usize, SealError> {
        let path = leaves::anchor_path(self.folder);
        let Some(anchor) = leaves::anchor(self.folder).map_err(disk(&path))? else {
            self.origin = format!("{}/{}", self.sealing.signer.name(), uuid::Uuid::now_v7().simple());
            return Ok(signed);
        };
        let verifier = self.sealing.signer.verifier();
        let before = leaves::covered(&self.hashes, &anchor, &verifier);
        let before = before.map_err(|unfit| SealError::Behind { path, unfit })?;
        anchor.lines().next().unwrap_or_default().clone_into(&mut self.origin);
        if before > signed || note.is_none() {
            leaves::replace(self.folder, CHECKPOINT, &anchor).map_err(disk(&self.folder.join(CHECKPOINT)))?;
            repaired(self.shared, "the newest checkpoint was missing, and was put back".to_owned());
        }
        Ok(before.max(signed))
    }

    fn cut(&self, length: u64) -> Result<(), SealError> {
        let path = self.folder.join(leaves::LEAVES);
        let cut = File::options().write(true).open(&path).and_then(|file| {
            file.set_len(length)?;
            file.sync_all()
        });
        cut.map_err(disk(&path))
    }

    /// Cuts off the newest leaf, which nobody signed: its step was not finished, or it was not
    /// this program that wrote it. A leaf is signed before the next one comes, and what it is
    /// about goes only after that.
    fn take_back(&mut self, signed: usize, logs: &[Place]) -> Result<(), SealError> {
        let there = match self.leaves.lines.last() {
            Some((_, Some(Leaf::Sealed(sealed)))) => logs.iter().any(|log| log.sequence == sealed.log),
            Some((_, Some(Leaf::Removed(dropped)))) => dropped.files.iter().all(|file| self.folder.join(file).exists()),
            _ => false,
        };
        if !there || signed + 1 < self.hashes.len() {
            return Err(SealError::Unsigned);
        }
        let line = self.leaves.lines.last().map_or(0, |(line, _)| line.len() as u64 + 1);
        self.cut(self.leaves.whole.saturating_sub(line))?;
        self.leaves.whole = self.leaves.whole.saturating_sub(line);
        self.leaves.lines.pop();
        self.hashes.pop();
        Ok(())
    }

    /// Whether everything that stands in this file of the log is in segments.
    fn holds(&self, log: &Place) -> Result<bool, SealError> {
        let Some(sealed) = self.leaves.sealed().find(|sealed| sealed.log == log.sequence) else { return Ok(false) };
        let entries: u64 = sealed.segments.iter().map(|segment| segment.entries).sum();
        let (there, damage) = Log::open(log).and_then(Log::count).map_err(disk(&log.path))?;
        Ok(sealed.damage.is_empty() && damage.is_empty() && there == entries)
    }

    /// Keeps a file of the log that is not, or not wholly, in segments.
    fn put_aside(&self, log: &Place) -> Result<(), SealError> {
        fs::rename(&log.path, log.path.with_extension("damaged")).map_err(disk(&log.path))?;
        leaves::sync(self.folder).map_err(disk(self.folder))
    }

    /// Segments that were removed, and those that were never finished and whose log is still there.
    fn leftovers(&self, logs: &[Place]) -> Result<Vec<String>, SealError> {
        let dropped = self.leaves.dropped();
        let last = self.leaves.last();
        let mut found = Vec::new();
        for (log, path) in leaves::hour_files(self.folder).map_err(disk(self.folder))? {
            let waits = log.is_some_and(|log| logs.iter().any(|place| place.sequence == log));
            if dropped.contains(path.as_str()) || waits {
                found.push(path);
            } else if log.is_some_and(|log| log > last) {
                return Err(SealError::Unknown(path));
            }
        }
        Ok(found)
    }

    /// Seals what is finished, finishes what is old enough, and removes what was kept long enough.
    fn work(&mut self, told: &mut Option<String>, watch: &mut Watch) -> Result<(), SealError> {
        let mut kept = None;
        let mut sealed = Instant::now();
        while !self.shared.is_stopping() {
            let now = Timestamp::now();
            // Also while there is much to seal: the cap holds then, too.
            if kept.is_none_or(|kept: Instant| kept.elapsed() >= KEEPING.min(self.sealing.after)) {
                if watch.clock.is_steady(now) {
                    self.keep(now, &mut watch.crowded)?;
                }
                kept = Some(Instant::now());
            }
            let closed = self.shared.closed();
            let logs = places(self.folder).map_err(disk(self.folder))?;
            let last = self.leaves.last();
            if let Some(stray) = logs.iter().find(|log| log.sequence <= last) {
                // Sealed files are gone: somebody else put it there, and what it says is nobody's.
                self.put_aside(stray)?;
                let name = stray.name();
                repaired(
                    self.shared,
                    format!("`{name}` came when that number was sealed already; it ends with `.damaged` now"),
                );
                continue;
            }
            let due = logs.iter().find(|log| log.sequence <= closed);
            if let Some(log) = due {
                self.seal(log)?;
                sealed = Instant::now();
                continue;
            }
            if logs.last().is_some_and(|open| self.is_old(open.started, now)) {
                self.shared.ask_to_roll();
            }
            // All that was due is done: the next error is news.
            *told = None;
            if sealed.elapsed() >= REST {
                (self.spare, self.space) = (Spare::default(), segment::Space::default());
            }
            self.shared.pause(BEAT.min(self.sealing.after));
        }
        Ok(())
    }

    /// Whether another part of time has begun since.
    fn is_old(&self, started: Timestamp, now: Timestamp) -> bool {
        let length = i128::try_from(self.sealing.after.as_nanos()).unwrap_or(i128::MAX).max(1);
        started.as_nanosecond().div_euclid(length) != now.as_nanosecond().div_euclid(length)
    }

    fn seal(&mut self, log: &Place) -> Result<(), SealError> {
        let mut read = Log::open(log).map_err(disk(&log.path))?;
        if let Some(Damage::Version { file, version }) = read.damage.first() {
            return Err(SealError::Newer(file.clone(), *version));
        }
        let hour = log.started.to_zoned(TimeZone::UTC).strftime("hour=%Y-%m-%dT%H").to_string();
        let place = self.folder.join(&hour);
        DirBuilder::new().recursive(true).mode(0o700).create(&place).map_err(disk(&place))?;

        let mut use_of_keys = Rolled::after(self.open.clone());
        let mut made: Vec<String> = Vec::new();
        let mut segments = Vec::new();
        let Sealing { piece: most, keep, .. } = self.sealing;
        while let Some(piece) = read.piece(*most, keep, &mut use_of_keys, &mut self.spare).map_err(disk(&log.path))? {
            for (group, order) in piece.groups() {
                let name = format!("{hour}/{:08}-{}.parquet", log.sequence, made.len());
                let new = self.folder.join(format!("{name}.new"));
                // A try before this one may have left it.
                let _ = fs::remove_file(&new);
                let segment = segment::write(&new, name.clone(), &piece, order, &mut use_of_keys, &mut self.space)?;
                segments.push(Segment { stopped: group.stopped, ..segment });
                made.push(name);
            }
            self.spare = piece.spare();
        }
        use_of_keys.forget();
        let usage = self.roll_up(&use_of_keys, format!("{hour}/{:08}.usage", log.sequence), &mut made)?;
        for name in &made {
            let new = self.folder.join(format!("{name}.new"));
            fs::rename(&new, self.folder.join(name)).map_err(disk(&new))?;
        }
        leaves::sync(&place).and_then(|()| leaves::sync(self.folder)).map_err(disk(&place))?;

        let calls = segments.iter().map(|segment| segment.calls).sum();
        let damage = read.damage.iter().map(Damage::to_string).collect();
        let sealed = Sealed { log: log.sequence, at: Timestamp::now(), segments, usage, damage };
        self.extend(Leaf::Sealed(sealed))?;
        self.sign(calls)?;
        if read.damage.is_empty() {
            self.remove_log(log)?;
        } else {
            self.put_aside(log)?;
        }
        self.shared.sealed(log.sequence);
        self.open = use_of_keys.open;
        Ok(())
    }

    /// Writes how each key was used, so that a start need not read the segments.
    fn roll_up(&self, rolled: &Rolled, file: String, made: &mut Vec<String>) -> Result<Option<Rollup>, SealError> {
        if rolled.is_empty() {
            return Ok(None);
        }
        let new = self.folder.join(format!("{file}.new"));
        let _ = fs::remove_file(&new);
        let mut sink = Sink::create(&new).map_err(disk(&new))?;
        rolled.write(&mut sink)?;
        let (sha256, bytes) = sink.settle().map_err(disk(&new))?;
        made.push(file.clone());
        Ok(Some(Rollup { file, bytes, sha256 }))
    }

    fn extend(&mut self, leaf: Leaf) -> Result<(), SealError> {
        let line = serde_json::to_string(&leaf)?;
        leaves::append(self.folder, &line, self.leaves.whole).map_err(disk(&self.folder.join(leaves::LEAVES)))?;
        self.leaves.whole += line.len() as u64 + 1;
        self.hashes.push(tree::leaf(line.as_bytes()));
        self.leaves.lines.push((line, Some(leaf)));
        Ok(())
    }

    /// INVARIANT: what is signed begins with everything that was signed before: leaves are only
    /// appended, and those on disk were held against the last checkpoint when they were read.
    fn sign(&self, calls: u64) -> Result<(), SealError> {
        let size = self.hashes.len() as u64;
        let checkpoint = Checkpoint { origin: self.origin.clone(), size, root: tree::root(&self.hashes) };
        let note = self.sealing.signer.sign(&checkpoint.to_string());
        // First here: nothing that others can see is ever signed differently after a restore.
        leaves::put_anchor(self.folder, &note).map_err(disk(&leaves::anchor_path(self.folder)))?;
        leaves::replace(self.folder, CHECKPOINT, &note).map_err(disk(&self.folder.join(CHECKPOINT)))?;
        self.shared.notice(Notice::Checkpoint(Checkpointed { note, size, calls }));
        Ok(())
    }

    fn remove_log(&self, log: &Place) -> Result<(), SealError> {
        fs::remove_file(&log.path).and_then(|()| leaves::sync(self.folder)).map_err(disk(&log.path))
    }

    /// Removes what was kept long enough, and what is beyond the cap.
    fn keep(&mut self, now: Timestamp, crowded: &mut bool) -> Result<(), SealError> {
        let dropped = self.leaves.dropped();
        let mut there: Vec<(Segment, u64)> = Vec::new();
        for Sealed { segments, usage, .. } in self.leaves.sealed() {
            let left: Vec<&Segment> = segments.iter().filter(|of| !dropped.contains(of.file.as_str())).collect();
            // How keys were used goes with the last of them.
            let beside = usage.as_ref().map_or(0, |usage| usage.bytes) / (left.len() as u64).max(1);
            there.extend(left.into_iter().map(|of| (of.clone(), of.bytes + beside)));
        }
        // A clock that is wrong ages what it stamped as well: nothing is older than the newest call says.
        let newest = self.leaves.sealed().flat_map(|sealed| &sealed.segments).map(|segment| segment.to).max();
        let day = newest.map_or(now, |newest| newest.min(now));
        let of = |segment: &Segment| longest(&self.sealing.keep, segment.powers, segment.notes > 0);
        let due = keep::due(there, self.sealing.cap, day, of);
        if due.bytes > self.sealing.cap / 5 * 4 {
            // Before anything goes that was to be kept.
            if !std::mem::replace(crowded, true) {
                self.shared.notice(Notice::Crowded { bytes: due.bytes, cap: self.sealing.cap });
            }
        } else if due.bytes < self.sealing.cap / 10 * 7 {
            *crowded = false;
        }
        for (why, segments) in [("kept-long-enough", due.old), ("cap", due.over)] {
            self.drop_segments(why, &segments, now)?;
        }
        Ok(())
    }

    fn drop_segments(&mut self, why: &str, gone: &[Segment], now: Timestamp) -> Result<(), SealError> {
        if gone.is_empty() {
            return Ok(());
        }
        let mut files: Vec<String> = gone.iter().map(|segment| segment.file.clone()).collect();
        let before = self.leaves.dropped();
        let is_gone = |file: &String| before.contains(file.as_str()) || files.contains(file);
        // How keys were used goes with the last segment that says it.
        let usages = self.leaves.sealed().filter(|sealed| {
            sealed.segments.iter().any(|segment| files.contains(&segment.file))
                && sealed.segments.iter().all(|segment| is_gone(&segment.file))
        });
        let usages: Vec<String> =
            usages.filter_map(|sealed| sealed.usage.as_ref().map(|usage| usage.file.clone())).collect();
        files.extend(usages);
        let segments = gone.iter().map(|segment| Gone {
            file: segment.file.clone(),
            from: segment.from,
            to: segment.to,
            calls: segment.calls,
            keep: longest(&self.sealing.keep, segment.powers, segment.notes > 0),
        });
        let segments = segments.collect();
        self.extend(Leaf::Removed(Dropped { at: now, why: why.to_owned(), files: files.clone(), segments }))?;
        self.sign(0)?;
        self.shared.notice(Notice::Dropped { leaf: self.hashes.len() as u64 - 1 });
        for file in &files {
            let path = self.folder.join(file);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(disk(&path)(error)),
                _ => {}
            }
            // Goes only when it is empty.
            let _ = path.parent().map(fs::remove_dir);
        }
        leaves::sync(self.folder).map_err(disk(self.folder))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_jumps_and_one_that_is_put_right_does_not() {
        let minute = Duration::from_secs(60);
        for (day, jumps) in [(60, false), (61, false), (20, false), (0, false), (3 * 3600, true), (-60, true)] {
            assert_eq!(jumped(SignedDuration::from_secs(day), minute), jumps, "{day}");
        }
        let mut clock = Clock::new(Duration::ZERO);
        assert!(clock.is_steady(Timestamp::now()));
        clock.settle = 10 * minute;
        assert!(clock.is_steady(Timestamp::now()));
        assert!(!clock.is_steady(Timestamp::now() + SignedDuration::from_hours(24)));
        assert!(!clock.is_steady(Timestamp::now() + SignedDuration::from_hours(24)), "nor right after it");
    }
}
