//! Places in the book from which a reader can go on later.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    Reader,
    folder::{HEADER, places},
    leaves::{Leaves, hour_files},
};

/// A place in the book between two entries.
///
/// It stays good while the book grows, while files are sealed and while its oldest files go: see
/// [`Reader::starting_at`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The number of the file of the log, also after it was sealed.
    pub file: u64,
    /// How many entries of that file stand before this place.
    pub entry: u64,
    /// Where that is in the file, in bytes; 0 where it was read from segments.
    pub offset: u64,
}

impl Position {
    /// Behind everything that stands in a book now.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn end(folder: &Path) -> io::Result<Self> {
        let newest = match places(folder)?.pop() {
            Some(newest) => newest.sequence,
            None => Leaves::read_stated(folder)?.leaves.last() + 1,
        };
        let mut reader = Reader::from(folder).starting_at(Self { file: newest, ..Self::default() });
        while reader.next().is_some() {}
        Ok(reader.position())
    }

    /// How much of a book stands behind this place, in bytes on disk.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn behind(self, folder: &Path) -> io::Result<u64> {
        let mut bytes = 0;
        let read = self.offset.max(HEADER);
        for place in places(folder)?.into_iter().filter(|place| place.sequence >= self.file) {
            // One that is sealed in this moment goes.
            let length = fs::metadata(&place.path).map_or(0, |file| file.len());
            bytes += length.saturating_sub(if place.sequence == self.file { read } else { HEADER });
        }
        for (log, file) in hour_files(folder)? {
            if log.is_some_and(|log| log >= self.file) && file.ends_with(".parquet") {
                bytes += fs::metadata(folder.join(file)).map_or(0, |file| file.len());
            }
        }
        Ok(bytes)
    }
}
