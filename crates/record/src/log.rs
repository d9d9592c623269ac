//! The writing end on disk: which file, when to roll, what to remove, what a start finds.

use std::{fs, io, path::PathBuf};

use jiff::Timestamp;

use crate::{
    Damage, OpenError, Reason, Removed, Settings,
    entry::append_removed,
    folder::{Folder, HEADER, Header, Place, Writing, open_file, places, read_header},
    frame::{Frames, Step},
    leaves::{self, Leaves},
};

/// The files as the writer sees them.
pub(crate) struct Log {
    folder: Folder,
    /// Each file but the one being written, with its length, oldest first.
    past: Vec<(Place, u64)>,
    segment: Option<Writing>,
    next: u64,
    roll: u64,
    cap: u64,
    /// Whether the cap is to be looked at before the next write.
    prune: bool,
}

/// Why nothing of a batch was acknowledged.
pub(crate) struct Failure {
    pub(crate) reason: Reason,
    /// Nothing of the batch is on disk, so that it may be written again.
    pub(crate) clean: bool,
}

impl Log {
    /// Takes the folder, cuts what is torn at the end of the newest file, and says so.
    pub(crate) fn open(path: PathBuf, settings: &Settings) -> Result<(Self, Vec<Damage>), OpenError> {
        let folder = Folder::lock(path)?;
        let error = |error| OpenError::Folder { path: folder.path.clone(), error };
        let mut past = Vec::new();
        for place in places(&folder.path).map_err(error)? {
            let length = fs::metadata(&place.path).map_err(error)?.len();
            past.push((place, length));
        }
        let mut damages = Vec::new();
        // What nobody signed seals nothing, and takes no number.
        let sealed = Leaves::read_stated(&folder.path).map_err(error)?.leaves.last();
        past.retain(|(place, _)| place.sequence > sealed);
        // The number of a file that is sealed and gone is not taken again, even where its leaf is missing.
        let segments = leaves::hour_files(&folder.path).map_err(error)?.into_iter().filter_map(|(log, _)| log).max();
        let newest = past.pop();
        let last = past.last().map_or(sealed, |(place, _)| place.sequence).max(segments.unwrap_or(0));
        let next = last + 1;
        let mut log = Self { folder, past, segment: None, next, roll: settings.roll, cap: settings.cap, prune: true };
        if let Some((place, length)) = newest {
            let path = place.path.clone();
            log.resume(place, length, &mut damages).map_err(|error| OpenError::Folder { path, error })?;
        }
        Ok((log, damages))
    }

    /// Where the book ends now: a file's number and an offset in it. What comes later is behind it.
    pub(crate) fn end(&self) -> (u64, u64) {
        match (&self.segment, self.past.last()) {
            (Some(segment), _) => (segment.place.sequence, segment.length),
            (None, Some((place, length))) => (place.sequence, *length),
            (None, None) => (0, 0),
        }
    }

    /// The number of the oldest file.
    pub(crate) fn first(&self) -> u64 {
        let oldest = self.past.first().map(|(place, _)| place).or(self.segment.as_ref().map(|segment| &segment.place));
        oldest.map_or(self.next, |place| place.sequence)
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path.clone()
    }

    /// The number of the last file that is never written again.
    pub(crate) fn closed(&self) -> u64 {
        self.segment.as_ref().map_or(self.next, |segment| segment.place.sequence).saturating_sub(1)
    }

    /// Finishes the file that is being written, where something is in it.
    pub(crate) fn roll(&mut self) {
        if let Some(segment) = self.segment.take_if(|segment| segment.length > HEADER) {
            self.next = segment.place.sequence + 1;
            self.past.push((segment.place, segment.length));
        }
    }

    /// Files up to this number are sealed and gone.
    pub(crate) fn forget(&mut self, sealed: u64) {
        if self.past.first().is_some_and(|(place, _)| place.sequence <= sealed) {
            self.past.retain(|(place, _)| place.sequence > sealed);
        }
    }

