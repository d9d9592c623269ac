//! The leaves of the record's tree and its newest checkpoint, as they lie on disk.
//!
//! `leaves.jsonl` has one line for each step that changed which segments there are: a file of the
//! log was sealed, or segments were removed. A line, without its newline, is a leaf (RFC 9162);
//! the file only grows. `checkpoint` is the newest signed note over it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use law::Span;
use seal::{Checkpoint, Hash, Verifier, tree};
use serde::{Deserialize, Serialize};

use crate::{
    Segment,
    folder::{self, places},
};

pub(crate) const LEAVES: &str = "leaves.jsonl";
pub(crate) const CHECKPOINT: &str = "checkpoint";

/// One step of the sealed record. Fields that a newer version adds are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leaf {
    /// A file of the log became segments.
    Sealed(Sealed),
    /// Segments were removed. What they were stays in the tree.
    Removed(Dropped),
}

/// A file of the log became segments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The file's number.
    pub log: u64,
    /// When it was sealed.
    pub at: Timestamp,
    /// Its segments: one for each length of time that calls are kept.
    pub segments: Vec<Segment>,
    /// How its keys were used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Rollup>,
    /// What of the file could not be read. It was kept under another name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<String>,
}

/// A file beside the segments of a sealed file, with how its keys were used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollup {
    /// The file, below the record's folder.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Hash,
}

/// Segments were removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// When.
    pub at: Timestamp,
    /// Why: `kept-long-enough` or `cap`.
    pub why: String,
    /// Their files.
    pub files: Vec<String>,
    /// What the segments among them held, and how long such calls were to be kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<Gone>,
}

/// A segment that was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// The file, below the record's folder.
    pub file: String,
    /// The time of its first entry.
    pub from: Timestamp,
    /// The time of its last entry.
    pub to: Timestamp,
    /// How many calls it held.
    pub calls: u64,
    /// How long they were to be kept when it went; without an end where nothing stands here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<Span>,
}

/// What lies on disk.
#[derive(Default)]
pub(crate) struct Leaves {
    /// Each line with what it says; nothing where this program does not understand it.
    pub(crate) lines: Vec<(String, Option<Leaf>)>,
    /// How long the file is up to its last whole line.
    pub(crate) whole: u64,
    /// How much follows that is no whole line.
    pub(crate) torn: u64,
}

/// The leaves that count for somebody who has no key.
#[derive(Default)]
pub(crate) struct Stated {
    pub(crate) leaves: Leaves,
    /// How many were signed, as the newest checkpoint says.
    pub(crate) size: u64,
    /// What lies there beside them, and does not count.
    pub(crate) odd: Option<String>,
}

/// A line is no longer than this, in bytes.
const LONGEST: u64 = 64 << 20;
/// How often it is read anew while somebody seals.
const TRIES: u32 = 16;

