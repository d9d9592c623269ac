//! The folder: its lock, its files and their names.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use jiff::{Timestamp, tz::TimeZone};

use crate::{OpenError, leaves::LEAVES};

/// Bytes before the first frame.
pub(crate) const HEADER: u64 = 32;
const MAGIC: [u8; 8] = *b"greave\r\n";
const VERSION: u32 = 1;
const LOCK: &str = "lock";
/// No file of the log ever has so high a number. Whoever can write a name into the folder must
/// not choose the last one there is.
const NUMBERS: u64 = 1 << 53;
const STAMP: &str = "%Y%m%dT%H%M%SZ";

/// One file of the book, as its name tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) sequence: u64,
    /// When it was begun, in whole seconds.
    pub(crate) started: Timestamp,
    pub(crate) path: PathBuf,
}

impl Place {
    pub(crate) fn new(folder: &Path, sequence: u64, started: Timestamp) -> Self {
        let stamp = started.to_zoned(TimeZone::UTC).strftime(STAMP).to_string();
        let started = Timestamp::from_second(started.as_second()).unwrap_or(started);
        Self { sequence, started, path: folder.join(format!("{sequence:08}-{stamp}.calls")) }
    }

    fn from_name(folder: &Path, name: &str) -> Option<Self> {
        let (sequence, stamp) = name.strip_suffix(".calls")?.split_once('-')?;
        let started = jiff::civil::DateTime::strptime(STAMP, stamp).ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
        let place = Self::new(folder, number(sequence)?, started);
        (place.path.file_name()? == name).then_some(place)
    }

    /// The name without the folder.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// The number of a file of the log, as a name has it.
pub(crate) fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number| *number < NUMBERS)
}

/// Opens a file that is one: no link to something else, and no pipe that never ends.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    open_as(path, OpenOptions::new().read(true))
}

/// Opens a file for writing, which is made where it is not there, and never what a link leads to.
pub(crate) fn open_to_write(path: &Path, options: &OpenOptions) -> io::Result<File> {
    match options.clone().create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open_as(path, options),
        file => file,
    }
}

fn open_as(path: &Path, options: &OpenOptions) -> io::Result<File> {
    for _ in 0..TRIES {
        let there = fs::symlink_metadata(path)?;
        let file = if there.is_file() { options.open(path)? } else { return Err(no_file()) };
        let opened = file.metadata()?;
        if (opened.dev(), opened.ino()) == (there.dev(), there.ino()) {
            return Ok(file);
        }
        // Checkpoints are put in each other's place: another one came between the two looks.
    }
    Err(no_file())
}

/// How often a file is opened anew that is replaced meanwhile.
const TRIES: u32 = 16;

fn no_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file")
}

/// The files of a folder, oldest first. Anything else that lies there is left alone.
pub(crate) fn places(folder: &Path) -> io::Result<Vec<Place>> {
    let mut places = Vec::new();
    for entry in fs::read_dir(folder)? {
        places.extend(entry?.file_name().to_str().and_then(|name| Place::from_name(folder, name)));
    }
    places.sort_unstable_by_key(|place| place.sequence);
    Ok(places)
}

/// Where a book ends at this moment: the newest file of its log, or its leaves where all of it is
/// sealed, and how much stands in it. Both only grow.
///
/// # Errors
/// The folder cannot be read.
pub fn end(folder: &Path) -> io::Result<Option<(String, u64)>> {
    if let Some(newest) = places(folder)?.pop() {
        return Ok(Some((newest.name(), fs::metadata(&newest.path)?.len())));
    }
    match fs::metadata(folder.join(LEAVES)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        leaves => Ok(Some((LEAVES.to_owned(), leaves?.len()))),
    }
}

/// What the beginning of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// It is the file with this number.
    Good(u64),
    /// A version that this program does not know.
    Newer(u32),
    /// It is damaged, or this is no file of the book.
    Bad,
    /// It is not there yet.
    Short,
}

/// `[magic: 8][version: u32 LE][sequence: u64 LE][started, ms: i64 LE][crc32c of the 28 bytes before: u32 LE]`
pub(crate) fn header(sequence: u64, started: Timestamp) -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.extend(VERSION.to_le_bytes());
    header.extend(sequence.to_le_bytes());
    header.extend(started.as_millisecond().to_le_bytes());
    header.extend(crc32c::crc32c(&header).to_le_bytes());
    header
}

