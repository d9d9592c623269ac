//! How far a drain has come, on disk: what was sent is not sent again after a restart, and what
//! was not sent is.

use std::{
    collections::BTreeMap,
    fs, io,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use law::{Call, CallId};
use record::Position;
use serde::{Deserialize, Serialize};

/// How far a drain has come.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Everything before this place of the record was sent, or is not wanted, or is open.
    pub(crate) record: Position,
    /// Which record that is a place of, by its name in checkpoints; empty before the first one.
    #[serde(default)]
    pub(crate) origin: String,
    /// Calls before that place whose end is not known yet.
    #[serde(default)]
    pub(crate) open: BTreeMap<CallId, Open>,
    /// The newest change of the ledger that was dealt with, and its hash.
    pub(crate) ledger: u64,
    #[serde(default)]
    pub(crate) ledger_hash: String,
    /// The newest finding that was dealt with.
    pub(crate) findings: u64,
    #[serde(default)]
    pub(crate) health: Health,
}

/// A call whose end is not known yet: where it stands. The call itself is in the record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Open {
    pub(crate) file: u64,
    pub(crate) entry: u64,
    /// It was sent without its end already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) told: bool,
    /// The same in memory; after a start it is read again.
    #[serde(skip)]
    pub(crate) call: Option<Arc<Call>>,
}

/// How a drain does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Health {
    /// Events that arrived.
    pub(crate) sent: u64,
    /// Attempts that failed.
    pub(crate) failed: u64,
    /// Events that the receiver did not take, and that were passed over.
    pub(crate) refused: u64,
    /// Files of the record, and findings, that were removed before they were sent.
    pub(crate) lost: u64,
    /// Bytes of the record that are not looked at yet.
    pub(crate) bytes_behind: u64,
    /// Changes of the ledger that are not looked at yet.
    pub(crate) changes_behind: u64,
    /// When the oldest event happened that waits to be sent.
    pub(crate) waiting_since: Option<Timestamp>,
    pub(crate) last_sent: Option<Timestamp>,
    /// Since when nothing arrives.
    pub(crate) failing_since: Option<Timestamp>,
    /// What went wrong last, without secrets.
    pub(crate) why: Option<String>,
}

/// Held while a cursor is written.
static WRITING: Mutex<()> = Mutex::new(());

/// Where the cursors of a state lie.
pub(crate) fn folder(state: &Path) -> PathBuf {
    state.join("drains")
}

fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.json"))
}

impl Cursor {
    /// The cursor of this name, where the drain has run before.
    pub(crate) fn read(folder: &Path, name: &str) -> io::Result<Option<Self>> {
        match fs::read(path(folder, name)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Holds the place against the record that is there. Another one, or one that was put back as
    /// it was earlier, is read from its beginning: what is sent again has the same ids, and what is
    /// passed over is not known.
    pub(crate) fn hold_to_record(&mut self, folder: &Path) -> io::Result<()> {
        let there = record::origin(folder)?.unwrap_or_default();
        let is_other = !self.origin.is_empty() && self.origin != there;
        if is_other || self.record.file > Position::end(folder)?.file {
            self.health.lost += 1 + self.open.len() as u64;
            (self.record, self.open) = (Position::default(), BTreeMap::new());
        }
        self.origin = there;
        Ok(())
    }

    /// Puts it on disk, all of it or nothing.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> io::Result<()> {
        // One that a drain which has ended began to write must not meet one of its successor.
        let _alone = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let (path, beside) = (path(folder, name), folder.join(format!("{name}.new")));
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_data()?;
        fs::rename(&beside, &path)?;
        fs::File::open(folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use law::{Factor, KeyId, Power, Verdict, Who};
    use record::{Book, Reader, Sealing, Settings};

    use super::*;

    /// Writes calls into a record, one file of the log for each, until all of them are sealed.
    fn fill(folder: &Path, calls: u64) {
        let sealing = || Sealing {
            signer: seal::Signer::new("test/record", &[5; 32]).unwrap(),
            after: Duration::from_millis(10),
            keep: law::ByPower::default(),
            cap: u64::MAX,
            piece: 64 << 20,
            settle: Duration::ZERO,
        };
        for _ in 0..calls {
            let book = Book::open_sealing(folder, Settings::default(), sealing()).unwrap();
            let (began, sealed) = (Instant::now(), record::checkpoint(folder).unwrap());
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(book.intent_durable(call())).unwrap();
            // It may be replaced in the very moment in which it is read.
            while !record::checkpoint(folder).is_ok_and(|now| now != sealed) {
                assert!(began.elapsed() < Duration::from_secs(60), "it was never sealed");
                std::thread::yield_now();
            }
        }
    }

    fn call() -> Call {
        Call {
            id: CallId(uuid::Uuid::now_v7()),
            at: Timestamp::now(),
            who: Who::Key,
            key: Some(KeyId(17)),
            holder: None,
            operation: "GET /me".into(),
            parameters: Vec::new(),
            query: Vec::new(),
            powers: Power::Read.into(),
            source: "192.0.2.9".parse().unwrap(),
            user_agent: None,
            factors: Factor::Secret.into(),
            verdict: Verdict::Permit,
            law: "0123456789abcdef".into(),
            challenge: None,
            approval: None,
        }
    }

    fn behind(cursor: &Cursor, folder: &Path) -> usize {
        Reader::open(folder).unwrap().starting_at(cursor.record).filter(Result::is_ok).count()
    }

    #[test]
    fn a_record_that_began_anew_or_was_put_back_is_read_from_its_beginning_and_that_is_told() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("record");
        fill(&folder, 3);
        let mut cursor = Cursor { record: Position::end(&folder).unwrap(), ..Cursor::default() };
        cursor.hold_to_record(&folder).unwrap();
        assert_eq!((cursor.health.lost, behind(&cursor, &folder)), (0, 0));
        let origin = cursor.origin.clone();
        assert!(!origin.is_empty());
        // As the guide says where a record is lost: it is moved away, with what was signed.
        fs::rename(&folder, scratch.path().join("away")).unwrap();
        fs::rename(scratch.path().join("record.signed"), scratch.path().join("away.signed")).unwrap();
        fill(&folder, 4);
        let mut other = cursor.clone();
        other.hold_to_record(&folder).unwrap();
        assert_ne!(other.origin, origin);
        assert_eq!((other.health.lost, behind(&other, &folder)), (1, 4));
        // The same record as it was earlier.
        let mut earlier = Cursor { record: Position { file: 900, ..Position::default() }, ..other.clone() };
        earlier.hold_to_record(&folder).unwrap();
        assert_eq!((earlier.health.lost, behind(&earlier, &folder)), (2, 4));
        // And one that is as it was goes on.
        let mut same = Cursor { record: Position::end(&folder).unwrap(), ..earlier };
        same.hold_to_record(&folder).unwrap();
        assert_eq!((same.health.lost, behind(&same, &folder)), (2, 0));
    }
}
