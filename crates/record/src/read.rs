//! Reading the book, also while another process writes it.

use std::{
    collections::{HashSet, VecDeque},
    io,
    num::NonZero,
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    Entry, Filter, JoinedCalls, OpenError, Position, Sealed, Segment, entry,
    folder::{HEADER, Header, Place, open_file, places, read_header},
    frame::{Frames, Step},
    leaves::{self, LEAVES, Leaves, Stated},
    segment::{self, Columns, Entries, Part},
};

/// Something in the book that cannot be read. Files are named without their folder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The last bytes of a file are no whole entry: the process or the machine ended while writing.
    #[error("`{file}` ends with {bytes} bytes from {offset} on that are no whole entry")]
    Torn {
        /// The file.
        file: String,
        /// Where it begins, in bytes.
        offset: u64,
        /// How much it is, in bytes.
        bytes: u64,
    },
    /// Bytes between two entries are damaged. Reading goes on behind them.
    #[error("`{file}` is damaged: {bytes} bytes from {offset} on were passed over")]
    Bytes {
        /// The file.
        file: String,
        /// Where it begins, in bytes.
        offset: u64,
        /// How much it is, in bytes.
        bytes: u64,
    },
    /// An entry is whole, but this program does not understand it.
    #[error("an entry of `{file}` at {offset} cannot be understood: {why}; read it with the version that wrote it")]
    Strange {
        /// The file.
        file: String,
        /// Where it begins, in bytes.
        offset: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The beginning of a file is not what its name says. Its entries are read all the same.
    #[error("`{file}` does not begin as the book's file of that name")]
    Header {
        /// The file.
        file: String,
    },
    /// A file was written by a version that this program does not know. It is not read.
    #[error("`{file}` has version {version}; read it with a newer greave")]
    Version {
        /// The file.
        file: String,
        /// Its version.
        version: u32,
    },
    /// Files are missing, and no entry says that they were removed.
    #[error("the files with the numbers {from} to {to} are missing")]
    Missing {
        /// The first number.
        from: u64,
        /// The last number.
        to: u64,
    },
    /// What says which segments there are is not, or not all of it, what was signed.
    #[error("`leaves.jsonl` {why}; look at it with `greave record verify`")]
    Leaves {
        /// What is wrong with it.
        why: String,
    },
    /// Callers choose names of what is not described, and may choose many.
    #[error("more operations were called than are told one by one: one that looks unused may have been used")]
    Further,
    /// The disk does not give it out. Reading goes on with the next file.
    #[error("`{file}` cannot be read: {error}")]
    Unreadable {
        /// The file, or the folder.
        file: String,
        /// What the disk said.
        error: String,
    },
}

/// More threads do not read ahead, however many processors there are.
const MOST_WORKERS: usize = 8;

/// How many threads read at once.
pub(crate) fn workers() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get).min(MOST_WORKERS)
}

/// So long after a call its outcome is looked for in files that hold no calls that are wanted.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// Clocks are set back by little; a file is read when it may hold something from so long after its end.
const SLACK: SignedDuration = SignedDuration::from_mins(2);

/// The entries of a book, oldest first, with what cannot be read in between: first those that
/// are sealed, then those of the log. What is sealed meanwhile is neither missed nor read twice.
///
/// After `None` it may be asked again: it goes on with what was written since, also in a new
/// file. Entries may be read before they are durable.
pub struct Reader {
    folder: PathBuf,
    since: Option<Timestamp>,
    /// Says the file's number and the offset in it where to stop for now.
    until: Option<Box<dyn Fn() -> (u64, u64) + Send + Sync>>,
    /// What of segments need not be read.
    part: Part,
    /// How long the file of leaves was when it was last read, and how many were signed.
    leaves: (u64, u64),
    /// It was told that something stands there beside them.
    told_odd: bool,
    /// Sealed files that are still to be read.
    sealed: VecDeque<Sealed>,
    /// Segments that are being read already, by threads of their own.
    ahead: VecDeque<(String, JoinHandle<parquet::errors::Result<Entries>>)>,
    /// How many may be.
    workers: usize,
    /// The number of the last sealed file that is known.
    known: u64,
    /// Segments that were removed.
    dropped: HashSet<String>,
    /// What is left of a sealed file, with each entry's place in it.
    entries: std::vec::IntoIter<(u64, Vec<u8>)>,
    /// Outcomes are not unpacked: they are half of all entries, and the index does not need them.
    without_outcomes: bool,
    current: Option<Current>,
    /// The number of the last file that is done with.
    done: u64,
    /// Where to begin, where that is not the oldest entry.
    start: Option<Position>,
    /// Files that were to be read and are not there any more, or not all of them.
    passed_over: u64,
    /// What is to be told before the next entry.
    damages: VecDeque<Damage>,
    /// The folder could not be listed when last tried.
    unlisted: bool,
}

