//! Findings on disk, so that a restart loses none that is still to be sent: JSON lines in a few
//! small files, the oldest of which go.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use law::Finding;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::secrets::private_folder;

/// A file is followed by another from this size on, in bytes.
const ROLL: u64 = 1 << 20;

/// So many files are kept.
const FILES: usize = 16;

/// One finding as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Noted {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// By what it is known elsewhere.
    pub(crate) id: Uuid,
    pub(crate) finding: Finding,
}

/// The findings of a gate, open for writing.
pub(crate) struct Journal {
    folder: PathBuf,
    writer: Mutex<Option<(File, u64)>>,
    last: AtomicU64,
}

impl Journal {
    pub(crate) fn open(state: &Path) -> io::Result<Self> {
        let folder = state.join("findings");
        private_folder(&folder)?;
        let mut last = 0;
        if let Some((first, newest)) = files(&folder)?.pop() {
            cut_torn(&newest)?;
            last = read(&newest, 0)?.last().map_or(first.saturating_sub(1), |noted| noted.number);
        }
        Ok(Self { folder, writer: Mutex::new(None), last: AtomicU64::new(last) })
    }

    /// The number of the newest.
    pub(crate) fn last(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }

    /// Takes a finding; on disk when this returns.
    pub(crate) fn note(&self, finding: &Finding) -> io::Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let number = self.last() + 1;
        let noted = Noted { number, id: Uuid::now_v7(), finding: finding.clone() };
        let line = serde_json::to_string(&noted)? + "\n";
        let (mut file, length) = match writer.take() {
            Some((file, length)) if length < ROLL => (file, length),
            _ => self.begin(number)?,
        };
        file.write_all(line.as_bytes())?;
        file.sync_data()?;
        *writer = Some((file, length + line.len() as u64));
        self.last.store(number, Ordering::Release);
        Ok(())
    }

    fn begin(&self, number: u64) -> io::Result<(File, u64)> {
        let all = files(&self.folder)?;
        for (_, old) in all.iter().rev().skip(FILES - 1) {
            fs::remove_file(old)?;
        }
        let path = self.folder.join(format!("{number:012}.jsonl"));
        Ok((OpenOptions::new().append(true).create(true).mode(0o600).open(path)?, 0))
    }

    /// Findings after this number, at most so many, oldest first.
    pub(crate) fn after(&self, number: u64, most: usize) -> io::Result<Vec<Noted>> {
        if self.last() <= number {
            return Ok(Vec::new());
        }
        let all = files(&self.folder)?;
        let begin = all.iter().rposition(|(first, _)| *first <= number + 1).unwrap_or(0);
        let mut found = Vec::new();
        for (_, path) in all.iter().skip(begin) {
            found.extend(read(path, number)?);
            if found.len() >= most {
                break;
            }
        }
        found.truncate(most);
        Ok(found)
    }
}

/// The files with the number that each begins with, oldest first.
fn files(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let first = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".jsonl")?.parse().ok());
        files.extend(first.map(|first| (first, path)));
    }
    files.sort_unstable();
    Ok(files)
}

/// The findings of one file after this number. A line that is not whole is none.
fn read(path: &Path, after: u64) -> io::Result<Vec<Noted>> {
    let mut found = Vec::new();
    for line in BufReader::new(File::open(path)?).lines() {
        let noted = serde_json::from_str::<Noted>(&line?).ok();
        found.extend(noted.filter(|noted| noted.number > after));
    }
    Ok(found)
}

/// What a kill left half-written goes.
fn cut_torn(path: &Path) -> io::Result<()> {
    let bytes = fs::read(path)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
    if whole < bytes.len() {
        OpenOptions::new().write(true).open(path)?.set_len(whole as u64)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use law::{Evidence, Severity};

    use super::*;

    fn finding(what: &str) -> Finding {
        let at = Timestamp::UNIX_EPOCH;
        Finding::new("rule", Severity::High, None, Evidence { at, call: None, what: what.to_owned() })
    }

    #[test]
    fn findings_outlive_a_kill_with_their_names_and_the_oldest_go() {
        let state = tempfile::tempdir().unwrap();
        let journal = Journal::open(state.path()).unwrap();
        (0..5).for_each(|number| journal.note(&finding(&number.to_string())).unwrap());
        let before = journal.after(2, 10).unwrap();
        assert_eq!(before.iter().map(|noted| noted.number).collect::<Vec<_>>(), [3, 4, 5]);
        drop(journal);
        let (_, newest) = files(&state.path().join("findings")).unwrap().pop().unwrap();
        OpenOptions::new().append(true).open(newest).unwrap().write_all(b"{\"number\":6,\"id").unwrap();

        let journal = Journal::open(state.path()).unwrap();
        assert_eq!(journal.last(), 5);
        journal.note(&finding("after")).unwrap();
        let after = journal.after(2, 10).unwrap();
        assert_eq!(after.iter().map(|noted| noted.number).collect::<Vec<_>>(), [3, 4, 5, 6]);
        assert_eq!(after[0].id, before[0].id, "the same finding has the same name");

        let long = "x".repeat(200_000);
        (0..200).for_each(|_| journal.note(&finding(&long)).unwrap());
        let left = files(&state.path().join("findings")).unwrap().len();
        assert!(left <= FILES, "{left}");
        let oldest = journal.after(0, 1).unwrap();
        assert!(oldest[0].number > 6, "what is gone shows by its number");
    }
}