pub(crate) fn read_header(mut file: &File) -> io::Result<Header> {
    let mut bytes = [0; 32];
    match file.read_exact(&mut bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Header::Short),
        read => read?,
    }
    let (body, sum) = bytes.split_at(28);
    let whole = crc32c::crc32c(body).to_le_bytes() == *sum && body.starts_with(&MAGIC);
    let field = |from: usize, to: usize| body.get(from..to).unwrap_or_default();
    let (Ok(version), Ok(sequence)) = (field(8, 12).try_into(), field(12, 20).try_into()) else {
        return Ok(Header::Bad);
    };
    Ok(match u32::from_le_bytes(version) {
        _ if !whole => Header::Bad,
        VERSION => Header::Good(u64::from_le_bytes(sequence)),
        newer => Header::Newer(newer),
    })
}

/// A folder that this process, and no other, may write.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    lock: File,
}

impl Folder {
    /// Makes the folder where there is none, and takes its lock.
    pub(crate) fn lock(path: PathBuf) -> Result<Self, OpenError> {
        let failed = |path: &Path, error| OpenError::Folder { path: path.to_owned(), error };
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(|error| failed(&path, error))?;
        let mode = fs::metadata(&path).map_err(|error| failed(&path, error))?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(OpenError::Exposed { path, mode });
        }
        let lock = open_lock(&path).map_err(|error| failed(&path, error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path }),
            Err(TryLockError::Error(error)) => Err(failed(&path, error)),
        }
    }

    /// Makes sure that the lock still lies in the folder. Where somebody put a new folder in the
    /// old one's place, it is locked anew.
    fn confirm(&mut self) -> io::Result<()> {
        let held = self.lock.metadata()?;
        match fs::metadata(self.path.join(LOCK)) {
            Ok(there) if (there.dev(), there.ino()) == (held.dev(), held.ino()) => Ok(()),
            _ => {
                let lock = open_lock(&self.path)?;
                lock.try_lock().map_err(|_| io::Error::from(io::ErrorKind::NotFound))?;
                self.lock = lock;
                Ok(())
            }
        }
    }

    /// Begins a file: its header and its name are on disk when this returns.
    pub(crate) fn begin(&mut self, sequence: u64, now: Timestamp) -> io::Result<Writing> {
        self.confirm()?;
        let place = Place::new(&self.path, sequence, now);
        let mut file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&place.path)?;
        let begun = file
            .write_all(&header(sequence, now))
            .and_then(|()| file.sync_data())
            .and_then(|()| File::open(&self.path)?.sync_all());
        if let Err(error) = begun {
            // Each try would leave a stub.
            let _ = fs::remove_file(&place.path);
            return Err(error);
        }
        Ok(Writing { place, file, length: HEADER })
    }
}

fn open_lock(folder: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(folder.join(LOCK))
}

/// The file that is being written.
pub(crate) struct Writing {
    pub(crate) place: Place,
    file: File,
    /// How much of it is on disk and acknowledged.
    pub(crate) length: u64,
}

impl Writing {
    /// Opens a file to go on behind its last whole frame; what is torn behind it is cut off.
    pub(crate) fn resume(place: Place, length: u64) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).open(&place.path)?;
        if file.metadata()?.len() > length {
            file.set_len(length)?;
            file.sync_all()?;
        }
        Ok(Self { place, file, length })
    }

    /// Appends and syncs. After an error nothing may be written to this file any more.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.file.sync_data()?;
        let length = self.length + bytes.len() as u64;
        // What is on disk is no help where the name leads elsewhere, or somebody else wrote.
        let (held, named) = (self.file.metadata()?, fs::symlink_metadata(&self.place.path)?);
        if (held.dev(), held.ino()) != (named.dev(), named.ino()) || held.len() != length {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.length = length;
        Ok(())
    }

    /// Gives the file up after an error, cut back to what was acknowledged.
    pub(crate) fn give_up(self) -> GivenUp {
        let clean = self.file.metadata().and_then(|held| {
            // Never longer: that would put zeros where somebody else has cut.
            if held.len() > self.length { self.file.set_len(self.length) } else { Ok(()) }
        });
        let gone = self.length == HEADER && fs::remove_file(&self.place.path).is_ok();
        GivenUp { clean: clean.is_ok(), gone }
    }
}

/// How a file was left behind.
pub(crate) struct GivenUp {
    /// It holds nothing that was not acknowledged, so that the rest may be written elsewhere.
    pub(crate) clean: bool,
    /// It held nothing and was removed; its number is free.
    pub(crate) gone: bool,
}