struct Current {
    place: Place,
    frames: Frames,
    /// How many frames were read of it, or passed over by where to begin.
    number: u64,
    /// A newer file is there: what is not in this one by now never will be.
    complete: bool,
}

impl Reader {
    /// Opens a book for reading. Takes no lock and writes nothing.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let folder = folder.into();
        places(&folder).map_err(|error| OpenError::Folder { path: folder.clone(), error })?;
        Ok(Self::new(folder))
    }

    /// Only what happened from this moment on. Files that ended before are not opened.
    #[must_use]
    pub fn since(self, since: Timestamp) -> Self {
        Self { since: Some(since), part: Part { since: Some(since), ..self.part.clone() }, ..self }
    }

    /// Most calls that this filter does not want are left out, as far as that saves reading them.
    /// Those that come must be asked all the same.
    #[must_use]
    pub fn wanting(mut self, filter: &Filter) -> Self {
        self.part.key = filter.key;
        self.part.until = filter.until;
        self.part.columns = Columns::of(filter).map(Arc::new);
        filter.since.into_iter().fold(self, Self::since)
    }

    /// Segments that are not, byte for byte, what was sealed are damage: for whoever believes what
    /// is read, and is not there when the record is verified.
    #[must_use]
    pub fn only_sealed(mut self) -> Self {
        self.part.only_sealed = true;
        self
    }

    /// Goes on at this place. Where its file is not there any more, with the oldest entry behind
    /// it; what is missing then is counted by [`passed_over`](Self::passed_over).
    #[must_use]
    pub fn starting_at(self, start: Position) -> Self {
        Self { start: Some(start), done: start.file.saturating_sub(1), ..self }
    }

    /// Where this reader is: behind the last entry that it gave out.
    pub fn position(&self) -> Position {
        if let Some(Current { place, frames, number, .. }) = &self.current {
            return Position { file: place.sequence, entry: *number, offset: frames.offset() };
        }
        if let Some((entry, _)) = self.entries.as_slice().first() {
            return Position { file: self.done, entry: *entry, offset: 0 };
        }
        // A file that has not been begun yet is begun where it was to be.
        let next = Position { file: self.done + 1, ..Position::default() };
        self.start.filter(|start| start.file > self.done).unwrap_or(next)
    }

    /// How many files behind the place where this reader began are not there any more. A sealed
    /// one counts as soon as some of its segments were removed.
    pub fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// Calls with their outcomes.
    pub fn joined(self) -> JoinedCalls {
        JoinedCalls::new(self)
    }

    /// An iterator that never ends: where there is nothing more it looks again each `poll`,
    /// blocking its thread.
    pub fn follow(self, poll: Duration) -> Follow {
        Follow { reader: self, poll }
    }

    /// Only what stands behind the file of this number.
    pub(crate) fn behind(self, done: u64) -> Self {
        Self { done, known: done, ..self }
    }

    /// What stands beside the leaves that were signed is told by somebody else.
    pub(crate) fn without_odd(self) -> Self {
        Self { told_odd: true, ..self }
    }

    /// Everything behind the file of this number and before this end but outcomes.
    pub(crate) fn for_index(folder: PathBuf, done: u64, end: (u64, u64)) -> Self {
        Self { without_outcomes: true, done, known: done, ..Self::new(folder) }.until(move || end)
    }

    /// Nothing behind this place, as it is when it is asked.
    pub(crate) fn until(self, end: impl Fn() -> (u64, u64) + Send + Sync + 'static) -> Self {
        Self { until: Some(Box::new(end)), ..self }
    }

    pub(crate) fn from(folder: &Path) -> Self {
        Self::new(folder.to_owned())
    }

    fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            since: None,
            until: None,
            part: Part::default(),
            leaves: (0, 0),
            told_odd: false,
            sealed: VecDeque::new(),
            ahead: VecDeque::new(),
            workers: workers(),
            known: 0,
            dropped: HashSet::new(),
            entries: Vec::new().into_iter(),
            without_outcomes: false,
            current: None,
            done: 0,
            start: None,
            passed_over: 0,
            damages: VecDeque::new(),
            unlisted: false,
        }
    }

    /// What ends the book and is no whole entry, after [`next`](Self::next) has given `None`. It
    /// is torn only where nobody writes the book any more: who asks must know that.
    pub fn torn(&mut self) -> Option<Damage> {
        if let Some(current) = &mut self.current {
            let Ok(Step::End { offset, torn }) = current.frames.step() else { return None };
            return (torn > 0).then(|| Damage::Torn { file: current.place.name(), offset, bytes: torn });
        }
        // A file whose very header is not whole was never begun.
        let place = places(&self.folder).ok()?.pop().filter(|place| place.sequence > self.done)?;
        let bytes = std::fs::metadata(&place.path).ok()?.len();
        (0 < bytes && bytes < HEADER).then(|| Damage::Torn { file: place.name(), offset: 0, bytes })
    }

    /// Whether nothing more comes into the file of this number: a newer one is there, or it is
    /// sealed, as all of them may be.
    fn is_over(&mut self, sequence: u64) -> bool {
        let newer = |places: Vec<Place>| places.last().is_some_and(|last| last.sequence > sequence);
        places(&self.folder).is_ok_and(newer) || self.look_at_leaves().is_ok() && self.known >= sequence
    }

    /// Opens the next file; whether there is one.
    fn advance(&mut self) -> bool {
        // What was removed since it was listed is found out where it is opened.
        if let Some(sealed) = self.sealed.pop_front() {
            self.count_missing(sealed.log);
            self.unpack(&sealed);
            return true;
        }
        let places = match places(&self.folder) {
            Ok(places) => places,
            Err(error) => {
                // Told once: who polls would be told again and again.
                if !std::mem::replace(&mut self.unlisted, true) {
                    self.damages.push_back(unreadable(&self.folder, &error));
                }
                return false;
            }
        };
        self.unlisted = false;
        // Behind the list of files: one that was sealed in between is on either.
        if let Err(error) = self.look_at_leaves() {
            self.damages.push_back(unreadable(&self.folder.join(LEAVES), &error));
        }
        if !self.sealed.is_empty() {
            return true;
        }
        let Some(place) = self.next_place(&places) else {
            return false;
        };
        // What is missing between two files that are there was not removed by the cap.
        let older_is_there = places.iter().any(|older| older.sequence == self.done) || self.done == self.known;
        let older_is_there = older_is_there && self.done > 0;
        if older_is_there && place.sequence > self.done + 1 {
            self.damages.push_back(Damage::Missing { from: self.done + 1, to: place.sequence - 1 });
        }
        self.count_missing(place.sequence);
        let newest = places.last().is_none_or(|last| last.sequence == place.sequence);
        match self.begin(&place, newest) {
            Ok(Some(current)) => self.current = Some(current),
            // Its header is being written; it is asked for again.
            Ok(None) if newest => return false,
            Ok(None) => self.done = place.sequence,
            Err(error) => {
                // One that was sealed in this moment is read from its segments.
                if error.kind() == io::ErrorKind::NotFound && self.look_at_leaves().is_ok() && !self.sealed.is_empty() {
                    return true;
                }
                self.done = place.sequence;
                // One that the cap has removed in this moment is not damaged.
                if error.kind() != io::ErrorKind::NotFound {
                    self.damages.push_back(unreadable(&place.path, &error));
                } else if self.start.is_some() {
                    self.passed_over += 1;
                }
            }
        }
        true
    }

    /// Files before this one that should have been read, and are not there.
    fn count_missing(&mut self, next: u64) {
        if self.start.is_some_and(|start| start.file > 0) {
            self.passed_over += next.saturating_sub(self.done + 1);
        }
    }

    /// Reads the leaves again where there are more.
    fn look_at_leaves(&mut self) -> io::Result<()> {
        let length = match std::fs::metadata(self.folder.join(LEAVES)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            leaves => leaves?.len(),
        };
        let signed = leaves::stated(&self.folder)?.map_or(0, |stated| stated.size);
        if (length, signed) == self.leaves {
            return Ok(());
        }
        let Stated { leaves, size, odd } = Leaves::read_stated(&self.folder)?;
        self.leaves = (length, size);
        if let Some(why) = odd.filter(|_| !self.told_odd) {
            self.told_odd = true;
            self.damages.push_back(Damage::Leaves { why });
        }
        let strange = leaves.lines.iter().position(|(_, leaf)| leaf.is_none());
        if let Some(number) = strange.filter(|_| self.known == 0) {
            let why = "a newer version wrote it, or it is damaged".to_owned();
            self.damages.push_back(Damage::Strange { file: LEAVES.to_owned(), offset: number as u64, why });
        }
        self.dropped.extend(leaves.dropped().into_iter().map(str::to_owned));
        // What is being read is not read again from its segments.
        let done = self.current.as_ref().map_or(self.done, |current| current.place.sequence);
        let known = self.known;
        self.sealed.extend(leaves.sealed().filter(|sealed| sealed.log > done.max(known)).cloned());
        self.known = known.max(leaves.last());
        Ok(())
    }

    /// Takes what is wanted out of a sealed file.
    fn unpack(&mut self, sealed: &Sealed) {
        self.done = self.done.max(sealed.log);
        let mut entries = Vec::new();
        for segment in &sealed.segments {
            let Some(part) = self.part_of(segment) else { continue };
            let read = match self.ahead.iter().position(|(file, _)| *file == segment.file) {
                // What panicked there is read again here, and says why.
                Some(at) => self.ahead.remove(at).and_then(|(_, read)| read.join().ok()),
                None => None,
            };
            self.read_ahead();
            match read.unwrap_or_else(|| segment::read(&self.folder, segment, &part)) {
                Ok(mut more) => entries.append(&mut more),
                Err(error) => {
                    // It may have been removed in this moment.
                    let _ = self.look_at_leaves();
                    if !self.dropped.contains(&segment.file) {
                        let error = error.to_string();
                        self.damages.push_back(Damage::Unreadable { file: segment.file.clone(), error });
                    }
                }
            }
        }
        let is_dropped = sealed.segments.iter().any(|segment| self.dropped.contains(&segment.file));
        self.passed_over += u64::from(is_dropped && self.start.is_some_and(|start| start.file > 0));
        if let Some(start) = self.start.filter(|start| start.file == sealed.log) {
            entries.retain(|(place, _)| *place >= start.entry);
        }
        entries.sort_unstable_by_key(|(place, _)| *place);
        self.entries = entries.into_iter();
    }

    /// What of a segment is wanted; nothing where none of it is.
    fn part_of(&self, segment: &Segment) -> Option<Part> {
        let since = self.since.and_then(|since| since.checked_sub(SLACK).ok());
        let too_old = since.is_some_and(|since| segment.to < since);
        let too_new = self.part.until.is_some_and(|until| segment.from >= until);
        // How a call ended that was wanted may stand in a file that begins after what is wanted.
        let ends = self.part.until.and_then(|until| until.checked_add(LONGEST).ok());
        let may_end = segment.notes > 0 && ends.is_none_or(|ends| segment.from < ends);
        if too_old || (too_new && !may_end) || self.dropped.contains(&segment.file) {
            return None;
        }
        let only_sealed = self.part.only_sealed;
        Some(if too_new { Part { only_sealed, ..Part::notes() } } else { self.part.clone() })
    }

    /// Reads the next segments meanwhile, on as many processors as there are: where a filter takes
    /// little of each, a search is mostly this, and little is held in memory for it.
    fn read_ahead(&mut self) {
        if self.part.key.is_none() {
            return;
        }
        let next = self.sealed.iter().flat_map(|sealed| &sealed.segments).take(4 * self.workers);
        for segment in next {
            if self.ahead.len() >= self.workers {
                break;
            }
            let is_read = self.ahead.iter().any(|(file, _)| *file == segment.file);
            let Some(part) = self.part_of(segment).filter(|_| !is_read) else { continue };
            let (folder, wanted) = (self.folder.clone(), segment.clone());
            let read = thread::Builder::new().name("record-read".to_owned());
            if let Ok(read) = read.spawn(move || segment::read(&folder, &wanted, &part)) {
                self.ahead.push_back((segment.file.clone(), read));
            }
        }
    }

    /// The next entry of the sealed file that is being read.
    fn unpacked(&mut self) -> Option<Result<Entry, Damage>> {
        let (place, payload) =
            self.entries.find(|(_, payload)| !self.without_outcomes || !entry::is_outcome(payload))?;
        let strange = |why| Damage::Strange { file: format!("the sealed file {}", self.done), offset: place, why };
        Some(entry::read(&payload).map_err(strange))
    }

    /// The oldest file that is not done with and may hold what is wanted.
    fn next_place(&mut self, places: &[Place]) -> Option<Place> {
        let after = places.iter().skip(1).map(|next| Some(next.started)).chain([None]);
        let last = self.until.as_ref().map(|until| until().0);
        for (place, ended) in places.iter().zip(after) {
            if last.is_some_and(|last| place.sequence > last) {
                return None;
            }
            let latest = ended.and_then(|ended| ended.checked_add(SLACK).ok());
            let too_old = latest.is_some_and(|latest| self.since.is_some_and(|since| latest < since));
            if place.sequence > self.done && !too_old {
                return Some(place.clone());
            }
            self.done = self.done.max(place.sequence);
        }
        None
    }

    fn begin(&mut self, place: &Place, newest: bool) -> io::Result<Option<Current>> {
        let file = open_file(&place.path)?;
        match read_header(&file)? {
            Header::Good(sequence) if sequence == place.sequence => {}
            Header::Good(_) | Header::Bad => self.damages.push_back(Damage::Header { file: place.name() }),
            Header::Newer(version) => {
                self.damages.push_back(Damage::Version { file: place.name(), version });
                self.done = place.sequence;
                return Ok(None);
            }
            Header::Short => {
                let bytes = file.metadata()?.len();
                if !newest {
                    self.damages.push_back(Damage::Torn { file: place.name(), offset: 0, bytes });
                }
                return Ok(None);
            }
        }
        // A file that is shorter than it was read was cut back: all of it is read again.
        let length = file.metadata()?.len();
        let start =
            self.start.filter(|start| start.file == place.sequence && (HEADER..=length).contains(&start.offset));
        let (offset, number) = start.map_or((HEADER, 0), |start| (start.offset, start.entry));
        Ok(Some(Current { place: place.clone(), frames: Frames::from(file, offset)?, number, complete: false }))
    }

    /// The next thing in the current file, or `None` where there is nothing more for now.
    fn read(&mut self) -> Option<Result<Entry, Damage>> {
        let current = self.current.as_mut()?;
        let end = self.until.as_ref().map(|until| until());
        let stop = end.filter(|(last, _)| *last == current.place.sequence).map(|(_, offset)| offset);
        let file = || current.place.name();
        let step = loop {
            if stop.is_some_and(|stop| current.frames.offset() >= stop) {
                return None;
            }
            let step = current.frames.step();
            current.number += u64::from(matches!(step, Ok(Step::Frame { .. })));
            match step {
                Ok(Step::Frame { payload, .. }) if self.without_outcomes && entry::is_outcome(payload) => {}
                step => break step,
            }
        };
        match step {
            Ok(Step::Frame { offset, payload }) => {
                Some(entry::read(payload).map_err(|why| Damage::Strange { file: file(), offset, why }))
            }
            Ok(Step::Bad { offset, bytes }) => Some(Err(Damage::Bytes { file: file(), offset, bytes })),
            Ok(Step::End { torn: 0, .. }) => None,
            Ok(Step::End { offset, torn }) => {
                // It is torn only when nothing can come behind it any more.
                if !current.complete {
                    return None;
                }
                let damage = Damage::Torn { file: file(), offset, bytes: torn };
                self.finish();
                Some(Err(damage))
            }
            Err(error) => {
                let damage = unreadable(&current.place.path, &error);
                self.finish();
                Some(Err(damage))
            }
        }
    }

    fn finish(&mut self) {
        if let Some(current) = self.current.take() {
            self.done = current.place.sequence;
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Entry, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(damage) = self.damages.pop_front() {
                return Some(Err(damage));
            }
            match self.unpacked().or_else(|| self.read()) {
                Some(Ok(entry)) if self.since.is_some_and(|since| entry.at() < since) => continue,
                Some(read) => return Some(read),
                None => {}
            }
            match &mut self.current {
                None => {
                    if !self.advance() && self.damages.is_empty() {
                        return None;
                    }
                }
                Some(current) if current.complete => self.finish(),
                Some(current) => {
                    let sequence = current.place.sequence;
                    if !self.is_over(sequence) {
                        return None;
                    }
                    // Once more: something may have been written before the newer file was begun.
                    if let Some(current) = &mut self.current {
                        current.complete = true;
                    }
                }
            }
        }
    }
}

/// See [`Reader::follow`].
pub struct Follow {
    reader: Reader,
    poll: Duration,
}

impl Iterator for Follow {
    type Item = Result<Entry, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.reader.next() {
                Some(entry) => return Some(entry),
                None => thread::sleep(self.poll),
            }
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Damage {
    let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Damage::Unreadable { file, error: error.to_string() }
}