impl Leaves {
    /// Reads what there is; where there is nothing yet, nothing.
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let mut file = match folder::open_file(&folder.join(LEAVES)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            file => BufReader::new(file?),
        };
        let mut leaves = Self::default();
        loop {
            let mut line = Vec::new();
            let read = file.by_ref().take(LONGEST).read_until(b'\n', &mut line)? as u64;
            if read == LONGEST {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line of it is too long to be a leaf"));
            }
            let Some(line) = line.strip_suffix(b"\n") else {
                leaves.torn = read;
                return Ok(leaves);
            };
            leaves.whole += read;
            // What is no UTF-8 is no leaf of ours; it is kept so that its hash is wrong.
            let line = String::from_utf8_lossy(line).into_owned();
            let leaf = serde_json::from_str(&line).ok().filter(Leaf::names_only_ours);
            leaves.lines.push((line, leaf));
        }
    }

    /// What somebody goes by who has no key: the leaves that were signed, as far as the newest
    /// checkpoint says. Whoever can write in the folder can append a line; it neither hides
    /// anything nor shows anything. Where the leaves are not those of the checkpoint, nothing
    /// counts as removed.
    pub(crate) fn read_stated(folder: &Path) -> io::Result<Stated> {
        let mut before = stated(folder)?;
        for _ in 0..TRIES {
            let leaves = Self::read(folder)?;
            let size = before.as_ref().map_or(0, |stated| stated.size);
            let is_step = leaves.is_step(folder, size);
            // Signed meanwhile: what stands behind may be signed as well.
            let now = stated(folder)?;
            if now == before {
                return Ok(leaves.stated_by(before, is_step));
            }
            before = now;
        }
        Ok(Self::read(folder)?.stated_by(before, true))
    }

    /// Whether what stands behind so many leaves is nothing, or the one step that is not signed
    /// yet: what that is about lies there until it is.
    fn is_step(&self, folder: &Path, size: u64) -> bool {
        let behind = usize::try_from(size).ok().and_then(|size| self.lines.get(size..)).unwrap_or_default();
        match behind {
            [] => true,
            [(_, Some(Leaf::Sealed(sealed)))] => {
                places(folder).is_ok_and(|logs| logs.iter().any(|log| log.sequence == sealed.log))
            }
            [(_, Some(Leaf::Removed(dropped)))] => dropped.files.iter().all(|file| folder.join(file).exists()),
            _ => false,
        }
    }

    fn stated_by(mut self, stated: Option<Checkpoint>, is_step: bool) -> Stated {
        let size = stated.as_ref().map_or(0, |stated| stated.size);
        let signed = usize::try_from(size).unwrap_or(usize::MAX);
        let behind = self.lines.len().saturating_sub(signed);
        self.lines.truncate(signed);
        let mut odd = (!is_step).then(|| format!("has {behind} lines that nobody signed, and they do not count"));
        if stated.is_some_and(|stated| self.lines.len() < signed || tree::root(&self.hashes()) != stated.root) {
            odd = Some("is not what was signed".to_owned());
            for (_, leaf) in &mut self.lines {
                leaf.take_if(|leaf| matches!(leaf, Leaf::Removed(_)));
            }
        }
        Stated { leaves: self, size, odd }
    }

    /// The steps, without what is not understood.
    pub(crate) fn leaves(&self) -> impl DoubleEndedIterator<Item = &Leaf> {
        self.lines.iter().filter_map(|(_, leaf)| leaf.as_ref())
    }

    /// The sealed files, oldest first.
    pub(crate) fn sealed(&self) -> impl DoubleEndedIterator<Item = &Sealed> {
        self.leaves().filter_map(|leaf| if let Leaf::Sealed(sealed) = leaf { Some(sealed) } else { None })
    }

    /// The files that were removed.
    pub(crate) fn dropped(&self) -> std::collections::HashSet<&str> {
        let files = self
            .leaves()
            .filter_map(|leaf| if let Leaf::Removed(dropped) = leaf { Some(&dropped.files) } else { None });
        files.flatten().map(String::as_str).collect()
    }

    /// The greatest number of a file that was sealed.
    pub(crate) fn last(&self) -> u64 {
        self.sealed().map(|sealed| sealed.log).max().unwrap_or(0)
    }

    /// The leaves as the tree has them.
    pub(crate) fn hashes(&self) -> Vec<Hash> {
        self.lines.iter().map(|(line, _)| tree::leaf(line.as_bytes())).collect()
    }
}

impl Leaf {
    /// Whether each file that it names is one that sealing makes: others are nobody's to look at.
    fn names_only_ours(&self) -> bool {
        match self {
            Self::Sealed(Sealed { segments, usage, .. }) => {
                segments.iter().all(|segment| is_ours(&segment.file)) && usage.iter().all(|usage| is_ours(&usage.file))
            }
            Self::Removed(Dropped { files, .. }) => files.iter().all(|file| is_ours(file)),
        }
    }
}

/// Whether a file is of the form `hour=*/NAME`.
fn is_ours(file: &str) -> bool {
    let Some((hour, name)) = file.strip_prefix("hour=").and_then(|rest| rest.split_once('/')) else { return false };
    let plain = |text: &str, more: &[u8]| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || more.contains(&byte))
    };
    let name = name.strip_suffix(".parquet").or_else(|| name.strip_suffix(".usage"));
    plain(hour, b"-T") && name.is_some_and(|name| plain(name, b"-"))
}

/// Opens a file that a leaf names.
pub(crate) fn open(folder: &Path, file: &str) -> io::Result<File> {
    let path = folder.join(file);
    let hour = path.parent().unwrap_or(folder);
    if fs::symlink_metadata(hour)?.is_dir() {
        folder::open_file(&path)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "its hour is no folder"))
    }
}