    /// Goes on in the newest file if it can be gone on with.
    fn resume(&mut self, place: Place, length: u64, damages: &mut Vec<Damage>) -> io::Result<()> {
        let file = open_file(&place.path)?;
        let header = read_header(&file)?;
        if header != Header::Short {
            self.next = self.next.max(place.sequence + 1);
        }
        match header {
            Header::Short => {
                // The process ended before the file's header was written: it never held anything.
                damages.push(Damage::Torn { file: place.name(), offset: 0, bytes: length });
                // Nor is its number gone on from: whoever can write a name here may have chosen it.
                fs::remove_file(&place.path)?;
                return Ok(());
            }
            Header::Good(sequence) if sequence == place.sequence => {}
            // Reading reports it. Nothing is appended to such a file, and nothing is cut.
            Header::Good(_) | Header::Newer(_) | Header::Bad => {
                self.past.push((place, length));
                return Ok(());
            }
        }
        let mut frames = Frames::from(file, HEADER)?;
        let whole = loop {
            match frames.step()? {
                Step::Frame { .. } | Step::Bad { .. } => {}
                Step::End { offset, torn } => {
                    if torn > 0 {
                        damages.push(Damage::Torn { file: place.name(), offset, bytes: torn });
                    }
                    break offset;
                }
            }
        };
        let segment = Writing::resume(place, whole)?;
        if segment.length < self.roll {
            self.segment = Some(segment);
        } else {
            self.past.push((segment.place, whole));
        }
        Ok(())
    }

    /// Writes and syncs a batch of frames. Returns the files that were removed to make room.
    pub(crate) fn commit(&mut self, frames: &[u8]) -> Result<Vec<Removed>, Failure> {
        let now = Timestamp::now();
        let mut segment = match self.segment.take() {
            Some(segment) => segment,
            None => self.begin(now).map_err(|error| Failure { reason: reason(&error), clean: true })?,
        };
        self.next = segment.place.sequence + 1;

        let removed = if self.prune { self.too_old(&segment.place, now) } else { Vec::new() };
        let written = if removed.is_empty() {
            segment.append(frames)
        } else {
            let mut with_notes = Vec::new();
            for note in &removed {
                // It is a few numbers: it always fits.
                let _ = append_removed(&mut with_notes, note);
            }
            with_notes.extend_from_slice(frames);
            segment.append(&with_notes)
        };
        if let Err(error) = written {
            let (place, length) = (segment.place.clone(), segment.length);
            let left = segment.give_up();
            if left.gone {
                self.next = place.sequence;
            } else {
                self.past.push((place, length));
            }
            return Err(Failure { reason: reason(&error), clean: left.clean });
        }

        self.prune = false;
        if segment.length < self.roll {
            self.segment = Some(segment);
        } else {
            self.past.push((segment.place, segment.length));
        }
        for note in &removed {
            self.remove(note.sequence);
        }
        Ok(removed)
    }

    fn begin(&mut self, now: Timestamp) -> io::Result<Writing> {
        // A number that is taken is not taken again: a stub may be left that could not be removed.
        let taken = places(&self.folder.path)?.last().map_or(0, |place| place.sequence);
        self.next = self.next.max(taken + 1);
        let segment = self.folder.begin(self.next, now)?;
        self.prune = true;
        Ok(segment)
    }

    /// The oldest files that must go so that the current one may grow to its full length.
    fn too_old(&self, current: &Place, now: Timestamp) -> Vec<Removed> {
        let mut total: u64 = self.roll + self.past.iter().map(|(_, length)| length).sum::<u64>();
        let after = self.past.iter().skip(1).map(|(place, _)| place.started).chain([current.started]);
        let mut removed = Vec::new();
        for ((place, bytes), to) in self.past.iter().zip(after) {
            if total <= self.cap {
                break;
            }
            total -= bytes;
            removed.push(Removed { at: now, sequence: place.sequence, from: place.started, to, bytes: *bytes });
        }
        removed
    }

    fn remove(&mut self, sequence: u64) {
        self.past.retain(|(place, _)| {
            if place.sequence != sequence {
                return true;
            }
            if let Err(error) = fs::remove_file(&place.path) {
                tracing::warn!(file = place.name(), %error, "an old file of the record cannot be removed");
            }
            false
        });
    }
}

/// What the operator has to mend.
fn reason(error: &io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Reason::Full,
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Reason::ReadOnly,
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Reason::Gone,
        _ => Reason::Broken,
    }
}