/// What lies in the hours' folders: each file, and the number of the file of the log that it comes from.
pub(crate) fn hour_files(folder: &Path) -> io::Result<Vec<(Option<u64>, String)>> {
    let mut files = Vec::new();
    for hour in fs::read_dir(folder)? {
        let hour = hour?;
        let name = hour.file_name();
        let is_hour = hour.file_type()?.is_dir();
        let Some(name) = name.to_str().filter(|name| is_hour && name.starts_with("hour=")) else { continue };
        for file in fs::read_dir(hour.path())? {
            let file = file?.file_name().to_string_lossy().into_owned();
            let log = file.split_once(['-', '.']).and_then(|(log, _)| folder::number(log));
            files.push((log, format!("{name}/{file}")));
        }
    }
    Ok(files)
}

/// The newest checkpoint, as it lies there; nothing where there is none.
pub(crate) fn note(folder: &Path) -> io::Result<Option<String>> {
    read(&folder.join(CHECKPOINT))
}

/// No note is longer, in bytes.
const NOTE: u64 = 1 << 16;

fn read(path: &Path) -> io::Result<Option<String>> {
    let file = match folder::open_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut note = Vec::new();
    file.take(NOTE).read_to_end(&mut note)?;
    // What is no UTF-8, or longer, is no note of ours, and does not verify.
    Ok(Some(String::from_utf8_lossy(&note).into_owned()))
}

/// What the newest checkpoint says, the one beside the folder before the one in it. Nobody has
/// looked whether it verifies.
pub(crate) fn stated(folder: &Path) -> io::Result<Option<Checkpoint>> {
    let parse = |note: Option<String>| note.and_then(|note| note.parse::<Checkpoint>().ok());
    let (anchor, note) = (parse(anchor(folder)?), parse(note(folder)?));
    Ok(anchor.or(note))
}

/// Where the newest checkpoint lies that was signed here: beside the record's folder, so that it
/// stays when that is put back from elsewhere, and out of reach of who can write only there.
pub(crate) fn anchor_path(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".signed");
    folder.with_file_name(name)
}

/// The newest checkpoint that was signed here; nothing where none was.
pub(crate) fn anchor(folder: &Path) -> io::Result<Option<String>> {
    read(&anchor_path(folder))
}

/// Keeps a checkpoint there; it is on disk when this returns.
pub(crate) fn put_anchor(folder: &Path, note: &str) -> io::Result<()> {
    let path = anchor_path(folder);
    let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    replace(beside, &path.file_name().unwrap_or_default().to_string_lossy(), note)
}

/// Why a checkpoint does not cover the leaves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The note is none of this record.
    #[error("the checkpoint does not verify: {0}")]
    Note(#[from] seal::NoteError),
    /// There are fewer leaves than were signed.
    #[error("the record has {there} leaves, and {signed} were signed: its end is cut off")]
    Cut {
        /// How many there are.
        there: u64,
        /// How many were signed.
        signed: u64,
    },
    /// The leaves are not those that were signed.
    #[error("the first {0} leaves of the record are not those that were signed")]
    Forked(u64),
}

/// Holds leaves against a signed note; how far it covers them.
pub(crate) fn covered(hashes: &[Hash], note: &str, verifier: &Verifier) -> Result<usize, Unfit> {
    let Checkpoint { origin: _, size, root } = verifier.checkpoint(note)?;
    let cut = Unfit::Cut { there: hashes.len() as u64, signed: size };
    let signed = usize::try_from(size).ok().and_then(|size| hashes.get(..size)).ok_or(cut)?;
    if tree::root(signed) == root { Ok(signed.len()) } else { Err(Unfit::Forked(size)) }
}

/// Appends a line; it is on disk when this returns.
pub(crate) fn append(folder: &Path, line: &str, whole: u64) -> io::Result<()> {
    let path = folder.join(LEAVES);
    let mut file = folder::open_to_write(&path, OpenOptions::new().append(true))?;
    // What a failed try has left behind.
    if file.metadata()?.len() > whole {
        file.set_len(whole)?;
    }
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_all()?;
    sync(folder)
}

/// Puts a file in its place, whole or not at all.
pub(crate) fn replace(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let new = folder.join(format!("{name}.new"));
    // What a try before this one left, or a link that somebody put there.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(new, folder.join(name))?;
    sync(folder)
}

/// Brings the names in a folder to the disk.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
